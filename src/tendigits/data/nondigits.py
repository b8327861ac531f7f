"""What stands on paper and is no digit: letters, dashes, ticks, scribbles, parts of digits, two of them at once.

ink = draw_nondigit(digits, rng)         # uint8 (96, 96), white on black
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.data.letters import draw_letter
from tendigits.data.pairs import tight, touching
from tendigits.data.paper import by_another_hand
from tendigits.data.printed import draw_printed
from tendigits.data.strokes import FIELD, draw

Grey = NDArray[np.uint8]
Rng = np.random.Generator
Digits = Callable[[Rng], Grey]
"""Draws any digit."""

SIGNS = "ACEFHKLMNPRTUVWXadefhkmnrtuvwx&%@#+=*<>?"
"""Letters and signs, none that may be a digit: not I l O o Z z S s B b G g q J j D c i Y y ( ) !."""


def draw_nondigit(digits: Digits, rng: Rng) -> Grey:
    """Draw something that is no digit.

    Args:
        digits: draws the digits of which parts or pairs are made, uint8 (FIELD, FIELD).
    """
    chance = rng.random()
    if chance < 0.2:
        return _pair(digits, rng)
    if chance < 0.3:
        return _part(digits, rng)
    kinds = (draw_letter, _sign, _marks, _scribble, _blotch, _blank)
    ink = kinds[int(rng.choice(len(kinds), p=[0.3, 0.3, 0.16, 0.14, 0.06, 0.04]))](rng)
    return by_another_hand(ink, rng) if rng.random() < 0.5 else ink


def draw_sign(rng: Rng) -> Grey:
    """A letter or sign, by hand or printed."""
    ink = draw_letter(rng) if rng.random() < 0.4 else _sign(rng)
    return by_another_hand(ink, rng) if rng.random() < 0.5 else ink


def _sign(rng: Rng) -> Grey:
    """A letter or sign of a printed font."""
    return draw_printed(str(rng.choice(list(SIGNS))), rng)


MARKS = (
    (((0.0, 0.5), (0.5, 0.5), (1.0, 0.5)),),  # a dash
    (((0.0, 0.5), (0.3, 0.35), (0.6, 0.6), (1.0, 0.45)),),  # a wave
    (((0.0, 0.6), (0.35, 1.0), (0.35, 1.0), (1.0, 0.0)),),  # a tick
    (((0.0, 0.0), (0.5, 0.5), (1.0, 1.0)), ((1.0, 0.0), (0.5, 0.5), (0.0, 1.0))),  # a cross
    (((0.5, 0.0), (0.5, 0.5), (0.5, 1.0)), ((0.0, 0.5), (0.5, 0.5), (1.0, 0.5))),  # a plus
    (((0.0, 0.3), (0.5, 0.3), (1.0, 0.3)), ((0.0, 0.7), (0.5, 0.7), (1.0, 0.7))),  # equals
    (((0.1, 0.0), (0.1, 0.5), (0.1, 1.0)), ((0.9, 0.0), (0.9, 0.5), (0.9, 1.0))),  # two bars
    (((0.0, 1.0), (0.5, 0.0), (0.5, 0.0), (1.0, 1.0), (1.0, 1.0), (0.0, 1.0)),),  # a triangle
    (((0.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1.0, 1.0), (1.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 0.0)),),  # a box
    (((0.0, 0.2), (0.3, 0.0), (0.5, 1.0), (0.7, 0.0), (1.0, 0.9)),),  # a zigzag
)


def _marks(rng: Rng) -> Grey:
    return draw(MARKS[int(rng.integers(len(MARKS)))], rng, wobble=0.06)


def _scribble(rng: Rng) -> Grey:
    """One wild stroke."""
    points = [(float(x), float(y)) for x, y in rng.uniform(0, 1, (int(rng.integers(5, 12)), 2))]
    return draw((tuple(points),), rng)


def _blotch(rng: Rng) -> Grey:
    """Filled spots, none so thin that it may be a 1."""
    ink = np.zeros((FIELD, FIELD), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        middle = tuple(int(v) for v in rng.integers(30, FIELD - 30, 2))
        long = rng.uniform(3, 22)
        axes = round(long), round(long * rng.uniform(0.5, 1))
        cv2.ellipse(ink, middle, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)
    return ink


def _blank(rng: Rng) -> Grey:
    """Stains where nothing is written."""
    noise = cv2.GaussianBlur(rng.normal(0, 1, (FIELD, FIELD)).astype(np.float32), (0, 0), rng.uniform(1, 6))
    stains: Grey = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return stains


def _pair(digits: Digits, rng: Rng) -> Grey:
    """Two digits side by side, touching or nearly so, or with a gap between."""
    left, right = touching([digits(rng), digits(rng)], rng)
    gap = int(rng.integers(0, 25)) if rng.random() < 0.5 else 0
    return _in_field(np.maximum(np.pad(left, ((0, 0), (0, gap))), np.pad(right, ((0, 0), (gap, 0)))))


def _part(digits: Digits, rng: Rng) -> Grey:
    """Half of a digit or less, cut by a straight line; never a bare stroke or a ring, which are a 1 and a 0."""
    y, x = np.mgrid[:FIELD, :FIELD] / FIELD - 0.5
    while True:
        ink = digits(rng).copy()
        angle, share = rng.uniform(0, 2 * np.pi), rng.uniform(-0.02, 0.15)
        ink[np.cos(angle) * x + np.sin(angle) * y < share] = 0
        if not is_stroke_or_ring(ink):
            return ink


def is_stroke_or_ring(ink: Grey, narrow: float = 0.4) -> bool:
    """Whether it may be taken for a 1, at most so wide as this share of its length, or a 0."""
    mask = (ink > 100).astype(np.uint8)
    outlines, nesting = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if nesting is None or (nesting[0][:, 3] >= 0).any():
        return True
    largest = max(outlines, key=cv2.contourArea)
    sides = sorted(cv2.minAreaRect(largest)[1])
    return bool(sides[0] < narrow * sides[1])


def _in_field(ink: Grey) -> Grey:
    """Anything, made as large as fits into the field with a margin."""
    ink = tight(ink)
    scale = 80 / max(ink.shape)
    small = cv2.resize(ink, (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))))
    field = np.zeros((FIELD, FIELD), np.uint8)
    top, left = (FIELD - small.shape[0]) // 2, (FIELD - small.shape[1]) // 2
    field[top : top + small.shape[0], left : left + small.shape[1]] = small
    return field
