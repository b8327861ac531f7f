"""From the line network's output to characters: peaks, then suppression of boxes that overlap.

characters, sides = decode(output)      # of one line, from left to right
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHARACTERS = "0123456789.,-/:+=()%x"
"""What is read."""

BAR = "|"
"""The side of a cell or a box; it is no character, but parts numbers."""

CLASSES = CHARACTERS + BAR
"""What the network can tell apart; one class more is none of them."""

NONE = len(CLASSES)
"""The class of a place where no character has its centre."""

HEIGHT = 40
"""Pixels: the height of a line."""

STRIDE = 2
"""Columns of a line for each place where the network says something."""

LEAST = 0.3
"""Probability of a character below which nothing is there."""

OVERLAP = 0.4
"""Area that two boxes may share, of what they cover together. A point may lie within a 7's box."""

NEAR = 5
"""Pixels: the same character twice has its centres at least so far apart."""

Floats = NDArray[np.float32]
Edges = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True, eq=False)
class Peak:
    """A character in a line, as one output of the network shows it."""

    label: str
    present: float
    """0 to 1: the probability that a character is here."""
    probabilities: Floats
    """float32 (characters,): of each of CHARACTERS, given that it is one; they sum to 1."""
    box: Edges
    """In pixels of the line."""

    @property
    def confidence(self) -> float:
        """0 to 1: the probability that it is this character."""
        return self.present * float(self.probabilities.max())


def decode(output: NDArray[Any]) -> tuple[list[Peak], list[Edges]]:
    """Find the characters, and the sides of cells, in the output for one line, float (places, classes + 1 + 4).

    At each place the network gives a logit for each class, and the distances to the left, top, right and bottom edge
    of what has its centre there, in heights of a line.
    """
    logits = output[:, : NONE + 1]
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    something = 1 - shares[:, NONE]
    places = np.flatnonzero(something >= LEAST)
    places = places[np.argsort(-something[places], kind="stable")]
    edges = output[places, NONE + 1 :] * HEIGHT
    x = (places + 0.5) * STRIDE
    boxes = np.stack([x - edges[:, 0], HEIGHT / 2 - edges[:, 1], x + edges[:, 2], HEIGHT / 2 + edges[:, 3]], axis=1)
    labels = shares[places, :NONE].argmax(axis=1)
    close = abs(places[:, None] - places) * STRIDE < NEAR
    again = (overlaps(boxes) >= OVERLAP) | (close & (labels[:, None] == labels))
    left, kept = np.ones(len(places), bool), []
    for i in range(len(places)):
        if left[i]:
            kept.append(i)
            left &= ~again[i]
    found, sides = [], []
    for i in sorted(kept, key=lambda i: boxes[i, 0] + boxes[i, 2]):
        own, box = shares[places[i]], tuple(boxes[i].tolist())
        characters = own[: len(CHARACTERS)]
        present = float(characters.sum())
        if own[CLASSES.index(BAR)] > max(present, own[NONE]):
            sides.append(box)
        if present >= LEAST:
            given = (characters / present).astype(np.float32)
            found.append(Peak(CHARACTERS[int(given.argmax())], present, given, box))
    return found, sides


def overlaps(boxes: Floats) -> Floats:
    """Area that each two of some boxes share, of what they cover together: float (n, 4) -> (n, n)."""
    width, height = (
        np.minimum(boxes[:, None, i + 2], boxes[:, i + 2]) - np.maximum(boxes[:, None, i], boxes[:, i]) for i in (0, 1)
    )
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    both: Floats = shared / np.maximum(areas[:, None] + areas - shared, 1e-6)
    return both


def overlap(a: Sequence[float] | Floats, b: Sequence[float] | Floats) -> float:
    """Area that two boxes share, of what they cover together."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return float(width * height / max(both, 1e-6))
