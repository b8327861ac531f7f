"""Fit a recipe's model so that a run that is killed and resumed ends with the same bits as an uninterrupted run.

`tendigits.fit` trains. The order of the digits depends only on the seed and the epoch, and each epoch ends with a
checkpoint of everything that the next epoch depends on.
"""

import math
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Self

import keras
import numpy as np

from tendigits.engine.fit import fit, with_ema
from tendigits.errors import DivergedError, Interrupted, TendigitsError, UserError
from tendigits.model.recipe import Recipe
from tendigits.train.augment import augmenter
from tendigits.train.checkpoint import Checkpoint, History, checkpoint_of, restore
from tendigits.train.inputs import Inputs

VALIDATION_BATCH_SIZE = 200  # divides MNIST's splits: no smaller last batch needs a second program


def number_of_steps(recipe: Recipe, n: int) -> int:
    """Optimizer steps of a whole training on n digits."""
    return recipe.epochs * -(-n // recipe.batch_size)


def fit_recipe(
    model: keras.Model,
    inputs: Inputs,
    recipe: Recipe,
    save: Callable[[Checkpoint], None],
    checkpoint: Checkpoint | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.callbacks.History:
    """Train a compiled `model` with the settings of a recipe.

    Args:
        save: called after each epoch with its checkpoint.
        checkpoint: resume from here. The model must be of the same recipe; its values are overwritten.
        callbacks: further Keras callbacks, such as a progress bar.

    Returns:
        Keras' History, with all epochs even if the run was resumed.

    Raises:
        Interrupted: SIGINT or SIGTERM was received. The model has the best weights so far.
        DivergedError: the loss or a weight is not finite. The model has the best weights so far.
        UserError: Keras' backend is not JAX.
        Any exception that `save` raises.
    """
    if keras.backend.backend() != "jax":
        raise UserError(f"expected Keras on jax, found it on {keras.backend.backend()}; unset KERAS_BACKEND")
    history: History = {}
    first_epoch, last_epoch = 0, recipe.epochs
    if checkpoint is not None:
        history = {name: list(values) for name, values in checkpoint.history.items()}
        first_epoch, last_epoch = checkpoint.epoch, checkpoint.epoch if checkpoint.stopped else recipe.epochs
        restore(model, checkpoint)
    stopping = _EarlyStopping(recipe, checkpoint)

    def save_epoch(epoch: int, logs: dict[str, float]) -> None:
        _check_finite(model, logs, epoch)
        for name, value in logs.items():
            history.setdefault(name, []).append(float(value))
        save(checkpoint_of(model, stopping, recipe, history))

    all_callbacks = [stopping, keras.callbacks.LambdaCallback(on_epoch_end=save_epoch), *callbacks]
    if recipe.ema_momentum:
        all_callbacks = with_ema(all_callbacks, resumed=checkpoint is not None)
    with _StopOnSignal() as stop_on_signal:
        try:
            fit(
                model,
                inputs.x,
                inputs.y,
                batch_size=recipe.batch_size,
                validation_data=inputs.validation,
                validation_batch_size=VALIDATION_BATCH_SIZE,
                initial_epoch=first_epoch,
                epochs=last_epoch,
                order=lambda epoch, n: np.random.default_rng((recipe.seed, epoch)).permutation(n),
                augment=augmenter(recipe.augmentation),
                seed=recipe.seed,
                verbose=0,
                callbacks=[*all_callbacks, stop_on_signal],
            )
        except TendigitsError:
            if stopping.best_weights is not None:
                model.set_weights(stopping.best_weights)
            raise
    model.history.history, model.history.epoch = history, list(range(len(history["loss"])))
    return model.history


class _EarlyStopping(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """Keras' early stopping, which here can resume from a checkpoint and remembers the best weights in any case."""

    def __init__(self, recipe: Recipe, checkpoint: Checkpoint | None) -> None:
        super().__init__(monitor=recipe.monitor, patience=recipe.patience, restore_best_weights=True)
        self.restore_at_end, self.checkpoint = recipe.restore_best, checkpoint

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        if self.checkpoint is not None:
            self.wait, self.best = self.checkpoint.wait, self.checkpoint.best
            self.best_epoch, self.best_weights = self.checkpoint.best_epoch, self.checkpoint.best_weights

    def on_train_end(self, logs: Any = None) -> None:
        if self.restore_at_end:
            super().on_train_end(logs)


class _StopOnSignal(keras.callbacks.Callback):  # type: ignore[misc]
    """Raises Interrupted between two dispatches after the first SIGINT or SIGTERM; a second has its usual effect.

    Python would raise KeyboardInterrupt at any point, even during a step, when the model's variables are invalid.
    Signals that are ignored, such as SIGINT in a shell's background job, stay ignored.
    """

    received: int | None = None
    epoch = 0

    def __enter__(self) -> Self:
        self.previous: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self.previous[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _remember(self, number: int, _: FrameType | None) -> None:
        self.received = self.received or number
        signal.signal(number, self.previous[number])

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self.received is not None:
            raise Interrupted(f"by {signal.Signals(self.received).name} in epoch {self.epoch + 1}", self.received)


def _check_finite(model: keras.Model, logs: dict[str, float], epoch: int) -> None:
    """Raise DivergedError if a metric or a weight is infinite or not a number."""
    advice = "try a smaller learning rate"
    for name, value in logs.items():
        if not math.isfinite(value):
            raise DivergedError(f"epoch {epoch + 1}: expected a finite {name}, received {value}; {advice}")
    for variable in model.weights:
        if not np.isfinite(np.asarray(variable)).all():
            raise DivergedError(f"epoch {epoch + 1}: {variable.path} has weights that are not finite; {advice}")
