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
from numpy.typing import NDArray

from blocks import convolve, residual
from synthesis.lines import UNKNOWN, Line
from tendigits.digits.network import softmax
from tendigits.numbers.decode import HEIGHT, NONE, STRIDE
from tendigits.numbers.network import GRID, NumberNetwork
from tendigits.pictures.image import Grey
from tendigits.teach import number_targets
from tendigits.teach.number_targets import Floats

MEMBERS = ("numbers_1", "numbers_2")
"""Names of the two trainings whose networks are averaged."""

TAUGHT = 0.5
"""Share of a teacher's probabilities in the target, where it is right; the rest is the class."""

SOFT = 6
"""Columns of the targets before the teacher's probabilities."""


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


def soft_targets(teacher: NumberNetwork, picture: Grey, classes: NDArray[np.int64]) -> Floats:
    """What a teacher says of a strip where it is right, and elsewhere the class: float32 (width / 2, classes + 1).

    `classes` are the first column of `targets`, int64 (width / 2,).
    """
    missing = -picture.shape[1] % GRID
    whole = np.pad(picture, ((0, 0), (0, missing)), "edge")
    outputs = softmax(teacher([whole])[0][: len(classes), : NONE + 1])
    is_wrong = outputs.argmax(axis=1) != classes
    outputs[is_wrong] = np.eye(NONE + 1, dtype=np.float32)[classes[is_wrong]]
    return outputs


def loss(y_true: Any, y_pred: Any) -> Any:
    """See `number_targets.loss`; the class is a number here, and half of what is learned is a teacher's, if any."""
    probabilities = ops.one_hot(ops.cast(y_true[..., 0], "int32"), NONE + 1)
    if y_true.shape[-1] > SOFT:
        probabilities = (1 - TAUGHT) * probabilities + TAUGHT * y_true[..., SOFT:]
    return number_targets.loss(probabilities, y_true[..., 1], y_true[..., 2:SOFT], y_pred)
