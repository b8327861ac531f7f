"""Numbers whose digits stand far apart, to measure the reader on: rows with wide gaps, and sums below each other.

page, values = make_spaced(digits, rng)         # uint8 (height, width), ["0427", "85"]
page, values = make_column_sum(digits, rng)     # ["427", "+85", "512"]
"""

import cv2
import numpy as np

from measuring.lines import HEIGHT, Digits, Floats, Grey, Rng, photographed
from measuring.signs import draw_sign

N_ROWS = 5
MARGIN_PX = 60
ROW_PX = 2 * HEIGHT


def make_spaced(digits: Digits, rng: Rng) -> tuple[Grey, list[str]]:
    """Rows of one number each; the gaps between its digits are even, and up to 1.5 heights of a digit wide."""
    sheet = np.zeros((N_ROWS * ROW_PX + 2 * MARGIN_PX, 1400), np.float32)
    values = []
    for row in range(N_ROWS):
        gap, left = rng.uniform(0.4, 1.5) * HEIGHT, int(rng.integers(MARGIN_PX, 300))
        value = "".join(map(str, rng.integers(0, 10, int(rng.integers(2, 7)))))
        for character in value:
            piece, _ = digits.draw(rng, int(character))
            paste(sheet, piece, left, MARGIN_PX + row * ROW_PX + ROW_PX // 2)
            left += piece.shape[1] + int(gap * rng.uniform(0.9, 1.1))
        values.append(value)
    return photographed(sheet, rng), values


def make_column_sum(digits: Digits, rng: Rng) -> tuple[Grey, list[str]]:
    """A sum or a difference written below each other, a digit in each column, with a rule above the result."""
    a, b = sorted((int(rng.integers(1, 10 ** int(rng.integers(2, 5)))) for _ in range(2)), reverse=True)
    is_sum = rng.random() < 0.6
    rows = [str(a), str(b), str(a + b if is_sum else a - b)]
    pitch, pen = int(rng.uniform(0.75, 1.5) * HEIGHT), int(rng.integers(4, 9))
    n_columns = max(map(len, rows)) + 1
    sheet = np.zeros((3 * ROW_PX + 2 * MARGIN_PX, n_columns * pitch + 2 * MARGIN_PX), np.float32)

    def centre(column: int) -> int:
        return MARGIN_PX + column * pitch + pitch // 2

    for row, text in enumerate(rows):
        for i, character in enumerate(text):
            piece, _ = digits.draw(rng, int(character))
            x = centre(n_columns - len(text) + i) - piece.shape[1] // 2 + int(rng.integers(-4, 5))
            paste(sheet, piece, x, MARGIN_PX + row * ROW_PX + ROW_PX // 2)
    sign, _ = draw_sign("+" if is_sum else "-", rng, pen, None)
    paste(sheet, sign, centre(0) - sign.shape[1] // 2, MARGIN_PX + ROW_PX + ROW_PX // 2)
    y = MARGIN_PX + 2 * ROW_PX
    cv2.line(sheet, (MARGIN_PX // 2, y), (sheet.shape[1] - MARGIN_PX // 2, y + int(rng.integers(-3, 4))), 0.9, pen // 2)
    return photographed(sheet, rng), [rows[0], ("+" if is_sum else "-") + rows[1], rows[2]]


def paste(sheet: Floats, piece: Grey, left: int, middle: int) -> None:
    """Add a piece of writing, white on black, to the foreground of a sheet."""
    top = middle - piece.shape[0] // 2
    place = sheet[top : top + piece.shape[0], left : left + piece.shape[1]]
    np.maximum(place, piece[: place.shape[0], : place.shape[1]].astype(np.float32) / 255, out=place)
