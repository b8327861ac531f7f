"""Pictures of digits as many hands write them, made from MNIST's: what the reader network is trained on.

picture = Hands(x_train, y_train).picture(7, rng)       # uint8 (height, width), as a camera would give it
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.data.nondigits import draw_nondigit
from tendigits.data.paper import by_another_hand, enlarge, on_paper
from tendigits.data.printed import draw_printed
from tendigits.data.strokes import draw_digit

Grey = NDArray[np.uint8]
Rng = np.random.Generator

NOT_A_DIGIT = 10
"""The label of what is none."""

BROKEN = 0.05
"""Share of the digits that a pen left a gap in."""

DRAWN, PRINTED = 0.25, 0.04
"""Share of the digits that are drawn from strokes, and of those that are printed."""


@dataclass(frozen=True, eq=False)
class Hands:
    """MNIST's digits, to be written anew."""

    x: Grey
    """uint8 (n, 28, 28)."""
    y: NDArray[np.uint8]

    def digit(self, i: int, rng: Rng) -> tuple[Grey, int]:
        """The i-th digit of MNIST by another hand, or one of its label drawn from strokes or printed: ink and label."""
        label = int(self.y[i])
        chance = rng.random()
        if chance < DRAWN:
            return draw_digit(label, rng), label
        if chance < DRAWN + PRINTED:
            return by_another_hand(draw_printed(str(label), rng), rng), label
        ink = enlarge(self.x[i])
        if label == 1 and rng.random() < 0.4:
            ink = with_flag(ink, rng)
        elif label == 7 and rng.random() < 0.35:
            ink = with_bar(ink, rng)
        return by_another_hand(ink, rng), label

    def any_digit(self, rng: Rng) -> Grey:
        """The ink of any digit."""
        return self.digit(int(rng.integers(len(self.y))), rng)[0]

    def picture(self, i: int, rng: Rng) -> tuple[Grey, int]:
        """The i-th digit on paper, uint8 (height, width), and its label."""
        ink, label = self.digit(i, rng)
        if rng.random() < BROKEN:
            ink = with_gap(ink, rng)
        neighbours = tuple(self.any_digit(rng) for _ in range(int(rng.choice([0, 1, 2], p=[0.75, 0.18, 0.07]))))
        return on_paper(ink, rng, neighbours), label

    def nondigit(self, rng: Rng) -> Grey:
        """Something that is no digit, on paper."""
        return on_paper(draw_nondigit(self.any_digit, rng), rng)


def with_flag(ink: Grey, rng: Rng) -> Grey:
    """A 1 with an upstroke, short or long, and sometimes a foot, as it is written in Europe."""
    rows = np.flatnonzero((ink > 100).any(axis=1))
    height, width = rows[-1] - rows[0], _pen(ink)
    top = rows[0] + width // 2
    x = _middle_of_row(ink, top)
    length = float(rng.choice([rng.uniform(0.2, 0.6), rng.uniform(0.5, 1.0)])) * height
    angle = np.deg2rad(rng.uniform(20, 60) if length < 0.5 * height else rng.uniform(38, 68))  # a long one is steep
    end = round(x - length * np.cos(angle)), round(top + length * np.sin(angle))
    flagged = ink.copy()
    cv2.line(flagged, (round(x), int(top)), end, 255, width, cv2.LINE_AA)
    if rng.random() < 0.2:
        foot, half = rows[-1] - width // 2, rng.uniform(0.15, 0.3) * height
        x = _middle_of_row(ink, foot)
        cv2.line(flagged, (round(x - half), int(foot)), (round(x + half), int(foot)), 255, width, cv2.LINE_AA)
    return flagged


def with_bar(ink: Grey, rng: Rng) -> Grey:
    """A 7 with a bar through its stem."""
    rows = np.flatnonzero((ink > 100).any(axis=1))
    height, width = rows[-1] - rows[0], _pen(ink)
    y = round(rows[0] + rng.uniform(0.4, 0.7) * height)
    x, half, tilt = _middle_of_row(ink, y), rng.uniform(0.15, 0.42) * height, rng.normal(0, 0.15)
    barred = ink.copy()
    cv2.line(
        barred,
        (round(x - half), round(y + half * tilt)),
        (round(x + half), round(y - half * tilt)),
        255,
        width,
        cv2.LINE_AA,
    )
    return barred


def with_gap(ink: Grey, rng: Rng) -> Grey:
    """A digit that the pen did not write wholly: a narrow strip across it, somewhere near its middle, is blank."""
    middle = np.argwhere(ink > 100).mean(axis=0)[::-1] + rng.normal(0, 4, 2)
    angle = rng.uniform(0, np.pi)
    along = np.array([np.cos(angle), np.sin(angle)]) * ink.shape[0]
    broken = ink.copy()
    start, end = (tuple(np.round(middle + sign * along).astype(int).tolist()) for sign in (-1, 1))
    cv2.line(broken, start, end, 0, int(rng.integers(2, 6)))
    return broken


def _pen(ink: Grey) -> int:
    """The width of the strokes in pixels."""
    distance = cv2.distanceTransform((ink > 100).astype(np.uint8), cv2.DIST_L2, 3)
    return max(1, round(1.4 * float(np.median(distance[distance > 0])) * 2))


def _middle_of_row(ink: Grey, row: int) -> float:
    columns = np.flatnonzero(ink[int(row)] > 100)
    return float(columns.mean()) if len(columns) else ink.shape[1] / 2
