"""Non-digits: letters, dashes, ticks, scribbles, parts of digits, two digits at once.

drawing = draw_nondigit(digits, rng)         # uint8 (96, 96), white on black
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.letters import draw_letter
from synthesis.pairs import tight, touching
from synthesis.paper import rewrite
from synthesis.printed import draw_printed
from synthesis.strokes import FIELD, draw

Grey = NDArray[np.uint8]
Rng = np.random.Generator
Digits = Callable[[Rng], Grey]
"""Draws any digit."""

SIGNS = "ACEFHKLMNPRTUVWXadefhkmnrtuvwx&%@#+=*<>?"
"""Letters and signs that are like no digit; not I l O o Z z S s B b G g q J j D c i Y y ( ) !."""


def draw_nondigit(digits: Digits, rng: Rng) -> Grey:
    """Draw a non-digit.

    Args:
        digits: draws the digits for parts and pairs, uint8 (FIELD, FIELD).
    """
    chance = rng.random()
    if chance < 0.2:
        return _pair(digits, rng)
    if chance < 0.3:
        return _part(digits, rng)
    kinds = (draw_letter, _sign, _marks, _scribble, _blotch, _blank)
    drawing = kinds[int(rng.choice(len(kinds), p=[0.3, 0.3, 0.16, 0.14, 0.06, 0.04]))](rng)
    return rewrite(drawing, rng) if rng.random() < 0.5 else drawing


def draw_sign(rng: Rng) -> Grey:
    """Draw a handwritten or printed letter or sign."""
    drawing = draw_letter(rng) if rng.random() < 0.4 else _sign(rng)
    return rewrite(drawing, rng) if rng.random() < 0.5 else drawing


def _sign(rng: Rng) -> Grey:
    """Draw a printed letter or sign."""
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
    """Draw one wild stroke."""
    points = [(float(x), float(y)) for x, y in rng.uniform(0, 1, (int(rng.integers(5, 12)), 2))]
    return draw((tuple(points),), rng)


def _blotch(rng: Rng) -> Grey:
    """Draw filled spots, none so thin that it could be a 1."""
    drawing = np.zeros((FIELD, FIELD), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        middle = tuple(int(v) for v in rng.integers(30, FIELD - 30, 2))
        long = rng.uniform(3, 22)
        axes = round(long), round(long * rng.uniform(0.5, 1))
        cv2.ellipse(drawing, middle, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)
    return drawing


def _blank(rng: Rng) -> Grey:
    """Draw stains only."""
    noise = cv2.GaussianBlur(rng.normal(0, 1, (FIELD, FIELD)).astype(np.float32), (0, 0), rng.uniform(1, 6))
    stains: Grey = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return stains


def _pair(digits: Digits, rng: Rng) -> Grey:
    """Draw two digits side by side, touching or with a gap."""
    left, right = touching([digits(rng), digits(rng)], rng)
    gap = int(rng.integers(0, 25)) if rng.random() < 0.5 else 0
    return _in_field(np.maximum(np.pad(left, ((0, 0), (0, gap))), np.pad(right, ((0, 0), (gap, 0)))))


def _part(digits: Digits, rng: Rng) -> Grey:
    """Cut off half of a digit or more, along a straight line; a bare stroke or a ring would be a 1 or a 0."""
    y, x = np.mgrid[:FIELD, :FIELD] / FIELD - 0.5
    while True:
        drawing = digits(rng).copy()
        angle, share = rng.uniform(0, 2 * np.pi), rng.uniform(-0.02, 0.15)
        drawing[np.cos(angle) * x + np.sin(angle) * y < share] = 0
        if not is_stroke_or_ring(drawing):
            return drawing


def is_stroke_or_ring(drawing: Grey, narrow: float = 0.4) -> bool:
    """Whether a drawing looks like a 1, with a width below the share `narrow` of its length, or like a 0."""
    mask = (drawing > 100).astype(np.uint8)
    outlines, nesting = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if nesting is None or (nesting[0][:, 3] >= 0).any():
        return True
    largest = max(outlines, key=cv2.contourArea)
    sides = sorted(cv2.minAreaRect(largest)[1])
    return bool(sides[0] < narrow * sides[1])


def _in_field(drawing: Grey) -> Grey:
    """Scale a drawing to fill the field, with a margin."""
    drawing = tight(drawing)
    scale = 80 / max(drawing.shape)
    small = cv2.resize(drawing, (max(1, round(drawing.shape[1] * scale)), max(1, round(drawing.shape[0] * scale))))
    field = np.zeros((FIELD, FIELD), np.uint8)
    top, left = (FIELD - small.shape[0]) // 2, (FIELD - small.shape[1]) // 2
    field[top : top + small.shape[0], left : left + small.shape[1]] = small
    return field
