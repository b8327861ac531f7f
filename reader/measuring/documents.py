"""Documents with numbers and words, to measure the reader on: marks, logbooks, bills, readings of a meter, scores.

sheet = make_document(digits, rng, "logbook", load_fonts())

Names, items and purposes are written, or printed, in fonts that `python reader/fetch_fonts.py` fetches; the digits are
those of `measuring.tables`. A word counts as an empty cell.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from measuring.lines import Digits, Floats, Rng
from measuring.tables import KINDS, Sheet, lay_out, photographed, scanned, write_cell
from tendigits.numbers.grammar import without_closing

FONTS = Path(__file__).parents[2] / ".reader" / "fonts"
WRITTEN = (
    "kalam", "caveat", "indie-flower", "annie-use-your-telescope", "homemade-apple", "gochi-hand", "just-another-hand",
    "coming-soon",
)  # fmt: skip
PRINTED = ("arimo", "lato", "lora", "archivo-narrow", "courier-prime")
WRITTEN_SIZE, PRINTED_SIZE = 60, 46
"""Pixels: sizes of the fonts next to digits of HEIGHT."""

MAX_SLANT_DEGREES = 5.0

NAMES = (
    "Anna", "Peter", "Mohamed", "Sophie", "Lukas", "Emma", "Schmidt", "Müller", "Ben", "Clara", "Jonas", "Marie",
    "Olivia", "Zoe", "Igor", "Lisa", "Bo", "Sol", "Ilse", "Bill",
)  # fmt: skip
ITEMS = ("Bread", "Milk", "Screws", "Apples", "Taxi", "Hotel", "Paper", "Glue", "Oil", "Soap", "Lamp", "Bolts")
PLACES = ("client", "Berlin", "airport", "home-office", "school", "Bosch", "station", "Lille", "Oslo", "Siegen")


class Written(str):
    """A word by hand."""


class Printed(str):
    """A word in print."""


@dataclass(frozen=True)
class Fonts:
    """The fonts of words."""

    written: list[Path]
    printed: list[Path]


def load_fonts() -> Fonts:
    """Find the fonts. Raises SystemExit if they were not fetched."""
    fonts = Fonts(*([FONTS / f"{name}.woff" for name in names] for names in (WRITTEN, PRINTED)))
    if missing := [path for path in (*fonts.written, *fonts.printed) if not path.exists()]:
        raise SystemExit(f"expected {missing[0]}; run python reader/fetch_fonts.py")
    return fonts


def make_document(digits: Digits, rng: Rng, name: str, fonts: Fonts) -> Sheet:
    """Draw one of the DOCUMENTS, and scan or photograph it, upright."""
    rows, kind = DOCUMENTS[name](rng), str(rng.choice(KINDS))
    sheet = _draw(digits, rng, rows, kind, fonts)
    photo, aslant = bool(rng.random() < 0.5), float(rng.uniform(-MAX_SLANT_DEGREES, MAX_SLANT_DEGREES))
    picture = photographed(sheet, rng, aslant) if photo else scanned(sheet, rng, aslant)
    values = [["" if isinstance(text, Written | Printed) else without_closing(text) for text in row] for row in rows]
    return Sheet(picture, values, 0, kind, photo)


def _marks(rng: Rng) -> list[list[str]]:
    rows: list[list[str]] = [[Printed(head) for head in ("Name", "Task 1", "Task 2", "Task 3", "Sum")]]
    for _ in range(int(rng.integers(8, 18))):
        points = rng.integers(0, 15, 3).tolist()
        rows.append([Written(rng.choice(NAMES)), *map(str, points), str(sum(points))])
    return rows


def _logbook(rng: Rng) -> list[list[str]]:
    rows: list[list[str]] = [[Printed(head) for head in ("Date", "Start", "End", "km", "Purpose")]]
    day, start = 1, int(rng.integers(10_000, 90_000))
    for _ in range(int(rng.integers(6, 14))):
        day, way = day + int(rng.integers(0, 3)), int(rng.integers(5, 320))
        rows.append([f"{day}.5.", str(start), str(start + way), str(way), Written(rng.choice(PLACES))])
        start += way
    return rows


def _bill(rng: Rng) -> list[list[str]]:
    rows: list[list[str]] = []
    total = 0
    for _ in range(int(rng.integers(4, 10))):
        n, price = int(rng.integers(1, 9)), int(rng.integers(50, 2000))
        total += n * price
        rows.append([str(n), Written(rng.choice(ITEMS)), _amount(price), _amount(n * price)])
    return [*rows, ["", Written("Total"), "", _amount(total)]]


def _meter(rng: Rng) -> list[list[str]]:
    rows: list[list[str]] = [[Printed(head) for head in ("Day", "Time", "kWh")]]
    reading = int(rng.integers(10_000, 90_000))
    for day in range(int(rng.integers(8, 18))):
        reading += int(rng.integers(5, 99))
        clock = f"{rng.integers(6, 23)}:{rng.integers(0, 60):02d}"
        rows.append([str(day + 1), clock, f"{reading // 10},{reading % 10}"])
    return rows


def _scores(rng: Rng) -> list[list[str]]:
    points = rng.integers(0, 60, (int(rng.integers(6, 12)), int(rng.integers(3, 6))))
    heads: list[str] = [Written(rng.choice(NAMES)) for _ in points[0]]
    return [heads, *([str(value) for value in row] for row in [*points.tolist(), points.sum(axis=0).tolist()])]


DOCUMENTS: dict[str, Callable[[Rng], list[list[str]]]] = {
    "marks": _marks, "logbook": _logbook, "bill": _bill, "meter": _meter, "scores": _scores,
}  # fmt: skip


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _draw(digits: Digits, rng: Rng, rows: list[list[str]], kind: str, fonts: Fonts) -> Floats:
    """The foreground of a sheet, from 0 to 1; one person writes all words of it."""
    small, written, printed = rng.uniform(0.5, 0.8), _any(rng, fonts.written), _any(rng, fonts.printed)

    def cell(text: str) -> Floats:
        if isinstance(text, Written):
            return _word(text, ImageFont.truetype(written, int(WRITTEN_SIZE * small)))
        if isinstance(text, Printed):
            return _word(text, ImageFont.truetype(printed, int(PRINTED_SIZE * small)))
        return write_cell(digits, rng, text, small)

    cells, margin = [[cell(text) for text in row] for row in rows], int(rng.uniform(60, 160))
    return lay_out(cells, rng, small, kind, ("left", "middle"), margin)


def _word(text: str, font: ImageFont.FreeTypeFont) -> Floats:
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
    drawing = Image.new("L", (right - left + 8, bottom - top + 8))
    ImageDraw.Draw(drawing).text((4 - left, 4 - top), text, font=font, fill=255)
    word: Floats = np.float32(1 / 255) * np.asarray(drawing, np.float32)
    return word


def _any(rng: Rng, paths: list[Path]) -> str:
    return str(paths[int(rng.integers(len(paths)))])
