"""A moving average of the weights: what is validated, remembered as the best and kept in checkpoints.

callbacks = averaged([stopping, keeper], resumed=False)     # of a model whose optimizer has use_ema

Keras keeps the average with the optimizer and puts it into the model when training ends. Its own SwapEMAWeights does
the rest, but neither in a run that is resumed nor in one that is stopped early.
"""

from collections.abc import Sequence
from typing import Any

import jax
import keras


class _In(keras.callbacks.Callback):  # type: ignore[misc]
    """First of the callbacks: before the others look, the average is in the model."""

    def __init__(self, resumed: bool) -> None:
        super().__init__()
        self.resumed = resumed

    def on_train_begin(self, logs: Any = None) -> None:
        if self.resumed:  # a checkpoint is written while the average is in the model
            swap(self.model)

    def on_test_begin(self, logs: Any = None) -> None:
        swap(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        swap(self.model)


class _Out(keras.callbacks.Callback):  # type: ignore[misc]
    """Last of the callbacks: training goes on with the weights themselves."""

    def on_test_end(self, logs: Any = None) -> None:
        swap(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        swap(self.model)


def averaged(callbacks: Sequence[keras.callbacks.Callback], *, resumed: bool) -> list[keras.callbacks.Callback]:
    """Callbacks that see the averages in the model when an epoch or a test ends.

    Args:
        resumed: the model was restored from a checkpoint that such callbacks wrote.
    """
    return [_In(resumed), *callbacks, _Out()]


def swap(model: keras.Model) -> None:
    """Exchange the weights and their moving averages."""
    optimizer = model.optimizer
    for weight, average in zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True):
        before = weight.value
        weight.assign(average.value)
        average.assign(before)


def finalize(model: keras.Model) -> None:
    """Give the model its optimizer's averages of the weights, where it has some, as copies.

    Keras gives it the very arrays: the next prediction, which hands its own over, would take them from the optimizer.
    """
    model.optimizer.finalize_variable_values(model.trainable_weights)
    if model.optimizer.use_ema:
        for weight in model.trainable_weights:
            weight.assign(jax.numpy.copy(weight.value))
