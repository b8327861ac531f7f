"""What the line network is taught at each place of a line, and its loss, in training and in fine-tuning.

y = targets(labels, boxes, width)               # what it should say of a line
loss(shares, weight, edges, output)

At every second column of a line it says which character has its centre there, or none, and how far the character's
edges are (Tian and others: FCOS: Fully convolutional one-stage object detection, 2019, along one axis).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from tendigits.numbers.decode import CLASSES, HEIGHT, NONE, STRIDE

NARROW = 5
"""Pixels: a narrower character has its centre at one place, any other at two."""

NEAR = 2
"""Places around a centre that teach nothing, for there it's a matter of taste."""

BOX_WEIGHT = 1.5
"""Weight of a box's error, in heights of a line, beside the cross-entropy."""

TYPICAL = 12.0
"""Places with a character in a line; a constant, so that a full line counts for more than an empty one."""

Floats = NDArray[np.float32]


def targets(labels: Sequence[str], boxes: Floats, width: int) -> Floats:
    """What the network should say of a line: float32 (width / 2, 6).

    The class, the weight of the place in the loss, and the distances to the left, top, right and bottom edge, in
    heights of a line.

    Args:
        labels: of CLASSES.
        boxes: float32 (n, 4), left, top, right and bottom of each, in pixels.
        width: of the line, in pixels.
    """
    y = np.zeros((width // STRIDE, 6), np.float32)
    y[:, 0], y[:, 1] = NONE, 1
    for left, _, right, _ in boxes:
        middle = round((left + right) / 2 / STRIDE - 0.5)
        y[max(0, middle - NEAR) : max(0, middle + NEAR + 1), 1] = 0
    for label, (left, top, right, bottom) in zip(labels, boxes, strict=True):
        middle = (left + right) / 2 / STRIDE - 0.5
        places = {round(middle)} if right - left < NARROW else {int(np.floor(middle)), int(np.ceil(middle))}
        for place in places & set(range(len(y))):
            x = (place + 0.5) * STRIDE
            edges = np.array([x - left, HEIGHT / 2 - top, right - x, bottom - HEIGHT / 2]) / HEIGHT
            y[place] = [CLASSES.index(label), 1, *edges]
    return y


def loss(shares: Any, weight: Any, edges: Any, output: Any) -> Any:
    """Cross-entropy of the classes, and the boxes' mean error where a character is; one value for each line.

    Args:
        shares: (n, places, classes + 1), the probability that each class should have.
        weight: (n, places)
        edges: (n, places, 4)
        output: the network's, (n, 1, places / 2, 2 * (classes + 1 + 4)).
    """
    output = ops.reshape(output, (ops.shape(output)[0], -1, NONE + 5))
    entropy = ops.categorical_crossentropy(shares, output[..., : NONE + 1], from_logits=True)
    error = ops.sum(ops.abs(output[..., NONE + 1 :] - edges), axis=-1)
    is_character = (1 - shares[..., NONE]) * weight
    return (ops.sum(entropy * weight, axis=-1) + BOX_WEIGHT * ops.sum(error * is_character, axis=-1)) / TYPICAL
