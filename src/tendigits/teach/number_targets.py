"""Training targets of the network for numbers, and its loss; used in training and in fine-tuning.

y = targets(labels, boxes, width)               # what the network should output for a strip
loss(probabilities, weight, edges, output)

The network outputs, for every second column of a strip, here called a position, the character whose centre is there
and the distances to its edges (Tian and others, "FCOS: Fully Convolutional One-Stage Object Detection", 2019).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from tendigits.numbers.decode import CLASSES, HEIGHT, NONE, STRIDE

MIN_WIDTH_FOR_TWO_POSITIONS = 5  # pixels: a narrower character has one position, any other two
IGNORED_POSITIONS = 2  # positions on both sides of a centre that have no weight in the loss
BOX_WEIGHT = 1.5  # weight of the boxes' error, in heights of a strip, relative to the cross-entropy

TYPICAL_POSITIONS = 12.0  # positions with a character in a strip; a constant, so that a full strip counts more

Floats = NDArray[np.float32]


def targets(labels: Sequence[str], boxes: Floats, width: int) -> Floats:
    """What the network should output for a strip: float32 (width / 2, 6).

    The index of the class, the weight in the loss, and the distances to the left, top, right and bottom edge, in
    heights of a strip. `boxes` are float32 (n, 4), left, top, right and bottom of each label, in pixels.
    """
    y = np.zeros((width // STRIDE, 6), np.float32)
    y[:, 0], y[:, 1] = NONE, 1
    for left, _, right, _ in boxes:
        middle = round((left + right) / 2 / STRIDE - 0.5)
        y[max(0, middle - IGNORED_POSITIONS) : max(0, middle + IGNORED_POSITIONS + 1), 1] = 0
    for label, (left, top, right, bottom) in zip(labels, boxes, strict=True):
        middle = (left + right) / 2 / STRIDE - 0.5
        is_narrow = right - left < MIN_WIDTH_FOR_TWO_POSITIONS
        positions = {round(middle)} if is_narrow else {int(np.floor(middle)), int(np.ceil(middle))}
        for position in positions & set(range(len(y))):
            x = (position + 0.5) * STRIDE
            edges = np.array([x - left, HEIGHT / 2 - top, right - x, bottom - HEIGHT / 2]) / HEIGHT
            y[position] = [CLASSES.index(label), 1, *edges]
    return y


def loss(probabilities: Any, weight: Any, edges: Any, output: Any) -> Any:
    """Cross-entropy of the classes plus the boxes' mean error at the characters; one value for each strip.

    Args:
        probabilities: (n, positions, classes + 1), of each class.
        weight: (n, positions)
        edges: (n, positions, 4)
        output: the network's, (n, 1, positions / 2, 2 * (classes + 1 + 4)).
    """
    output = ops.reshape(output, (ops.shape(output)[0], -1, NONE + 5))
    entropy = ops.categorical_crossentropy(probabilities, output[..., : NONE + 1], from_logits=True)
    error = ops.sum(ops.abs(output[..., NONE + 1 :] - edges), axis=-1)
    is_character = (1 - probabilities[..., NONE]) * weight
    total = ops.sum(entropy * weight, axis=-1) + BOX_WEIGHT * ops.sum(error * is_character, axis=-1)
    return total / TYPICAL_POSITIONS
