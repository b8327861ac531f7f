"""Pages of what no other set has: rules of the reader that seem to be worth nothing may be worth something here.

page, values = make_wide_among(digits, rng)     # uint8 (height, width), ["427", "8150", ...]
page, values = make_blotted_sum(digits, rng)    # ["427", "?85", "512", "1300"]
page, values = make_dates(digits, rng)          # ["12/5/26", "427", ...]
page, values = make_long(digits, rng)           # ["40275316280114", ...]
"""

import cv2
import numpy as np

from measuring.lines import HEIGHT, Digits, Floats, Grey, Rng, photographed
from measuring.spacing import MARGIN_PX, ROW_PX, paste

N_ROWS = 4

BLOTS = "blot", "wave", "dash", "m"
"""What stands where a sum has its sign."""


def make_wide_among(digits: Digits, rng: Rng) -> tuple[Grey, list[str]]:
    """Rows of three numbers, below each other in no column; in each row the digits of one stand far apart."""
    sheet = np.zeros((N_ROWS * ROW_PX + 2 * MARGIN_PX, 2200), np.float32)
    values = []
    for middle in _middles():
        left, wide = int(rng.integers(60, 200)), int(rng.integers(3))
        for place in range(3):
            gap, n = (rng.uniform(0.4, 1.5), 4) if place == wide else (rng.uniform(0.05, 0.15), 3)
            values.append("".join(map(str, rng.integers(0, 10, n))))
            for character in values[-1]:
                left = _write(sheet, digits, character, left, middle, rng) + int(gap * HEIGHT * rng.uniform(0.9, 1.1))
            left += int(rng.uniform(3.2, 4.5) * HEIGHT)
    return photographed(sheet, rng), values


def make_blotted_sum(digits: Digits, rng: Rng) -> tuple[Grey, list[str]]:
    """Numbers below each other, a digit in each column, one of them behind a blot that nobody can read.

    That number has a `?` in its value: whatever is accepted of it is wrong.
    """
    values = [str(rng.integers(100, 10_000)) for _ in range(N_ROWS)]
    n, pitch, blotted = max(map(len, values)) + 2, int(rng.uniform(0.75, 1.1) * HEIGHT), int(rng.integers(1, 3))
    sheet = np.zeros((N_ROWS * ROW_PX + 2 * MARGIN_PX, n * pitch + 2 * MARGIN_PX + 200), np.float32)
    first = MARGIN_PX + 100
    for value, middle in zip(values, _middles(), strict=True):
        for column, character in enumerate(value, n - len(value)):
            piece, _ = digits.draw(rng, int(character))
            paste(sheet, piece, first + column * pitch + (pitch - piece.shape[1]) // 2, middle)
    paste(sheet, _blot(str(rng.choice(BLOTS))), first, _middles()[blotted])
    values[blotted] = "?" + values[blotted]
    return photographed(sheet, rng), values


def make_dates(digits: Digits, rng: Rng) -> tuple[Grey, list[str]]:
    """Dates and numbers in turn; the slashes of a page are upright or lean a little, and higher than its digits."""
    sheet = np.zeros((N_ROWS * ROW_PX + 2 * MARGIN_PX, 1300), np.float32)
    lean, values = rng.uniform(0, 0.4), []
    for row, middle in enumerate(_middles()):
        for column in range(2):
            is_date, left = (row + column) % 2, 100 + 600 * column
            date = f"{rng.integers(1, 32)}/{rng.integers(1, 13)}/{rng.integers(10, 100)}"
            values.append(date if is_date else str(rng.integers(100, 10_000)))
            for character in values[-1]:
                if character == "/":
                    half = int(HEIGHT * rng.uniform(0.55, 0.85))
                    across = int(lean * 2 * half)
                    cv2.line(sheet, (left + across + 4, middle - half), (left + 4, middle + half), 0.9, 4, cv2.LINE_AA)
                    left += across + 14
                else:
                    left = _write(sheet, digits, character, left, middle, rng) + HEIGHT // 12
    return photographed(sheet, rng), values


def make_long(digits: Digits, rng: Rng) -> tuple[Grey, list[str]]:
    """Rows of one number each, of 10 to 30 digits, as those of accounts and devices have."""
    values = ["".join(map(str, rng.integers(0, 10, rng.integers(10, 31)))) for _ in range(N_ROWS)]
    sheet = np.zeros((N_ROWS * ROW_PX + 2 * MARGIN_PX, 31 * HEIGHT + 2 * MARGIN_PX), np.float32)
    for value, middle in zip(values, _middles(), strict=True):
        left = MARGIN_PX
        for character in value:
            left = _write(sheet, digits, character, left, middle, rng) + HEIGHT // 12
    return photographed(sheet, rng), values


def _middles() -> list[int]:
    """Pixels: the middle of each row."""
    return [MARGIN_PX + row * ROW_PX + ROW_PX // 2 for row in range(N_ROWS)]


def _write(sheet: Floats, digits: Digits, character: str, left: int, middle: int, rng: Rng) -> int:
    """Write a digit; returns where it ends."""
    piece, _ = digits.draw(rng, int(character))
    paste(sheet, piece, left, middle)
    return left + len(piece[0])


def _blot(kind: str) -> Grey:
    """A blot or a scrawl, white on black, in a square."""
    square, middle = np.zeros((HEIGHT, HEIGHT), np.uint8), HEIGHT // 2
    if kind == "blot":
        cv2.circle(square, (middle, middle), HEIGHT // 8, 255, -1, cv2.LINE_AA)
    elif kind == "wave":
        x = np.linspace(0.15, 0.85, 12) * HEIGHT
        wave = np.stack([x, middle + 0.12 * HEIGHT * np.sin(x / (0.04 * HEIGHT))], axis=1)
        cv2.polylines(square, [wave.round().astype(np.int32)], False, 255, 4, cv2.LINE_AA)
    elif kind == "dash":
        cv2.line(square, (middle - HEIGHT // 11, middle), (middle + HEIGHT // 11, middle), 255, 4, cv2.LINE_AA)
    else:
        cv2.putText(square, kind, (4, HEIGHT - 12), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.1, 255, 2, cv2.LINE_AA)
    return square
