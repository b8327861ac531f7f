"""What was read as HTML, for notebooks: the picture with its boxes, tables, and text.

What is doubtful has a dashed box and a question mark, and the text says why. The picture and its boxes are an SVG in an
`<img>`: JupyterLab takes an SVG of its own out of notebooks that it does not trust, and in an image nothing can run.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

from tendigits.digits.thumbnail import Thumbnail, data_uri
from tendigits.geometry import Box
from tendigits.read.page import Page
from tendigits.read.results import Digit, Number
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


def page_html(page: Page) -> str:
    """The picture with a box around each number, or each field of a form; the tables, and the other numbers."""
    summary = page.summary()
    tables, others = page.parts()
    cells = {cell.index: cell for table in tables for _, cell in table.cells()}
    marks = [_mark(field) for field in page.fields.values()] or [
        _mark(line, cells.get(n)) for n, line in enumerate(page.numbers)
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
        mark = Mark(digit.box, str(digit.label), digit.accepted)
        picture = _picture_html(text, digit.thumbnail, digit.thumbnail.size, [mark], SMALL)
    return f'<div><div style="display: flex; align-items: end; gap: 1em">{picture}{crop}</div>{text_html(text)}</div>'


def _mark(read: Number | Cell, checked: Cell | None = None) -> Mark:
    """Where something was read, judged as in a table that was checked, if it stands in one."""
    return Mark(read.box, read.value, (checked or read).accepted)


def _picture_html(
    about: str, thumbnail: Thumbnail | None, size: tuple[int, int], marks: Sequence[Mark], side: int
) -> str:
    """A picture with boxes and values.

    Args:
        side: pixels on the screen of the longest side.
    """
    unit = max(size) / side
    svg = quote(_svg(thumbnail, size, marks, unit), safe="/+=:;, ")
    style = f"display: block; width: {round(size[0] / unit)}px; max-width: 100%; {EDGE}"
    return f'<img src="data:image/svg+xml,{svg}" alt="{shown(about)}" style="{style}">'


def _svg(thumbnail: Thumbnail | None, size: tuple[int, int], marks: Sequence[Mark], unit: float) -> str:
    """A picture, white if there is none, with boxes and values; coordinates are the picture's own pixels.

    Args:
        unit: so many of them are a pixel on the screen.
    """
    width, height = size
    place = f'width="{width}" height="{height}"'
    picture = f'<rect {place} fill="white"/>'
    if thumbnail is not None:
        picture = f'<image href="{thumbnail.data_uri()}" {place} preserveAspectRatio="none"/>'
    letters = (
        f'font-family="sans-serif" font-size="{LETTERS * unit:g}" paint-order="stroke" stroke-linejoin="round" '
        f'stroke="white" stroke-width="{4 * unit:g}"'
    )
    boxes = "".join(_box_svg(mark, unit) for mark in marks)
    values = "".join(_value_svg(mark, unit) for mark in marks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {place} viewBox="0 0 {width} {height}">{picture}'
        f'<g fill="none" stroke-width="{2 * unit:g}">{boxes}</g><g {letters}>{values}</g></svg>'
    )


def _box_svg(mark: Mark, unit: float) -> str:
    left, top, right, bottom = mark.box
    colour, dashes = (ACCEPTED, "") if mark.accepted else (DOUBTFUL, f' stroke-dasharray="{6 * unit:g} {3 * unit:g}"')
    place = f'x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"'
    return f'<rect {place} stroke="{colour}"{dashes}/>'


def _value_svg(mark: Mark, unit: float) -> str:
    """A value above its box, or within it at the top of the picture."""
    value, colour = (mark.value, ACCEPTED) if mark.accepted else (mark.value + UNCLEAR, DOUBTFUL)
    base = max(mark.box.top - 4 * unit, LETTERS * unit)
    return f'<text x="{mark.box.left}" y="{base:g}" fill="{colour}">{shown(value)}</text>'
