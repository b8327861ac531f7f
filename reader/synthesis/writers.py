"""Synthetic writers: MNIST's digits written anew, on paper, as a camera would see them.

picture, label = SyntheticWriter(x_train, y_train).picture(7, rng)       # uint8 (height, width), 0 to 9
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.nondigits import draw_nondigit
from synthesis.paper import enlarge, on_paper, rewrite
from synthesis.printed import draw_printed
from synthesis.strokes import draw_digit

Grey = NDArray[np.uint8]
Rng = np.random.Generator

NOT_A_DIGIT = 10
"""Label of a non-digit."""

BROKEN = 0.05
"""Share of the digits with a gap in their strokes."""

DRAWN, PRINTED = 0.25, 0.04
"""Shares of the digits that are drawn from strokes and that are printed; the others are MNIST's."""

FLAGGED, CROSSED = 0.4, 0.35
"""Share of MNIST's 1s that get an upstroke, and of its 7s that get a bar."""

NEIGHBOURS = (0.75, 0.18, 0.07)
"""Probability of 0, 1 and 2 neighbouring digits in the picture."""


@dataclass(frozen=True, eq=False)
class SyntheticWriter:
    """Writes MNIST's digits anew."""

    x: Grey
    """uint8 (n, 28, 28)."""
    y: NDArray[np.uint8]

    def digit(self, i: int, rng: Rng) -> tuple[Grey, int]:
        """Rewrite the i-th digit of MNIST, or draw or print one with its label; returns drawing and label."""
        label = int(self.y[i])
        chance = rng.random()
        if chance < DRAWN:
            return draw_digit(label, rng), label
        if chance < DRAWN + PRINTED:
            return rewrite(draw_printed(str(label), rng), rng), label
        drawing = enlarge(self.x[i])
        if label == 1 and rng.random() < FLAGGED:
            drawing = with_flag(drawing, rng)
        elif label == 7 and rng.random() < CROSSED:
            drawing = with_bar(drawing, rng)
        return rewrite(drawing, rng), label

    def any_digit(self, rng: Rng) -> Grey:
        """Draw any digit."""
        return self.digit(int(rng.integers(len(self.y))), rng)[0]

    def picture(self, i: int, rng: Rng) -> tuple[Grey, int]:
        """Put the i-th digit on paper; returns uint8 (height, width) and the label."""
        drawing, label = self.digit(i, rng)
        if rng.random() < BROKEN:
            drawing = with_gap(drawing, rng)
        neighbours = tuple(self.any_digit(rng) for _ in range(int(rng.choice(3, p=NEIGHBOURS))))
        return on_paper(drawing, rng, neighbours), label

    def nondigit(self, rng: Rng) -> Grey:
        """Put a non-digit on paper; returns uint8 (height, width)."""
        return on_paper(draw_nondigit(self.any_digit, rng), rng)


def with_flag(drawing: Grey, rng: Rng) -> Grey:
    """Add an upstroke to a 1, and sometimes a foot, as it is written in Europe."""
    rows = np.flatnonzero((drawing > 100).any(axis=1))
    height, width = rows[-1] - rows[0], _pen(drawing)
    top = rows[0] + width // 2
    x = _middle_of_row(drawing, top)
    length = float(rng.choice([rng.uniform(0.2, 0.6), rng.uniform(0.5, 1.0)])) * height
    angle = np.deg2rad(rng.uniform(20, 60) if length < 0.5 * height else rng.uniform(38, 68))  # a long one is steep
    end = round(x - length * np.cos(angle)), round(top + length * np.sin(angle))
    flagged = drawing.copy()
    cv2.line(flagged, (round(x), int(top)), end, 255, width, cv2.LINE_AA)
    if rng.random() < 0.2:
        foot, half = rows[-1] - width // 2, rng.uniform(0.15, 0.3) * height
        x = _middle_of_row(drawing, foot)
        cv2.line(flagged, (round(x - half), int(foot)), (round(x + half), int(foot)), 255, width, cv2.LINE_AA)
    return flagged


def with_bar(drawing: Grey, rng: Rng) -> Grey:
    """Add a bar through the stem of a 7."""
    rows = np.flatnonzero((drawing > 100).any(axis=1))
    height, width = rows[-1] - rows[0], _pen(drawing)
    y = round(rows[0] + rng.uniform(0.4, 0.7) * height)
    x, half, tilt = _middle_of_row(drawing, y), rng.uniform(0.15, 0.42) * height, rng.normal(0, 0.15)
    barred = drawing.copy()
    cv2.line(
        barred,
        (round(x - half), round(y + half * tilt)),
        (round(x + half), round(y - half * tilt)),
        255,
        width,
        cv2.LINE_AA,
    )
    return barred


def with_gap(drawing: Grey, rng: Rng) -> Grey:
    """Erase a narrow strip across a digit, near its middle."""
    middle = np.argwhere(drawing > 100).mean(axis=0)[::-1] + rng.normal(0, 4, 2)
    angle = rng.uniform(0, np.pi)
    along = np.array([np.cos(angle), np.sin(angle)]) * drawing.shape[0]
    broken = drawing.copy()
    start, end = (tuple(np.round(middle + sign * along).astype(int).tolist()) for sign in (-1, 1))
    cv2.line(broken, start, end, 0, int(rng.integers(2, 6)))
    return broken


def _pen(drawing: Grey) -> int:
    """Width of the strokes, in pixels."""
    distance = cv2.distanceTransform((drawing > 100).astype(np.uint8), cv2.DIST_L2, 3)
    return max(1, round(1.4 * float(np.median(distance[distance > 0])) * 2))


def _middle_of_row(drawing: Grey, row: int) -> float:
    columns = np.flatnonzero(drawing[int(row)] > 100)
    return float(columns.mean()) if len(columns) else drawing.shape[1] / 2
