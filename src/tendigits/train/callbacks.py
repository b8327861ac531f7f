"""Train a recipe's model so that a killed run, resumed, ends bit for bit as if it had never stopped.

`tendigits.fit` does the work. Around it: the order of the digits depends only on the seed and the epoch,
early stopping's state can be put back, every epoch ends with a checkpoint, a signal ends it between two steps,
and a loss or weight that is not a finite number ends it at once.
"""

import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import keras
import numpy as np

from tendigits.engine.ema import averaged
from tendigits.engine.fit import fit
from tendigits.errors import DivergedError, Interrupted, TendigitsError, UserError
from tendigits.model.recipe import Recipe
from tendigits.train.augment import augmenter
from tendigits.train.checkpoint import Checkpoint, History

Array = np.ndarray[Any, Any]


class _EarlyStopping(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """Keras' own, always remembering the best weights, and able to go on from a checkpoint."""

    def __init__(self, recipe: Recipe, resume: Checkpoint | None) -> None:
        super().__init__(monitor=recipe.monitor, patience=recipe.patience, restore_best_weights=True)
        self.restore_at_end, self.resume = recipe.restore_best, resume

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        if self.resume is not None:
            self.wait, self.best = self.resume.wait, self.resume.best
            self.best_epoch, self.best_weights = self.resume.best_epoch, self.resume.best_weights

    def on_train_end(self, logs: Any = None) -> None:
        if self.restore_at_end:
            super().on_train_end(logs)


class _Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends each epoch with a check for finite numbers and a checkpoint."""

    def __init__(
        self,
        stopping: _EarlyStopping,
        recipe: Recipe,
        history: History,
        keep: Callable[[Checkpoint], None],
    ) -> None:
        super().__init__()
        self.stopping, self.recipe, self.history, self.keep = stopping, recipe, history, keep

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        check_finite(self.model, logs, epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))
        self.keep(
            Checkpoint(
                recipe=self.recipe,
                epoch=epoch + 1,
                history={name: list(values) for name, values in self.history.items()},
                stopped=bool(self.model.stop_training),
                wait=self.stopping.wait,
                best=float(self.stopping.best),
                best_epoch=self.stopping.best_epoch,
                variables=[np.asarray(v) for v in _state(self.model)],
                optimizer=[np.asarray(v) for v in self.model.optimizer.variables],
                best_weights=self.stopping.best_weights,
            )
        )


class _Between(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls `check(epoch)` before each dispatch, where the model's state is whole."""

    def __init__(self, check: Callable[[int], None]) -> None:
        super().__init__()
        self.check, self.epoch = check, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.check(self.epoch)


def fit_recipe(
    model: keras.Model,
    x: Array,
    y: Array,
    validation: tuple[Array, Array],
    recipe: Recipe,
    keep: Callable[[Checkpoint], None],
    resume: Checkpoint | None = None,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
    distribution: keras.distribution.DataParallel | None = None,
) -> keras.callbacks.History:
    """Train a compiled `model` as the recipe says.

    Args:
        x, y: float32 (n, 784) in [0, 1] and one-hot float32 (n, 10).
        validation: the same pair to validate on after each epoch.
        keep: called at the end of each epoch with all that the next one depends on.
        resume: go on from here; the model is the same recipe's, its values are overwritten.
        callbacks: Keras callbacks that look on, such as a progress bar.
        distribution: over whose devices each batch is parted.

    Returns:
        Keras' History, of all epochs also where the run was resumed.

    Raises:
        Interrupted: SIGINT or SIGTERM came; the model has its best weights so far.
        DivergedError: the loss or a weight is not a finite number; the model has its best weights so far.
        HostError: another host is gone; the model has its best weights so far.
        UserError: Keras' backend is not JAX.
        Whatever `keep` raises.
    """
    if keras.backend.backend() != "jax":
        raise UserError(f"expected Keras on jax, found it on {keras.backend.backend()}; unset KERAS_BACKEND")
    history: History = {name: list(values) for name, values in resume.history.items()} if resume else {}
    stopping = _EarlyStopping(recipe, resume)
    keeper = _Keeper(stopping, recipe, history, keep)
    if resume is not None:
        _restore(model, resume)
    done = resume.epoch if resume else 0
    looking = [stopping, keeper, *callbacks]
    if recipe.ema_momentum:
        looking = averaged(looking, resumed=resume is not None)
    with _signals() as raise_if_signalled:
        try:
            fit(
                model,
                x,
                y,
                batch_size=recipe.batch_size,
                validation_data=validation,
                initial_epoch=done,
                epochs=done if resume and resume.stopped else recipe.epochs,
                order=lambda epoch, n: np.random.default_rng((recipe.seed, epoch)).permutation(n),
                augment=augmenter(recipe.augmentation),
                seed=recipe.seed,
                verbose=0,
                distribution=distribution,
                callbacks=[*looking, _Between(raise_if_signalled)],
            )
        except TendigitsError:
            if stopping.best_weights is not None:
                model.set_weights(stopping.best_weights)
            raise
    model.history.history, model.history.epoch = history, list(range(len(history["loss"])))
    return model.history


def check_finite(model: keras.Model, logs: dict[str, float], epoch: int) -> None:
    """Raise DivergedError, naming what is not a finite number and what to try."""
    advice = "try a smaller learning rate"
    for name, value in logs.items():
        if not math.isfinite(value):
            raise DivergedError(f"epoch {epoch + 1}: expected a finite {name}, received {value}; {advice}")
    for variable in model.weights:
        if not np.isfinite(np.asarray(variable)).all():
            raise DivergedError(f"epoch {epoch + 1}: {variable.path} has weights that are not finite; {advice}")


def _state(model: keras.Model) -> list[Any]:
    """All that a training step changes in the model: weights, and the states of the dropout generators."""
    return [*model.trainable_variables, *model.non_trainable_variables]


def _restore(model: keras.Model, checkpoint: Checkpoint) -> None:
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(_state(model), checkpoint.variables, strict=True):
        variable.assign(value)
    for variable, value in zip(model.optimizer.variables, checkpoint.optimizer, strict=True):
        variable.assign(value)


@contextmanager
def _signals() -> Iterator[Callable[[int], None]]:
    """Turn the first SIGINT or SIGTERM into an `Interrupted`, raised by the function that this yields.

    Python would raise KeyboardInterrupt anywhere, also where a step has given its buffers away and the model's
    variables are gone. A second signal does what it did before; one that was ignored, as SIGINT is in a shell's
    background job, still is.
    """
    received: list[int] = []
    before: dict[signal.Signals, Any] = {}

    def remember(number: int, _: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, before[signal.Signals(number)])

    def raise_if_signalled(epoch: int) -> None:
        if received:
            raise Interrupted(f"by {signal.Signals(received[0]).name} in epoch {epoch + 1}", received[0])

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, remember)
    try:
        yield raise_if_signalled
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
