"""Fit a recipe's model so that a run that is killed and resumed ends bit for bit like one that was never interrupted.

`tendigits.fit` does the work. The order of the digits depends only on the seed and the epoch, and each epoch ends with
a checkpoint of everything that the next one depends on.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from tendigits.engine.ema import with_ema
from tendigits.engine.fit import fit
from tendigits.errors import TendigitsError, UserError
from tendigits.model.recipe import Recipe
from tendigits.train.augment import augmenter
from tendigits.train.callbacks import EarlyStopping, SaveCheckpoint, StopOnSignal
from tendigits.train.checkpoint import Checkpoint, History, restore
from tendigits.train.inputs import Inputs

VALIDATION_BATCH = 200
"""Digits in a step of the validation: half the time of 32, and a divisor of most splits, so that one program does."""


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
    distribution: keras.distribution.DataParallel | None = None,
) -> keras.callbacks.History:
    """Train a compiled `model` as the recipe says.

    Args:
        save: called after each epoch with everything that the next one depends on, in another thread while that one is
            trained. All calls have returned when this one ends, however it ends.
        checkpoint: resume from here; the model must be the same recipe's, its values are overwritten.
        callbacks: further Keras callbacks, such as a progress bar.
        distribution: the devices that share each batch.

    Returns:
        Keras' History, with all epochs even if the run was resumed.

    Raises:
        Interrupted, DivergedError, HostError: SIGINT or SIGTERM was received, the loss or a weight is not a finite
            number, or another process was lost; the model has the best weights so far.
        UserError: Keras' backend is not JAX.
        Any exception that `save` raises, before the next call of it.
    """
    if keras.backend.backend() != "jax":
        raise UserError(f"expected Keras on jax, found it on {keras.backend.backend()}; unset KERAS_BACKEND")
    history: History = {}
    first_epoch, last_epoch = 0, recipe.epochs
    if checkpoint is not None:
        history = {name: list(values) for name, values in checkpoint.history.items()}
        first_epoch, last_epoch = checkpoint.epoch, checkpoint.epoch if checkpoint.stopped else recipe.epochs
        restore(model, checkpoint)
    stopping = EarlyStopping(recipe, checkpoint)
    saving = SaveCheckpoint(stopping, recipe, history, save)
    watching = [stopping, saving, *callbacks]
    if recipe.ema_momentum:
        watching = with_ema(watching, resumed=checkpoint is not None)
    with StopOnSignal() as stop_on_signal:
        try:
            fit(
                model,
                inputs.x,
                inputs.y,
                batch_size=recipe.batch_size,
                validation_data=inputs.validation,
                validation_batch_size=VALIDATION_BATCH,
                initial_epoch=first_epoch,
                epochs=last_epoch,
                order=lambda epoch, n: np.random.default_rng((recipe.seed, epoch)).permutation(n),
                augment=augmenter(recipe.augmentation),
                seed=recipe.seed,
                verbose=0,
                distribution=distribution,
                callbacks=[*watching, stop_on_signal],
            )
        except TendigitsError:
            if stopping.best_weights is not None:
                model.set_weights(stopping.best_weights)
            raise
        finally:
            saving.wait()
    model.history.history, model.history.epoch = history, list(range(len(history["loss"])))
    return model.history
