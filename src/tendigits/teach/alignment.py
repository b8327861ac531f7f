"""Find where each character of a corrected number stands in its strip: forced alignment.

boxes = align(output, "1350", *inner_columns(strip))

The most probable positions are chosen, in order, with no character in between: Viterbi's algorithm on the network's
probabilities.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.network import softmax
from tendigits.numbers.decode import CHARACTERS, HEIGHT, NONE, STRIDE
from tendigits.teach.number_targets import IGNORED_POSITIONS

MIN_DISTANCE = 3  # positions between two characters; decoding would merge the same character twice if they were closer
MIN_LOG_PROBABILITY = -12.0  # stands for the logarithm of 0
CONFUSION_PROBABILITY = 0.01  # that the network sees another character, so that misread digits are aligned, too
MIN_EDGES = np.array([1.5, -14, 1.5, 2])  # pixels from a character's position to its left, top, right and bottom edge
MAX_EDGES = np.array([24.0, 20, 24, 20])

Floats = NDArray[np.float32]


def align(output: NDArray[Any], text: str, first: float, last: float) -> Floats | None:
    """The box of each character of a text, float32 (n, 4), in pixels; None if the strip is too narrow for them.

    `output` is the network's for one strip; between the columns `first` and `last` everything belongs to the text.
    """
    positions = _best_positions(output, text, first, last)
    if positions is None:
        return None
    x = (np.array(positions) + 0.5) * STRIDE
    edges = np.clip(output[positions, NONE + 1 :] * HEIGHT, MIN_EDGES, MAX_EDGES).reshape(-1, 4)
    boxes = np.stack([x - edges[:, 0], HEIGHT / 2 - edges[:, 1], x + edges[:, 2], HEIGHT / 2 + edges[:, 3]], axis=1)
    boxes[:, 3] = np.maximum(boxes[:, 3], boxes[:, 1] + 2)
    boxes[1:, 0] = np.maximum(boxes[1:, 0], x[:-1])  # decoding merges boxes that overlap too much
    boxes[:-1, 2] = np.minimum(boxes[:-1, 2], x[1:])
    return boxes.astype(np.float32)


def _best_positions(output: NDArray[Any], text: str, first: float, last: float) -> list[int] | None:
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
