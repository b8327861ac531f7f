"""How a sheet lies before the camera: turned, tilted, beyond the picture's edges, and where its numbers are then.

matrix = camera_angle(rng)
numbers = [as_seen(number, matrix) for number in numbers]
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.glyphs import Grey, Rng

SIDE = 320
"""Pixels of a page's sides."""

TURN, TILT = 5.0, 0.04
"""Standard deviations: degrees of a page's rotation, and how far its corners move, as a share of its side."""

CLOSEST, MAX_WIDTH_PX = 0.02, 1.0
"""Heights of a digit: how much is kept around a number."""


@dataclass(frozen=True, eq=False)
class Number:
    """Where a number stands."""

    start: NDArray[np.float32]
    """float32 (2,): x and y of its left end, at half the height of its digits."""
    end: NDArray[np.float32]
    """Likewise its right end."""
    height: float
    """Of its digits, in pixels."""
    text: str
    """What is written."""
    clear: bool = True
    """Whether it is whole, and apart from its neighbours."""


def camera_angle(rng: Rng) -> NDArray[np.float32]:
    """The perspective of a camera that is not quite straight above: float32 (3, 3)."""
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), float(rng.normal(0, TURN)), 1.0)
    corners = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], np.float32)
    moved = corners @ turn[:, :2].T + turn[:, 2] + rng.normal(0, TILT * SIDE, (4, 2))
    matrix: NDArray[np.float32] = cv2.getPerspectiveTransform(corners, moved.astype(np.float32)).astype(np.float32)
    return matrix


def as_seen(number: Number, matrix: NDArray[np.float32]) -> Number:
    """A number as the camera sees it."""
    ends, half = np.stack([number.start, number.end]), np.array([0, number.height / 2])
    above, below = ends - half, ends + half
    start, end, *others = cv2.perspectiveTransform(
        np.concatenate([ends, above, below])[None].astype(np.float32), matrix
    )[0]
    heights = np.linalg.norm(np.stack(others[2:]) - np.stack(others[:2]), axis=1)
    return Number(start, end, float(heights.mean()), number.text, number.clear)


def draw_desk(matrix: NDArray[np.float32], rng: Rng) -> Grey:
    """What lies outside of the sheet: uint8 (SIDE, SIDE), 1 there."""
    left, top, right, bottom = rng.uniform(0.0, 0.12, 4) * SIDE * [1, 1, -1, -1] + [0, 0, SIDE, SIDE]
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    sheet = cv2.perspectiveTransform(corners[None], matrix)[0]
    desk = np.ones((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(desk, np.round(sheet).astype(np.int32), 0)
    return desk


def crop(picture: Grey, number: Number, rng: Rng) -> Grey:
    """Keep a number and what is close to it; what lies outside, 1 in the result, is painted over as the edges are."""
    room = number.height * (0.5 + np.exp(rng.uniform(np.log(CLOSEST), np.log(MAX_WIDTH_PX), 4)))
    ends = np.stack([number.start, number.end])
    left, top = np.maximum(0, ends.min(axis=0) - room[:2] + [number.height / 2, 0]).astype(int)
    right, bottom = np.minimum(SIDE, np.ceil(ends.max(axis=0) + room[2:] - [number.height / 2, 0])).astype(int)
    right, bottom = max(right, left + 2), max(bottom, top + 2)
    edges = top, SIDE - bottom, left, SIDE - right
    picture[:] = cv2.copyMakeBorder(picture[top:bottom, left:right].copy(), *edges, cv2.BORDER_REPLICATE)
    outside = np.ones((SIDE, SIDE), np.uint8)
    outside[top:bottom, left:right] = 0
    return outside


def visible_fraction(desk: Grey, number: Number) -> float:
    """0 to 1: how much of a number is neither on the desk, where nothing is written, nor outside of the picture."""
    points = np.round(np.linspace(number.start, number.end, 9)).astype(int)
    return float(np.mean([(0 <= x < SIDE and 0 <= y < SIDE and not desk[y, x]) for x, y in points]))
