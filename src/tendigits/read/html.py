"""What was read as HTML, for notebooks: the picture with its boxes, tables, and text.

What is doubtful has a dashed box and a question mark, and the mouse on it shows why.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tendigits.digits.segment import Box
from tendigits.digits.thumbnail import Thumbnail, data_uri
from tendigits.read.page import Page
from tendigits.read.results import Digit, Line
from tendigits.tables.html import DOUBTFUL, shown, table_html, text_html
from tendigits.tables.table import UNCLEAR, Cell

ACCEPTED = "#14823c"

SMALL, LARGE = 300, 1000
"""Pixels on the screen: the longest side of a page at least and at most; of a picture of one digit, SMALL."""

EDGE = "border: 1px solid #8888; margin: 0"
"""Style of a picture: a white one is seen on white, a black one on black."""

LETTERS = 15
"""Pixels on the screen: how high a value is written above its box."""


class Mark(NamedTuple):
    """A box in a picture, and what was read there."""

    box: Box
    value: str
    accepted: bool
    reason: str | None


def page_html(page: Page) -> str:
    """The picture with a box around each number, or each field of a form; the tables, and the other numbers."""
    summary = page.summary()
    tables, others = page.parts()
    cells = {cell.line: cell for table in tables for _, cell in table.cells()}
    marks = [_mark(field) for field in page.fields.values()] or [
        _mark(line, cells.get(n)) for n, line in enumerate(page.lines)
    ]
    text = page.text() if page.fields else "\n".join(line.text() for line in others)
    parts = [
        text_html(summary),
        _picture_html(summary, page.thumbnail, page.size, marks, min(max(*page.size, SMALL), LARGE)),
        *map(table_html, tables),
        text_html(text),
    ]
    return f"<div>{''.join(parts)}</div>"


def digit_html(digit: Digit) -> str:
    """The picture with the digit's box, the crop that the network saw, and what it is."""
    text = digit.text()
    seen = data_uri(digit.crop, "png")
    crop = f'<img src="{seen}" alt="What the network saw" style="width: 112px; image-rendering: pixelated; {EDGE}">'
    picture = ""
    if digit.thumbnail is not None:
        mark = Mark(digit.box, str(digit.label), digit.accepted, digit.reason)
        picture = _picture_html(text, digit.thumbnail, digit.thumbnail.size, [mark], SMALL)
    return f'<div><div style="display: flex; align-items: end; gap: 1em">{picture}{crop}</div>{text_html(text)}</div>'


def _mark(read: Line | Cell, checked: Cell | None = None) -> Mark:
    """Where something was read, judged as in a table that was checked, if it stands in one."""
    judged = checked or read
    return Mark(read.box, read.value, judged.accepted, judged.reason)


def _picture_html(
    about: str, thumbnail: Thumbnail | None, size: tuple[int, int], marks: Sequence[Mark], side: int
) -> str:
    """A picture, white if there is none, with boxes and values; coordinates are the picture's own pixels.

    Args:
        side: pixels on the screen of the longest side.
    """
    width, height = size
    unit = max(size) / side  # pixels of the picture in one of the screen
    style = f"display: block; width: {round(width / unit)}px; max-width: 100%; height: auto; background: white; {EDGE}"
    picture = ""
    if thumbnail is not None:
        picture = f'<image href="{thumbnail.data_uri()}" width="{width}" height="{height}" preserveAspectRatio="none"/>'
    letters = (
        f'font-family="sans-serif" font-size="{LETTERS * unit:g}" paint-order="stroke" stroke-linejoin="round" '
        f'stroke="white" stroke-width="{4 * unit:g}"'
    )
    boxes = "".join(_box_html(mark, unit) for mark in marks)
    values = "".join(_value_html(mark, unit) for mark in marks)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{shown(about)}" style="{style}">{picture}'
        f'<g fill="transparent" stroke-width="{2 * unit:g}">{boxes}</g><g {letters}>{values}</g></svg>'
    )


def _box_html(mark: Mark, unit: float) -> str:
    left, top, right, bottom = mark.box
    colour, dashes = (ACCEPTED, "") if mark.accepted else (DOUBTFUL, f' stroke-dasharray="{6 * unit:g} {3 * unit:g}"')
    about = mark.value if mark.accepted else f"{mark.value}: {mark.reason}"
    place = f'x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"'
    return f'<rect {place} stroke="{colour}"{dashes}><title>{shown(about)}</title></rect>'


def _value_html(mark: Mark, unit: float) -> str:
    """A value above its box, or within it at the top of the picture."""
    value, colour = (mark.value, ACCEPTED) if mark.accepted else (mark.value + UNCLEAR, DOUBTFUL)
    base = max(mark.box.top - 4 * unit, LETTERS * unit)
    return f'<text x="{mark.box.left}" y="{base:g}" fill="{colour}">{shown(value)}</text>'
