"""Where each character of a corrected number stands: forced alignment with what the line network sees.

boxes = align(output, "1350", *inner_columns(strip))     # where each stands in the strip

Of all ways to give each character a place, in their order, the most probable one is taken: the characters stand at
their places, and nothing stands at the others (Viterbi's algorithm, on the network's own probabilities).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.numbers.decode import CHARACTERS, HEIGHT, NONE, STRIDE
from tendigits.teach.line_targets import NEAR

GAP = 3
"""Places between two characters at least: the same one twice must be so far apart to be read."""

LEAST = -12.0
"""Logarithm of a probability that counts as impossible."""

MISTAKEN = 0.01
"""Probability that a character is another one than the network sees: where it sees any, one may stand."""

LOWEST, HIGHEST = np.array([1.5, -14, 1.5, 2]), np.array([24.0, 20, 24, 20])
"""Pixels: distances to the left, top, right and bottom edge that a character's box may have from its place."""

Floats = NDArray[np.float32]


def align(output: NDArray[Any], text: str, first: float, last: float) -> Floats | None:
    """The box of each character of a text, float32 (n, 4), in pixels; None if there is no room for them.

    Args:
        output: float32 (places, classes + 1 + 4), the network's for one line.
        text: of CHARACTERS.
        first, last: columns between which everything belongs to the text; beyond them, neighbours may stand.
    """
    places = _places(output, text, first, last)
    if places is None:
        return None
    x = (np.array(places) + 0.5) * STRIDE
    edges = np.clip(output[places, NONE + 1 :] * HEIGHT, LOWEST, HIGHEST).reshape(-1, 4)
    boxes = np.stack([x - edges[:, 0], HEIGHT / 2 - edges[:, 1], x + edges[:, 2], HEIGHT / 2 + edges[:, 3]], axis=1)
    boxes[:, 3] = np.maximum(boxes[:, 3], boxes[:, 1] + 2)
    boxes[1:, 0] = np.maximum(boxes[1:, 0], x[:-1])  # boxes that share more are taken for one character
    boxes[:-1, 2] = np.minimum(boxes[:-1, 2], x[1:])
    return boxes.astype(np.float32)


def _places(output: NDArray[Any], text: str, first: float, last: float) -> list[int] | None:
    """The most probable places of the characters."""
    n = len(output)
    if GAP * (len(text) - 1) >= n:
        return None
    if not text:
        return []
    logits = output[:, : NONE + 1].astype(np.float64)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[:, :NONE] += MISTAKEN * ((1 - shares[:, NONE:]) - shares[:, :NONE])
    shares = np.maximum(np.log(shares), LEAST)
    x = (np.arange(n) + 0.5) * STRIDE
    absent = np.concatenate([[0], np.cumsum(np.where((x >= first) & (x <= last), shares[:, NONE], 0))])
    place = np.arange(n)
    before = absent[np.maximum(place - NEAR, 0)]  # nothing stands left of the places near to a character
    behind = absent[np.minimum(place + NEAR + 1, n)]
    best = shares[:, CHARACTERS.index(text[0])] + before
    came_from = []
    for character in text[1:]:
        far = _running_best(best - behind)
        candidates = [(far[0], far[1], 2 * NEAR + 1, before)]
        candidates += [(best, place, distance, np.zeros(n)) for distance in range(GAP, 2 * NEAR + 1)]
        scores = np.full((len(candidates), n), -np.inf)
        origins = np.zeros((len(candidates), n), int)
        for row, (score, origin, distance, more) in enumerate(candidates):
            scores[row, distance:] = score[: n - distance] + more[distance:]
            origins[row, distance:] = origin[: n - distance]
        chosen = scores.argmax(axis=0)
        came_from.append(origins[chosen, place])
        best = scores[chosen, place] + shares[:, CHARACTERS.index(character)]
    found = [int((best + absent[-1] - behind).argmax())]
    for origin in reversed(came_from):
        found.insert(0, int(origin[found[0]]))
    return found


def _running_best(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The best score up to each place, and where it is."""
    best = np.maximum.accumulate(scores)
    is_new = scores >= best
    return best, np.maximum.accumulate(np.where(is_new, np.arange(len(scores)), 0))
