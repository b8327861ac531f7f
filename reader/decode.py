"""From the network's output to characters: peaks, then suppression of boxes that overlap.

characters = decode(output)       # of one line, from left to right
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthesis.lines import HEIGHT
from synthesis.texts import CHARACTERS

NONE = len(CHARACTERS)
"""The class of a place where no character has its centre."""

STRIDE = 2
"""Columns of a line for each place where the network says something."""

LEAST = 0.3
"""Probability of a character below which nothing is there."""

OVERLAP = 0.4
"""Area that two boxes may share, of what they cover together. A point may lie within a 7's box."""

NEAR = 5
"""Pixels: the same character twice has its centres at least so far apart."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Character:
    """A character of a line."""

    label: str
    confidence: float
    probabilities: Floats
    """float32 (classes,): of each character, given that it is one."""
    box: tuple[float, ...]
    """Left, top, right, bottom in pixels of the line."""


def decode(output: NDArray[Any]) -> list[Character]:
    """Find the characters in the output for one line, float (places, classes + 4)."""
    logits = output[:, : NONE + 1].astype(np.float64)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    present = 1 - shares[:, NONE]
    labels = shares[:, :NONE].argmax(axis=1)
    edges = output[:, NONE + 1 :] * HEIGHT
    x = (np.arange(len(output)) + 0.5) * STRIDE
    boxes = np.stack([x - edges[:, 0], HEIGHT / 2 - edges[:, 1], x + edges[:, 2], HEIGHT / 2 + edges[:, 3]], axis=1)
    kept: list[int] = []
    for place in np.argsort(-present, kind="stable"):
        if present[place] < LEAST:
            break
        if not any(
            _overlap(boxes[place], boxes[other]) >= OVERLAP
            or (labels[place] == labels[other] and abs(place - other) * STRIDE < NEAR)
            for other in kept
        ):
            kept.append(int(place))
    found = []
    for place in sorted(kept, key=lambda place: boxes[place][0] + boxes[place][2]):
        given, best = shares[place, :NONE] / max(present[place], 1e-9), int(labels[place])
        found.append(
            Character(
                CHARACTERS[best], float(shares[place, best]), given.astype(np.float32), tuple(map(float, boxes[place]))
            )
        )
    return found


def _overlap(a: Floats, b: Floats) -> float:
    """Area that two boxes share, of what they cover together."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return float(width * height / max(both, 1e-6))
