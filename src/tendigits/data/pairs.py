"""Two digits side by side that touch, for the reader to learn what its cuts leave of them.

left, right = touching(one, other, rng)     # each alone on a field of the same size; their maximum is the pair
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

HEIGHT = 60
"""Of a digit, in pixels."""


def touching(one: Grey, other: Grey, rng: np.random.Generator) -> tuple[Grey, Grey]:
    """Move two digits together until they touch, or nearly.

    Args:
        one, other: uint8 (side, side), white ink on black.

    Returns:
        uint8 (height, width) twice: the left digit and the right one, where they stand in the pair.
    """
    left, right = (_sized(tight(ink), rng) for ink in (one, other))
    height = max(left.shape[0], right.shape[0]) + 8
    tops = [
        min(max((height - ink.shape[0]) // 2 + int(rng.integers(-6, 7)), 0), height - ink.shape[0])
        for ink in (left, right)
    ]
    fields = [np.zeros((height, left.shape[1] + right.shape[1]), np.uint8) for _ in range(2)]
    fields[0][tops[0] : tops[0] + left.shape[0], : left.shape[1]] = left
    rows = np.s_[tops[1] : tops[1] + right.shape[0]]
    column = left.shape[1]
    while column > left.shape[1] // 3:
        if ((right > 100) & (fields[0][rows, column : column + right.shape[1]] > 100)).any():
            break
        column -= 1
    column += int(rng.integers(-1, 2))
    width = min(column + right.shape[1], fields[1].shape[1])
    fields[1][rows, column:width] = right[:, : width - column]
    return fields[0], fields[1]


def tight(ink: Grey) -> Grey:
    """Without the empty edges."""
    rows, columns = np.flatnonzero((ink > 60).any(axis=1)), np.flatnonzero((ink > 60).any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else ink


def _sized(ink: Grey, rng: np.random.Generator) -> Grey:
    scale = HEIGHT * rng.uniform(0.8, 1.2) / max(ink.shape)
    size = max(2, round(ink.shape[1] * scale)), max(2, round(ink.shape[0] * scale))
    sized: Grey = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return sized
