"""The network that reads numbers in strips: its layers, its targets and its loss.

network = build()                               # (40, width, 1) -> (1, width / 4, 2 * (classes + 1 + 4))
y = targets(line)                               # the targets for a generated strip
together = ensemble([network, another])         # one network that outputs the mean of both
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from blocks import convolve, residual
from synthesis.lines import UNKNOWN, Line
from tendigits.numbers.decode import HEIGHT, NONE, STRIDE
from tendigits.teach import number_targets
from tendigits.teach.number_targets import Floats

MEMBERS = ("numbers_1", "numbers_2")
"""Names of the two trainings whose networks are averaged."""


def build(channels: tuple[int, int, int, int] = (24, 40, 72, 160)) -> keras.Model:
    """Build it: residual blocks while the height shrinks from 40 to 1, then a little context along the line.

    The last layers have one column for every four of the input and predict two outputs each, which halves the time.
    """
    first, second, third, last = channels
    x = inputs = keras.Input((HEIGHT, None, 1))
    x = convolve(x, first, strides=(2, 2))
    x = convolve(x, second, strides=(2, 1))
    x = residual(x, second)
    x = convolve(x, third, strides=(2, 2))
    x = residual(x, third)
    x = residual(x, third)
    x = convolve(x, last, (HEIGHT // 8, 1), padding="valid")
    x = residual(x, last, (1, 5))
    x = residual(x, last, (1, 5))
    x = layers.Dropout(0.1)(x)
    return keras.Model(inputs, layers.Conv2D(2 * (NONE + 5), 1, dtype="float32")(x))


def ensemble(members: Sequence[keras.Model]) -> keras.Model:
    """Join trained networks into one that outputs their mean."""
    inputs = keras.Input((HEIGHT, None, 1))
    return keras.Model(inputs, layers.Average()([member(inputs) for member in members]))


def targets(line: Line) -> Floats:
    """The targets for a strip: float32 (width / 2, 6), see `number_targets.targets`; unknown places have no weight."""
    is_known = np.array([label != UNKNOWN for label in line.labels], bool)
    labels = [label for label in line.labels if label != UNKNOWN]
    y = number_targets.targets(labels, line.boxes[is_known], line.picture.shape[1])
    for left, _, right, _ in line.boxes[~is_known] / STRIDE:
        place = y[max(0, round(left)) : max(0, round(right))]
        place[place[:, 0] == NONE, 1] = 0
    return y


def loss(y_true: Any, y_pred: Any) -> Any:
    """See `number_targets.loss`; the class is a number here."""
    one_hot = ops.one_hot(ops.cast(y_true[..., 0], "int32"), NONE + 1)
    return number_targets.loss(one_hot, y_true[..., 1], y_true[..., 2:], y_pred)
