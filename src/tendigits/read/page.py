"""A page of numbers: as text, JSON, rows of a CSV, with its picture in a notebook, and drawn into a picture.

page.text()                                 # its tables, then the other numbers, with the reasons why they are doubtful
draw_page(grey, page).save("read.png")      # boxes and values, and below them each crop as the network saw it
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np

from tendigits.digits.find import Thumbnail
from tendigits.errors import UserError, printable
from tendigits.pictures.image import Grey
from tendigits.read.results import (
    ACCEPTED_COLOUR,
    MAX_SIDE_PX,
    MIN_SIDE_PX,
    VALUE_WIDTH,
    Mark,
    Number,
    free_places,
    picture_html,
)
from tendigits.read.sheet import Code
from tendigits.read.stages import Stages
from tendigits.read.sums import Sum, find_sums
from tendigits.tables.cell import DOUBTFUL_COLOUR, Cell, column_name, marked, no_formula, text_html
from tendigits.tables.table import Table

COLUMNS = (
    "path", "order", "table", "row", "column", "value", "number", "confidence", "accepted", "reason",
    "left", "top", "right", "bottom",
)  # fmt: skip
"""The columns of the CSV; tables and rows are counted from 1, columns are A, B, ..."""

MAX_LINES_IN_REPR = 10

# A page drawn into its picture.
MIN_DRAWN_WIDTH_PX = 400  # smaller pictures are enlarged
MAX_DRAWN_SIDE_PX = 1600  # longest side of the drawn picture
CROP_PX = 56  # side of a crop
CELL_WIDTH_PX = 78  # of a crop with its margin
CELL_HEIGHT_PX = 92  # of a crop with its caption
MARGIN_PX = 8

BLURRED = "The photo is blurred. Hold still and move closer."
"""A notice: the numbers, or all that is on a page without numbers, are not sharp."""

FAINT = "Nothing on this page is dark enough to be read. Photograph it in better light, without reflections."
"""A notice: nothing was read, and what is there hardly differs from the paper."""

TINY = "The digits are very small, so some may be missing. Photograph a part of the page at a time."
"""A notice: the finder sees digits less well that are as low as these."""

TOO_MANY = "There is far too much on this page, and some of it was not read. Photograph it in several parts."
"""The notice of a page with over twice `NumberOptions.max_numbers`: the rows of the others are not known."""

ROWS_LEFT_OUT = "{} not read: there is too much on this page. Photograph it in two parts."
"""The notice of a page with more than `max_numbers`, or whose `Budget` was spent before; see `NumberOptions`."""

LAY_ON_ITS_SIDE = "The page lay on its side; it was turned upright."
TURNED = {90: LAY_ON_ITS_SIDE, 180: "The page was upside down; it was turned upright.", 270: LAY_ON_ITS_SIDE}
"""The text about a page that was turned, by degrees."""


@dataclass(frozen=True)
class Marks:
    """What an answer key says about the fields of a form."""

    right: dict[str, bool]  # by the names of the fields that have an answer
    points: Decimal  # of the right ones
    max_points: Decimal

    @property
    def wrong(self) -> list[str]:
        """Names of the fields whose answer is wrong, also of those that are in doubt."""
        return [name for name, is_right in self.right.items() if not is_right]

    def text(self) -> str:
        """The points, in one line."""
        return f"{self.points} of {self.max_points} points"

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return {"right": self.right, "points": str(self.points), "max_points": str(self.max_points)}


@dataclass(frozen=True, eq=False, repr=False)
class Page:
    """What was read in a picture, in reading order. `print(page)` shows its first lines, a notebook the picture."""

    numbers: list[Number]
    size: tuple[int, int]  # width and height of the picture
    tables: list[Table] = field(default_factory=list)  # their sums checked
    turned: int = 0  # degrees by which the picture is turned clockwise; boxes are in the picture as it is
    fields: dict[str, Cell] = field(default_factory=dict)  # of a form, by their names
    marks: Marks | None = None  # of the fields, by an answer key
    sheet: Code | None = None  # which page of a printed sheet it is; its table has the names of the columns on top
    is_whole: bool = True  # whether all of it was read; else the notice says what was not
    notice: str | None = None  # a warning about the whole page, such as that not everything was read
    n_pages: int = 1  # of the document that it is a page of
    thumbnail: Thumbnail | None = None  # the picture, for notebooks; None if it was read in another process
    stages: Stages | None = None  # what each stage of reading found, where `Reader.read` was asked to keep it

    def debug(self) -> Any:
        """What each stage of reading found, in four pictures side by side: a Pillow image.

        Raises UserError if the page was read without `debug=True`, or with a form.
        """
        if self.stages is None:
            raise UserError("expected a page whose stages were kept; read it without a form and with debug=True")
        return self.stages.draw()

    def table(self) -> Table:
        """The largest table; a table without rows if the page has none."""
        return max(self.tables, key=lambda table: np.prod(table.shape), default=Table([]))

    def __repr__(self) -> str:
        lines = self.text().splitlines()
        shown = [f"  {line}".rstrip() for line in lines[:MAX_LINES_IN_REPR]]
        if more := len(lines) - len(shown):
            shown.append(f"  ... and {more} more")
        return "\n".join([self.summary(), *shown])

    def _repr_html_(self) -> str:
        summary, (tables, others) = self.summary(), self.parts()
        marks = [Mark(cell.box, cell.value, cell.accepted) for cell in self.fields.values()] or [
            Mark(number.box, number.value, number.accepted) for number in self.numbers
        ]
        side_px = min(max(*self.size, MIN_SIDE_PX), MAX_SIDE_PX)
        parts = [
            text_html(summary),
            picture_html(summary, self.thumbnail, self.size, marks, side_px),
            *(table._repr_html_() for table in tables),
            text_html(self.text() if self.fields else "\n".join(number.summary() for number in others)),
        ]
        return f"<div>{''.join(parts)}</div>"

    @property
    def sums(self) -> list[Sum]:
        """The sums with their results, such as `3×8-4=20`, and whether they agree."""
        tables = [[cell.index for _, cell in table.cells() if cell.index is not None] for table in self.parts()[0]]
        return find_sums(self.numbers, tables)

    def summary(self) -> str:
        """Its size, how much was read, and the notice, in one line."""
        width, height = self.size
        counts = {"number": len(self.numbers), "table": len(self.parts()[0]), "field": len(self.fields)}
        read = [f"{n} {name}{'s' * (n != 1)}" for name, n in counts.items() if n or name == "number"]
        return ", ".join([f"Page of {width}x{height} pixels", *read, *([self.notice] if self.notice else [])])

    def text(self) -> str:
        """Its dense tables, and a line for each other number, with the reason why it is doubtful."""
        if self.fields:
            lines = [
                f"{name}: {marked(cell)}" + self._mark(name) + ("" if cell.accepted else f"   {cell.reason}")
                for name, cell in self.fields.items()
            ]
            return "\n".join([*lines, *([self.marks.text()] if self.marks else [])])
        tables, others = self.parts()
        parts = [] if self.sheet is None else [", ".join(filter(None, [self.sheet.sheet.title, self.sheet.where]))]
        parts += [TURNED[self.turned]] if self.turned else []
        parts += [f"{table.text()}\n{table.doubts()}".rstrip("\n") for table in tables]
        parts += [number.summary() for number in others]
        parts += [
            f"{'sum':{VALUE_WIDTH}} {each.text} {'agrees' if each.agrees else 'does not agree as it was read'}"
            for each in self.sums
        ]
        return "\n".join(parts)

    def _mark(self, name: str) -> str:
        is_right = None if self.marks is None else self.marks.right.get(name)
        return "" if is_right is None else "   right" if is_right else "   wrong"

    def parts(self) -> tuple[list[Table], list[Number]]:
        """Its dense tables, and the numbers that are in none of them."""
        tables = [table for table in self.tables if table.is_dense]
        in_tables = {cell.index for table in tables for _, cell in table.cells()}
        return tables, [number for i, number in enumerate(self.numbers) if i not in in_tables]

    def cells(self) -> dict[int, tuple[int, int, str]]:
        """Table, row and column of each number in a table, by its index: the first two from 1, then A, B, ..."""
        return {
            cell.index: (n, row, column_name(column))
            for n, table in enumerate(self.tables, 1)
            for row, cells in enumerate(table.rows, 1)
            for column, cell in enumerate(cells)
            if cell.index is not None
        }

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return {
            "size": list(self.size),
            "turned": self.turned,
            "notice": self.notice,
            "numbers": [number.as_dict() for number in self.numbers],
            "fields": {name: cell.as_dict() for name, cell in self.fields.items()},
            **({} if self.marks is None else {"marks": self.marks.as_dict()}),
            **({} if self.sheet is None else {"sheet": self.sheet.as_dict()}),
            "tables": [table.as_dict() for table in self.tables],
            "sums": [each.as_dict() for each in self.sums],
        }

    def rows(self, path: str) -> list[tuple[Any, ...]]:
        """Convert to rows for a CSV, one for each number; see COLUMNS."""
        cells = self.cells()
        return [
            (
                no_formula(printable(path)), order, *cells.get(order - 1, ("", "", "")), no_formula(number.value),
                "" if number.number is None else str(number.number), f"{number.confidence:.4f}",
                "yes" if number.accepted else "no", number.reason or "", *number.box,
            )
            for order, number in enumerate(self.numbers, 1)
        ]  # fmt: skip


def draw_page(grey: Grey, page: Page) -> Any:
    """Draw a page over its picture, uint8 (height, width), or a smaller copy: a Pillow image.

    The crops of the characters are below; if that would more than double its height, those of doubtful numbers.
    """
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(grey).convert("RGB")
    image.thumbnail((MAX_DRAWN_SIDE_PX, MAX_DRAWN_SIDE_PX))
    if image.width < MIN_DRAWN_WIDTH_PX:
        factor = -(-MIN_DRAWN_WIDTH_PX // image.width)
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.LANCZOS)
    scale = image.width / page.size[0]
    columns = max(1, (image.width - MARGIN_PX) // CELL_WIDTH_PX)
    room = max(1, (image.height - MARGIN_PX) // CELL_HEIGHT_PX) * columns
    # What is accepted because its sums agree has no doubtful character.
    numbers = [
        (number, [replace(each, accepted=each.accepted or number.accepted) for each in number.characters])
        for number in page.numbers
    ]
    characters = [each for _, of_number in numbers for each in of_number]
    if len(characters) > room:
        characters = [each for number, of_number in numbers if not number.accepted for each in of_number][:room]
    rows = -(-len(characters) // columns)
    canvas = Image.new("RGB", (image.width, image.height + rows * CELL_HEIGHT_PX + MARGIN_PX), "white")
    canvas.paste(image, (0, 0))
    draw = ImageDraw.Draw(canvas)
    font, small = ImageFont.load_default(18), ImageFont.load_default(12)
    for _, of_number in numbers:
        for character in of_number:
            draw.rectangle([edge * scale for edge in character.box], outline=_colour(character.accepted), width=2)
    sizes = [draw.textbbox((0, 0), number.value, font=font)[2:] for number in page.numbers]
    places = free_places([number.box.scaled(scale) for number in page.numbers], sizes, image.size)
    for number, place in zip(page.numbers, places, strict=True):
        if place is not None:
            draw.text(place[:2], number.value, fill=_colour(number.accepted), font=font)
    for i, character in enumerate(characters):
        x = MARGIN_PX + i % columns * CELL_WIDTH_PX
        y = MARGIN_PX + i // columns * CELL_HEIGHT_PX + image.height
        crop = Image.fromarray(255 - character.crop).resize((CROP_PX, CROP_PX), Image.Resampling.NEAREST)
        canvas.paste(crop, (x, y))
        colour = _colour(character.accepted)
        draw.rectangle([x - 1, y - 1, x + CROP_PX, y + CROP_PX], outline=colour, width=2)
        draw.text((x, y + CROP_PX + 2), f"{character.label}  {character.confidence:.0%}", fill=colour, font=small)
    return canvas


def _colour(accepted: bool) -> str:
    return ACCEPTED_COLOUR if accepted else DOUBTFUL_COLOUR
