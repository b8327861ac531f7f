"""The network that reads lines: its layers, what it is taught at each place of a line, and its loss.

network = build()                               # (40, width, 1) -> (1, width / 4, 2 * (classes + 1 + 4))
y = targets(line)                               # what it should say of a line

At every second column of a line it says which character has its centre there, or none, and how far the character's
edges are (Tian and others: FCOS: Fully convolutional one-stage object detection, 2019, along one axis).
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from blocks import convolve, residual
from synthesis.lines import Line
from tendigits.lines.decode import CLASSES, HEIGHT, NONE, STRIDE

NARROW = 5
"""Pixels: a narrower character has its centre at one place, any other at two."""

NEAR = 2
"""Places around a centre that teach nothing, for there it's a matter of taste."""

BOX_WEIGHT = 1.5
"""Weight of a box's error, in heights of a line, beside the cross-entropy."""

TYPICAL = 12.0
"""Places with a character in a line; a constant, so that a full line counts for more than an empty one."""

Floats = NDArray[np.float32]


def build(channels: tuple[int, int, int, int] = (24, 40, 72, 160)) -> keras.Model:
    """Build it: residual blocks while the height shrinks from 40 to 1, then a little context along the line.

    The last layers see every fourth column and speak for two places each, which takes half the time.
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


def targets(line: Line) -> Floats:
    """What the network should say: float32 (width / 2, 6).

    The class, the weight of the place in the loss, and the distances to the left, top, right and bottom edge, in
    heights of a line.
    """
    y = np.zeros((line.picture.shape[1] // STRIDE, 6), np.float32)
    y[:, 0], y[:, 1] = NONE, 1
    for left, _, right, _ in line.boxes:
        middle = round((left + right) / 2 / STRIDE - 0.5)
        y[max(0, middle - NEAR) : middle + NEAR + 1, 1] = 0
    for label, (left, top, right, bottom) in zip(line.labels, line.boxes, strict=True):
        middle = (left + right) / 2 / STRIDE - 0.5
        places = {round(middle)} if right - left < NARROW else {int(np.floor(middle)), int(np.ceil(middle))}
        for place in places & set(range(len(y))):
            x = (place + 0.5) * STRIDE
            edges = np.array([x - left, HEIGHT / 2 - top, right - x, bottom - HEIGHT / 2]) / HEIGHT
            y[place] = [CLASSES.index(label), 1, *edges]
    return y


def loss(y_true: Any, y_pred: Any) -> Any:
    """Cross-entropy of the classes, and the boxes' mean error where a character is; one value for each line."""
    label, weight, box = y_true[..., 0], y_true[..., 1], y_true[..., 2:]
    y_pred = ops.reshape(y_pred, (ops.shape(y_pred)[0], -1, NONE + 5))
    is_character = ops.cast(label < NONE, "float32") * weight
    entropy = ops.sparse_categorical_crossentropy(ops.cast(label, "int32"), y_pred[..., : NONE + 1], from_logits=True)
    per_character = ops.sum(entropy * weight, axis=-1)
    error = ops.sum(ops.abs(y_pred[..., NONE + 1 :] - box), axis=-1)
    return (per_character + BOX_WEIGHT * ops.sum(error * is_character, axis=-1)) / TYPICAL
