"""Training targets of the network for numbers, and its loss; used in training and in fine-tuning.

boxes = align(output, "1350", *inner_columns(strip))    # where each character of a corrected number stands
y = targets(labels, boxes, width)                       # what the network should output for a strip
loss(probabilities, weight, edges, output)

The network outputs, for every second column of a strip, here called a position, the character whose centre is there
and the distances to its edges (Tian and others, "FCOS: Fully Convolutional One-Stage Object Detection", 2019).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.network import softmax
from tendigits.numbers.decode import CHARACTERS, CLASSES, HEIGHT, NONE, STRIDE

MIN_WIDTH_FOR_TWO_POSITIONS = 5  # pixels: a narrower character has one position, any other two
IGNORED_POSITIONS = 2  # positions on both sides of a centre that have no weight in the loss
BOX_WEIGHT = 1.5  # weight of the boxes' error, in heights of a strip, relative to the cross-entropy

TYPICAL_POSITIONS = 12.0  # positions with a character in a strip; a constant, so that a full strip counts more

MIN_DISTANCE = 3  # positions between two characters; decoding would merge the same character twice if they were closer
MIN_LOG_PROBABILITY = -12.0  # stands for the logarithm of 0
CONFUSION_PROBABILITY = 0.01  # that the network sees another character, so that misread digits are aligned, too
MIN_EDGES = np.array([1.5, -14, 1.5, 2])  # pixels from a character's position to its left, top, right and bottom edge
MAX_EDGES = np.array([24.0, 20, 24, 20])

Floats = NDArray[np.float32]


def align(output: NDArray[Any], text: str, first: float, last: float) -> Floats | None:
    """The box of each character of a text, float32 (n, 4), in pixels; None if the strip is too narrow for them.

    `output` is the network's for one strip; between the columns `first` and `last` everything belongs to the text. This
    is forced alignment: the most probable positions are chosen, in order, with no character in between, by Viterbi's
    algorithm on the network's probabilities.
    """
    positions = best_positions(output, text, first, last)
    return None if positions is None else boxes_at(output, positions)


def boxes_at(output: NDArray[Any], positions: Sequence[int]) -> Floats:
    """The boxes of the characters whose centres are at these positions: float32 (n, 4), in pixels."""
    x = (np.array(positions) + 0.5) * STRIDE
    edges = np.clip(output[[*positions], NONE + 1 :] * HEIGHT, MIN_EDGES, MAX_EDGES).reshape(-1, 4)
    boxes = np.stack([x - edges[:, 0], HEIGHT / 2 - edges[:, 1], x + edges[:, 2], HEIGHT / 2 + edges[:, 3]], axis=1)
    boxes[:, 3] = np.maximum(boxes[:, 3], boxes[:, 1] + 2)
    boxes[1:, 0] = np.maximum(boxes[1:, 0], x[:-1])  # decoding merges boxes that overlap too much
    boxes[:-1, 2] = np.minimum(boxes[:-1, 2], x[1:])
    return boxes.astype(np.float32)


def best_positions(output: NDArray[Any], text: str, first: float, last: float) -> list[int] | None:
    """The positions of a text's characters; see `align`."""
    n = len(output)
    if MIN_DISTANCE * (len(text) - 1) >= n:
        return None
    if not text:
        return []
    probabilities = softmax(output[:, : NONE + 1].astype(np.float64))
    probabilities[:, :NONE] += CONFUSION_PROBABILITY * ((1 - probabilities[:, NONE:]) - probabilities[:, :NONE])
    logs = np.maximum(np.log(probabilities), MIN_LOG_PROBABILITY)
    x = (np.arange(n) + 0.5) * STRIDE
    empty = np.concatenate([[0], np.cumsum(np.where((x >= first) & (x <= last), logs[:, NONE], 0))])
    position = np.arange(n)
    before = empty[np.maximum(position - IGNORED_POSITIONS, 0)]  # nothing stands left of a character's surroundings
    behind = empty[np.minimum(position + IGNORED_POSITIONS + 1, n)]
    distance = position - position[:, None]
    between = np.where(distance > 2 * IGNORED_POSITIONS, before - behind[:, None], 0)  # from a row to a column
    between[distance < MIN_DISTANCE] = -np.inf
    best = before + logs[:, CHARACTERS.index(text[0])]
    previous = []
    for character in text[1:]:
        scores = best[:, None] + between
        previous.append(scores.argmax(axis=0))
        best = scores.max(axis=0) + logs[:, CHARACTERS.index(character)]
    found = [int((best - behind).argmax())]
    for origins in reversed(previous):
        found.insert(0, int(origins[found[0]]))
    return found


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
    from keras import ops  # here: strings are aligned without Keras, whose backend is chosen later

    output = ops.reshape(output, (ops.shape(output)[0], -1, NONE + 5))
    entropy = ops.categorical_crossentropy(probabilities, output[..., : NONE + 1], from_logits=True)
    error = ops.sum(ops.abs(output[..., NONE + 1 :] - edges), axis=-1)
    is_character = (1 - probabilities[..., NONE]) * weight
    total = ops.sum(entropy * weight, axis=-1) + BOX_WEIGHT * ops.sum(error * is_character, axis=-1)
    return total / TYPICAL_POSITIONS
