"""Numbers with signs between their digits, to measure the reader on: amounts, dates, times, ranges, sums.

line, value = make_signed(digits, rng)      # uint8 (height, width), "12.05.24"

Signs are drawn from a few strokes, or in OpenCV's own font; nothing of it is what the training draws from.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from measuring.lines import HEIGHT, Digits, Grey, Rng, compose, framed, tight

SIGNS = ".,-/:+="

STROKES: dict[str, list[list[tuple[float, float]]]] = {
    ".": [[(0.0, 0.95), (0.01, 0.96)]],
    ",": [[(0.08, 0.9), (0.07, 1.0), (0.0, 1.16)]],
    "-": [[(0.0, 0.54), (0.45, 0.5)]],
    "/": [[(0.42, -0.02), (0.0, 1.06)]],
    ":": [[(0.0, 0.36), (0.01, 0.37)], [(0.0, 0.86), (0.01, 0.87)]],
    "+": [[(0.0, 0.55), (0.52, 0.54)], [(0.27, 0.28), (0.25, 0.82)]],
    "=": [[(0.0, 0.42), (0.46, 0.4)], [(0.01, 0.64), (0.47, 0.62)]],
}
"""Strokes of each sign, in heights of a digit that reaches from 0, its top, to 1."""

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)
FIELD, BASELINE = 160, 110
"""Pixels: a square to draw a sign in, and the row on which digits stand."""

JITTER = 0.025
"""Standard deviation of a stroke's points."""


def make_signed(digits: Digits, rng: Rng) -> tuple[Grey, str]:
    """A number with signs on ruled paper in the shade."""
    text = draw_text(rng)
    pen, font = int(rng.integers(4, 9)), FONTS[int(rng.integers(len(FONTS)))] if rng.random() < 0.3 else None
    pieces: list[tuple[Grey, float | None]] = []
    for character in text:
        if character.isdigit():
            pieces.append((digits.draw(rng, int(character))[0], None))
        else:
            pieces.append(draw_sign(character, rng, pen, font))
    return framed(compose(pieces, rng, touching=0.1), rng), text


def draw_text(rng: Rng) -> str:
    """Draw what people write: an amount, a date, a time, a range or a sum."""

    def number(low: int, high: int) -> int:
        return int(rng.integers(low, high))

    kind = number(0, 8)
    if kind == 0:
        return f"{number(1, 10)}.{number(0, 1000):03d},{number(0, 100):02d}"
    if kind == 1:
        return f"{'-' * number(0, 2)}{number(0, 1000)}{'.,'[number(0, 2)]}{number(0, 100):02d}"
    if kind in (2, 3):
        mark = "./-"[number(0, 3)]
        year = number(1990, 2031) if kind == 2 else number(10, 100)
        return mark.join((str(number(1, 32)), str(number(1, 13)), str(year)))
    if kind == 4:
        return f"{number(0, 24)}:{number(0, 60):02d}"
    if kind == 5:
        return f"{number(0, 10)}:{number(0, 60):02d}:{number(0, 60):02d}"
    if kind == 6:
        first = number(1, 90)
        return f"{first}{'-/'[number(0, 2)]}{first + number(1, 10)}"
    a, b = number(1, 60), number(1, 40)
    return f"{a}+{b}={a + b}"


def draw_sign(sign: str, rng: Rng, pen: int, font: int | None) -> tuple[Grey, float]:
    """A sign, white on black, and where its middle stands, from 0, the digits' top, to 1."""
    drawing = np.zeros((FIELD, FIELD), np.uint8)
    if font is None:
        for stroke in STROKES[sign]:
            points = np.array(stroke) * rng.uniform(0.85, 1.15) + rng.normal(0, JITTER, (len(stroke), 2))
            pixels = np.round((points * HEIGHT + (50, BASELINE - HEIGHT)) * 16).astype(np.int32)
            cv2.polylines(drawing, [pixels], False, 255, pen, cv2.LINE_AA, 4)
    else:
        cv2.putText(drawing, sign, (50, BASELINE), font, HEIGHT / _height(font), 255, max(1, pen // 2), cv2.LINE_AA)
    rows: NDArray[np.int64] = np.flatnonzero((drawing > 60).any(axis=1))
    middle = (rows[0] + rows[-1] + 1) / 2
    return tight(drawing), float((middle - BASELINE + HEIGHT) / HEIGHT)


@cache
def _height(font: int) -> float:
    """Pixels of a zero at scale 1."""
    drawing = np.zeros((FIELD, FIELD), np.uint8)
    cv2.putText(drawing, "0", (50, BASELINE), font, 1, 255, 1, cv2.LINE_AA)
    return float(tight(drawing).shape[0])
