"""Validate with the exponential moving average (EMA) of the weights, and save it as best weights and in checkpoints.

callbacks = with_ema([stopping, saving], resumed=False)     # for a model whose optimizer has use_ema=True

Keras' optimizer computes the average and puts it into the model when training ends. Keras' SwapEMAWeights would do the
rest, but it does not support resumed runs and early stopping.
"""

from collections.abc import Sequence
from typing import Any

import jax
import keras


class _SwapIn(keras.callbacks.Callback):  # type: ignore[misc]
    """First callback: puts the average into the model before the other callbacks run."""

    def __init__(self, resumed: bool) -> None:
        super().__init__()
        self.resumed = resumed

    def on_train_begin(self, logs: Any = None) -> None:
        if self.resumed:  # the checkpoint was written with the average in the model
            swap(self.model)

    def on_test_begin(self, logs: Any = None) -> None:
        swap(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        swap(self.model)


class _SwapOut(keras.callbacks.Callback):  # type: ignore[misc]
    """Last callback: puts the weights back so that training can go on."""

    def on_test_end(self, logs: Any = None) -> None:
        swap(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        swap(self.model)


def with_ema(callbacks: Sequence[keras.callbacks.Callback], *, resumed: bool) -> list[keras.callbacks.Callback]:
    """Wrap callbacks so that the model has the averages as weights when an epoch or a test ends.

    Args:
        resumed: the model was restored from a checkpoint that such callbacks wrote.
    """
    return [_SwapIn(resumed), *callbacks, _SwapOut()]


def swap(model: keras.Model) -> None:
    """Swap the weights and their moving averages."""
    optimizer = model.optimizer
    for weight, average in zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True):
        before = weight.value
        weight.assign(average.value)
        average.assign(before)


def finalize(model: keras.Model) -> None:
    """Assign the optimizer's moving averages, if it has any, to the model's weights.

    They are copied: Keras would share the arrays, and `predict` donates the buffers of the model's weights, which would
    delete the optimizer's averages.
    """
    model.optimizer.finalize_variable_values(model.trainable_weights)
    if model.optimizer.use_ema:
        for weight in model.trainable_weights:
            weight.assign(jax.numpy.copy(weight.value))
