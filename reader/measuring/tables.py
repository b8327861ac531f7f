"""Tables of real digits, to measure the reader on: ruled or not, with empty cells, decimals and sums, as scan or photo.

sheet = make_sheet(digits, rng, "ruled")        # sheet.picture: uint8; sheet.rows: [["12", "", "7.5"], ...]

The digits are those of MNIST's test set or of scanned forms: none that the reader has learned from.
"""

from dataclasses import dataclass
from itertools import accumulate

import cv2
import numpy as np

from measuring.lines import HEIGHT, Digits, Floats, Grey, Rng, compose, corners_of, on_desk
from measuring.signs import draw_sign

KINDS = ("ruled", "half-ruled", "unruled")
"""Rules on all sides of each cell; between the rows alone; none."""

COLUMNS = (2, 12)
ROWS = (4, 20)
"""Fewest and most."""

EMPTY = 0.1
"""Fraction of the cells that are empty."""
DECIMALS = 0.25
"""Fraction of the columns that have decimals."""
HEADER = 0.5
"""Fraction of the tables with a row of words above."""
NAMES = 0.4
"""Fraction of the tables with a column of words on the left."""
SUMS = 0.3
"""Fraction of the tables whose last column has the sums of its rows."""

PEN = 4
"""Width of a sign's strokes, in pixels."""

WORDS = (
    "Name", "Datum", "Total", "Punkte", "Anna", "Berlin", "Peter", "Group", "Test", "Week", "Smith", "Ali", "kg", "m",
)  # fmt: skip
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)

SIDE = 2600
"""Maximum of a sheet's longer side, in pixels."""

TURNS = (0, 90, 180, 270)
MAX_SLANT_DEGREES = 12.0


@dataclass(frozen=True, eq=False)
class Sheet:
    """A picture of a table, and what stands in it."""

    picture: Grey
    rows: list[list[str]]
    """What is written in each cell; words count as nothing."""
    turned: int
    """By how many degrees the picture was turned clockwise: 0, 90, 180 or 270."""
    kind: str
    photo: bool


def make_sheet(digits: Digits, rng: Rng, kind: str) -> Sheet:
    """Draw a table, and scan or photograph it, upright or not."""
    rows = draw_values(rng)
    sheet = draw_table(digits, rng, rows, kind)
    photo = bool(rng.random() < 0.5)
    aslant = (
        float(rng.uniform(-MAX_SLANT_DEGREES, MAX_SLANT_DEGREES)) if rng.random() < 0.5 else float(rng.uniform(-1, 1))
    )
    picture = photographed(sheet, rng, aslant) if photo else scanned(sheet, rng, aslant)
    turned = int(rng.choice(TURNS))
    return Sheet(np.rot90(picture, -turned // 90).copy(), rows, turned, kind, photo)


def draw_values(rng: Rng) -> list[list[str]]:
    """What stands in the cells, without words: whole numbers or decimals by column, perhaps with sums."""
    n_columns, n_rows = (int(rng.integers(low, high + 1)) for low, high in (COLUMNS, ROWS))
    sums = n_columns > 2 and rng.random() < SUMS
    decimals = rng.random(n_columns) < DECIMALS
    largest = 10 ** rng.integers(1, 5, n_columns)
    mark = str(rng.choice([".", ","]))
    rows = []
    for _ in range(n_rows):
        values = [int(rng.integers(0, top)) for top in largest]
        empty = rng.random(n_columns) < EMPTY
        empty[int(rng.integers(n_columns))] = False
        cells = [
            "" if gone else written(value, one and not sums, mark)
            for value, gone, one in zip(values, empty, decimals, strict=True)
        ]
        if sums:
            cells[-1] = str(sum(value for value, gone in zip(values[:-1], empty, strict=False) if not gone))
        rows.append(cells)
    return rows


def written(value: int, decimal: bool, mark: str) -> str:
    """A whole number, or one with a decimal."""
    return f"{value // 10}{mark}{value % 10}" if decimal else str(value)


def draw_table(digits: Digits, rng: Rng, rows: list[list[str]], kind: str) -> Floats:
    """The foreground of a sheet, from 0 to 1."""
    small = rng.uniform(0.5, 0.8)
    written_cells = [[write_cell(digits, rng, text, small) for text in row] for row in rows]
    if rng.random() < NAMES:
        written_cells = [[write_word(rng, small), *row] for row in written_cells]
    if rng.random() < HEADER:
        written_cells = [[write_word(rng, small) for _ in written_cells[0]], *written_cells]
    return lay_out(written_cells, rng, small, kind, ("left", "right", "middle"))


def lay_out(
    cells: list[list[Floats]], rng: Rng, small: float, kind: str, ways: tuple[str, ...], margin: int | None = None
) -> Floats:
    """The foreground of a sheet with these cells, all aligned in one of the ways, and rules."""
    room = int(HEIGHT * small)
    widths = [
        max(cell.shape[1] for cell in column) + int(room * rng.uniform(0.8, 1.8)) for column in zip(*cells, strict=True)
    ]
    high = max(cell.shape[0] for row in cells for cell in row) + int(room * rng.uniform(0.15, 0.6))
    margin = margin or int(rng.uniform(60, 160))
    lefts = [margin, *(margin + end for end in accumulate(widths))]
    tops = [margin + high * n for n in range(len(cells) + 1)]
    sheet = np.zeros((tops[-1] + margin, lefts[-1] + margin), np.float32)
    draw_rules(sheet, rng, lefts, tops, kind)
    way = str(rng.choice(ways))
    for top, row in zip(tops, cells, strict=False):
        for left, width, cell in zip(lefts, widths, row, strict=False):
            spare, side = width - cell.shape[1], room // 4
            x = {"left": side, "right": spare - side, "middle": spare // 2}[way]
            x += int(rng.integers(-side // 2, side // 2 + 1))
            y = (high - cell.shape[0]) // 2 + int(rng.integers(-3, 4))
            x, y = min(max(x, 2), spare), min(max(y, 0), high - cell.shape[0])
            place = sheet[top + y : top + y + cell.shape[0], left + x : left + x + cell.shape[1]]
            np.maximum(place, cell, out=place)
    return sheet


def draw_rules(sheet: Floats, rng: Rng, lefts: list[int], tops: list[int], kind: str) -> None:
    """Rules of a printer, or of a hand with a ruler."""
    if kind == "unruled":
        return
    strength, thick, shake = float(rng.uniform(0.35, 1)), int(rng.integers(1, 4)), int(rng.integers(0, 4))
    ends = [((lefts[0], y), (lefts[-1], y)) for y in tops]
    if kind == "ruled":
        ends += [((x, tops[0]), (x, tops[-1])) for x in lefts]
    for (x0, y0), (x1, y1) in ends:
        dx0, dy0, dx1, dy1 = rng.integers(-shake, shake + 1, 4).tolist()
        cv2.line(sheet, (x0 + dx0, y0 + dy0), (x1 + dx1, y1 + dy1), strength, thick, cv2.LINE_AA)


def write_cell(digits: Digits, rng: Rng, text: str, small: float) -> Floats:
    """Digits and signs, as foreground from 0 to 1."""
    if not text:
        return np.zeros((1, 1), np.float32)
    pieces: list[tuple[Grey, float | None]] = [
        (digits.draw(rng, int(one))[0], None) if one.isdigit() else draw_sign(one, rng, PEN, None) for one in text
    ]
    return _shrunk(compose(pieces, rng, touching=0.05), small)


def write_word(rng: Rng, small: float) -> Floats:
    """A word, printed or as if by hand."""
    word, font = str(rng.choice(WORDS)), FONTS[int(rng.integers(len(FONTS)))]
    drawing = np.zeros((90, 320), np.uint8)
    cv2.putText(drawing, word, (8, 60), font, float(rng.uniform(1.2, 1.6)), 255, int(rng.integers(2, 4)), cv2.LINE_AA)
    columns = np.flatnonzero(drawing.any(axis=0))
    return _shrunk(np.float32(1 / 255) * drawing[:, : columns[-1] + 8].astype(np.float32), small)


def _shrunk(field: Floats, scale: float) -> Floats:
    shrunk: Floats = cv2.resize(field, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return shrunk


def scanned(sheet: Floats, rng: Rng, aslant: float) -> Grey:
    """The foreground on white paper, aslant, a little blurred."""
    turn, size = _around(sheet.shape, aslant)
    sheet = cv2.warpAffine(sheet, turn, size)
    picture = rng.uniform(225, 252) * (1 - rng.uniform(0.5, 0.9) * sheet)
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.0)) + rng.normal(0, rng.uniform(1, 4), picture.shape)
    return _bounded(picture.clip(0, 255).astype(np.uint8))


def photographed(sheet: Floats, rng: Rng, aslant: float) -> Grey:
    """The sheet on a dark desk, aslant and in perspective, with a shadow across it."""
    turn, (width, height) = _around(sheet.shape, aslant)
    room = 0.08 * max(width, height)
    seen = cv2.transform(corners_of(sheet)[None], turn)[0] + room + rng.uniform(-0.35, 0.35, (4, 2)) * room
    width, height = int(width + 2 * room), int(height + 2 * room)
    paper = np.full(sheet.shape, 232, np.float32) * (1 - rng.uniform(0.5, 0.85) * sheet)
    return _bounded(on_desk(paper, seen, (width, height), 0.2 * width, rng))


def _around(shape: tuple[int, ...], degrees: float) -> tuple[Floats, tuple[int, int]]:
    """The map that turns a picture, and the size that then holds all of it."""
    height, width = shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = int(width * cos + height * sin), int(width * sin + height * cos)
    turn[:, 2] += [(size[0] - width) / 2, (size[1] - height) / 2]
    return turn, size


def _bounded(picture: Grey) -> Grey:
    scale = SIDE / max(picture.shape)
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else picture
