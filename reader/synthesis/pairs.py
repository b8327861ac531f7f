"""Digits that touch, for the reader to learn what its cuts leave of them.

drawings = touching([one, other], rng)    # each alone on a field of the same size; their maximum is the row
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

HEIGHT = 60
"""Height of a digit, in pixels."""


def touching(drawings: Sequence[Grey], rng: np.random.Generator) -> list[Grey]:
    """Move digits together until each touches its left neighbour, or nearly.

    Args:
        drawings: uint8 (side, side) each, white on black.

    Returns:
        uint8 (height, width) each: the digits from left to right, in place.
    """
    digits = [_sized(tight(drawing), rng) for drawing in drawings]
    height = max(digit.shape[0] for digit in digits) + 8
    together = np.zeros((height, sum(digit.shape[1] for digit in digits)), np.uint8)
    placed: list[Grey] = []
    end = 0
    for digit in digits:
        top = (height - digit.shape[0]) // 2 + int(rng.integers(-6, 7))
        top = min(max(top, 0), height - digit.shape[0])
        rows = np.s_[top : top + digit.shape[0]]
        column = end
        if placed:
            while column > end - 2 * HEIGHT // 3 and column > 0:
                if ((digit > 100) & (together[rows, column : column + digit.shape[1]] > 100)).any():
                    break
                column -= 1
            column = max(0, column + int(rng.integers(-1, 2)))
        width = min(digit.shape[1], together.shape[1] - column)
        field = np.zeros_like(together)
        field[rows, column : column + width] = digit[:, :width]
        placed.append(field)
        together = np.maximum(together, field)
        end = max(end, column + width)
    return [field[:, :end] for field in placed]


def tight(drawing: Grey, foreground: int = 60) -> Grey:
    """Crop to what is brighter than `foreground`."""
    left, top, width, height = cv2.boundingRect((drawing > foreground).astype(np.uint8))
    return drawing[top : top + height, left : left + width] if width else drawing


def _sized(drawing: Grey, rng: np.random.Generator) -> Grey:
    scale = HEIGHT * rng.uniform(0.8, 1.2) / max(drawing.shape)
    size = max(2, round(drawing.shape[1] * scale)), max(2, round(drawing.shape[0] * scale))
    sized: Grey = cv2.resize(drawing, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return sized
