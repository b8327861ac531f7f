"""Validate with the exponential moving average (EMA) of the weights, and save it as best weights and in checkpoints.

callbacks = with_ema([stopping, saving], resumed=False)     # for a model whose optimizer has use_ema=True

Keras' optimizer computes the average and puts it into the model when training ends. Keras' SwapEMAWeights would do the
rest, but it does not support resumed runs and early stopping.
"""

from collections.abc import Sequence
from typing import Any

import jax
import keras


def with_ema(callbacks: Sequence[keras.callbacks.Callback], *, resumed: bool) -> list[keras.callbacks.Callback]:
    """Wrap callbacks so that the model has the averages as weights when an epoch or a test ends.

    Args:
        resumed: the model was restored from a checkpoint that such callbacks wrote.
    """

    def swap_now(*_: Any) -> None:
        swap(last.model)

    # The checkpoint of a resumed run was written with the averages in the model.
    at_start = swap_now if resumed else None
    first = keras.callbacks.LambdaCallback(on_train_begin=at_start, on_test_begin=swap_now, on_epoch_end=swap_now)
    last = keras.callbacks.LambdaCallback(on_test_end=swap_now, on_epoch_end=swap_now)
    return [first, *callbacks, last]


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
