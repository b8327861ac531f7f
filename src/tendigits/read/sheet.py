r"""A sheet to print, fill in and photograph: its columns, where everything stands on its pages, and the code on them.

sheet = parse_sheet("number:4, name, 1:0..10, 2:0..10, total = sum", 30, "Test 3")
sheet.page(1).cells[0, 2]       # left, top, right and bottom of a cell, in millimetres
Code(sheet, page=1).text()      # what its QR code says: all of this, so that a photo needs no file next to it

The names on a roster are printed, and not in the code, which anybody's phone shows.
"""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

from tendigits.errors import UserError, printable
from tendigits.read.expectations import PART, Expectations, parse
from tendigits.tables.cell import column_name

MAX_COLUMNS = 26
MAX_ROWS = 1000
MAX_STUDENTS = 1000
MAX_VALUE_CHARACTERS = 80  # in a cell of a roster
MAX_BOXES = 12  # digits of a number in boxes
MAX_CODE_CHARACTERS = 400  # more would make the code's squares too small for a phone
MAX_TITLE_CHARACTERS = 40
ROWS_PER_PAGE = 30

# All lengths are in millimetres.
A4 = (210.0, 297.0)
MARGIN = 8.0  # printers leave less of it white
MARK = 9.0  # side of the square marks in the corners
DOT = 2.5  # side of the dots between them
DOT_DISTANCE = 14.0  # at most
CODE = 28.0  # side of the QR code
EDGE = MARGIN + MARK + 1  # from the paper's edge to what is written
HEAD = 8.0  # height of the columns' names
MAX_ROW_HEIGHT = 10.0
BOX = 6.2  # width of a digit's box
BOX_MARGIN = 1.2  # from the boxes to the lines of their cell
TICK = 5.0  # side of a box to tick
WIDTHS = {"words": 42.0, "number": 15.0, "tick": 12.0}  # of columns, at least
MAX_STRETCH = 1.6  # by which columns are wider where there is room

COLUMNS_EXAMPLE = "number:4, name, 1:0..10, 2:0..10, done: tick, total = sum"

Rectangle = tuple[float, float, float, float]  # left, top, right and bottom

_RANGE = re.compile(r"[A-Z]: (-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")
_COLUMN = re.compile(r"([^:=]{1,40}?)\s*(?:([:=])\s*(.+))?")


@dataclass(frozen=True)
class Column:
    """What stands in a column."""

    name: str
    kind: str  # "digits", each in a box; "number", "words" or "tick"
    n_digits: int = 0  # of each number in boxes
    expected: str = ""  # as for --expect, about the column's letter


@dataclass(frozen=True)
class Layout:
    """Where everything stands on a page of a sheet."""

    size: tuple[float, float]
    n_rows: int
    heads: list[Rectangle]
    cells: dict[tuple[int, int], Rectangle]  # by row and column
    boxes: dict[tuple[int, int], list[Rectangle]]  # for each digit of a cell, or its one to tick
    code: Rectangle

    @property
    def is_landscape(self) -> bool:
        """Whether it is wider than high."""
        return self.size[0] > self.size[1]


@dataclass(frozen=True)
class Sheet:
    """A sheet of one page or more."""

    columns: tuple[Column, ...]
    text: str  # of the columns, as the user wrote it
    n_rows: int
    title: str = ""

    @cached_property
    def n_pages(self) -> int:
        """How many pages its rows need."""
        return -(-self.n_rows // ROWS_PER_PAGE)

    def rows_of(self, page: int) -> range:
        """The rows, counted from 0, on a page, counted from 1."""
        n = -(-self.n_rows // self.n_pages)
        return range((page - 1) * n, min(page * n, self.n_rows))

    @cached_property
    def expectations(self) -> Expectations:
        """What is expected in the columns, and connects them."""
        return parse(", ".join(column.expected for column in self.columns if column.expected), files=False)

    def page(self, number: int) -> Layout:
        """The layout of a page, counted from 1."""
        widths = [WIDTHS.get(each.kind, BOX * each.n_digits + 2 * BOX_MARGIN) for each in self.columns]
        size = A4 if sum(widths) <= A4[0] - 2 * EDGE else A4[::-1]
        room = size[0] - 2 * EDGE
        elastic = sum(width for width, each in zip(widths, self.columns, strict=True) if each.kind != "digits")
        spare = max(0.0, room - sum(widths))
        stretch = min(MAX_STRETCH, 1 + spare / elastic) if elastic else 1.0
        widths = [w if each.kind == "digits" else stretch * w for w, each in zip(widths, self.columns, strict=True)]
        lefts = [*accumulate(widths, initial=EDGE)]
        top, n_rows = EDGE + CODE + 2 + HEAD, len(self.rows_of(number))
        height = min(MAX_ROW_HEIGHT, (size[1] - EDGE - top) / max(n_rows, len(self.rows_of(1))))
        cells, boxes = {}, {}
        for row in range(n_rows):
            y0, y1 = top + row * height, top + (row + 1) * height
            for index, column in enumerate(self.columns):
                x0, x1 = lefts[index : index + 2]
                cells[row, index] = (x0, y0, x1, y1)
                if column.kind == "digits":
                    starts = [x0 + BOX_MARGIN + i * BOX for i in range(column.n_digits)]
                    boxes[row, index] = [(x, y0 + BOX_MARGIN / 2, x + BOX, y1 - BOX_MARGIN / 2) for x in starts]
                elif column.kind == "tick":
                    x, y = (x0 + x1 - TICK) / 2, (y0 + y1 - TICK) / 2
                    boxes[row, index] = [(x, y, x + TICK, y + TICK)]
        heads = [(x0, top - HEAD, x1, top) for x0, x1 in pairwise(lefts)]
        code = (size[0] - EDGE - CODE, EDGE, size[0] - EDGE, EDGE + CODE)
        return Layout(size, n_rows, heads, cells, boxes, code)


@dataclass(frozen=True)
class Code:
    """What the QR code of a page says."""

    sheet: Sheet
    page: int = 1  # counted from 1
    student: int = 0  # whose sheet it is, counted from 1; 0 for a sheet of all of them
    n_students: int = 0
    name: str = ""  # of that student

    def text(self) -> str:
        """As it is printed."""
        sheet = self.sheet
        content = [sheet.title, sheet.text, sheet.n_rows, self.page, self.student, self.n_students, self.name]
        return "tendigits 1 " + json.dumps(content, ensure_ascii=False, separators=(",", ":"))

    @property
    def where(self) -> str:
        """Whose page it is, and which one, such as `page 2 of 3`."""
        page = f"page {self.page} of {self.sheet.n_pages}" if self.sheet.n_pages > 1 else ""
        return ", ".join(filter(None, [self.name, page]))

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return {
            "title": self.sheet.title,
            "columns": self.sheet.text,
            "page": self.page,
            "n_pages": self.sheet.n_pages,
            "student": self.student,
            "n_students": self.n_students,
            "name": self.name,
        }


def read_code(text: str) -> Code | None:
    """The code in a text; None for any other text."""
    start, _, content = text.partition(" 1 ")
    if start != "tendigits" or len(text) > MAX_CODE_CHARACTERS:
        return None
    with suppress(ValueError, TypeError, UserError):
        title, columns, n_rows, page, student, n_students, name = json.loads(content)
        texts, numbers = (title, columns, name), (n_rows, page, student, n_students)
        if all(type(each) is str for each in texts) and all(type(each) is int for each in numbers):
            sheet = parse_sheet(columns, n_rows, title)
            if 1 <= page <= sheet.n_pages and 0 <= student <= n_students <= MAX_STUDENTS:
                return Code(sheet, page, student, n_students, name)
    return None


def parse_sheet(columns: str, n_rows: int, title: str = "") -> Sheet:
    """Parse the columns of a sheet, such as `number:4, name, 1:0..10, done: tick, total = sum`.

    A column has a name, and after a colon the number of its digits, which get a box each, `tick`, or what is expected
    in it, as for `--expect`; after `=` a formula; with neither, words are written or printed in it.

    Raises UserError.
    """
    columns = " ".join(columns.split())
    parts = [*map(str.strip, PART.findall(columns))]
    if not 0 < len(parts) <= MAX_COLUMNS or not all(parts):
        raise UserError(f"expected 1 to {MAX_COLUMNS} columns such as '{COLUMNS_EXAMPLE}', received {len(parts)}")
    if not 0 < n_rows <= MAX_ROWS:
        raise UserError(f"expected 1 to {MAX_ROWS:,} rows, received {n_rows}")
    if len(title) > MAX_TITLE_CHARACTERS or printable(title + columns) != title + columns:
        raise UserError(f"expected printable characters, and at most {MAX_TITLE_CHARACTERS} of them in a title")
    parsed: list[Column] = []
    for part in parts:
        match = _COLUMN.fullmatch(part)
        if match is None:
            raise UserError(f"expected a column such as 'points: 0..10', received '{part}'")
        parsed.append(_column(match[1], match[2], match[3], parsed, part))
    names = [column.name for column in parsed]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UserError(f"expected another name for each column, received '{repeated[0]}' twice")
    sheet = Sheet(tuple(parsed), columns, n_rows, title)
    sheet.expectations  # noqa: B018  # raises what is wrong with them
    if sheet.page(1).cells[0, len(parsed) - 1][2] > sheet.page(1).size[0] - EDGE + 0.1:
        raise UserError("expected columns that fit on a page, received wider ones; leave some out")
    if len(Code(sheet, 1, 1, 1, "").text()) > MAX_CODE_CHARACTERS:
        raise UserError("expected columns that fit into a code, received more; shorten their names")
    return sheet


def _column(name: str, sign: str | None, kind: str | None, before: Sequence[Column], part: str) -> Column:
    letter = column_name(len(before))
    if kind is None:
        return Column(name, "words")
    if sign == "=":
        if kind != "sum":
            return Column(name, "number", expected=f"{letter}: number, {letter} = {kind}")
        addends = {column_name(i): each.expected for i, each in enumerate(before) if each.kind == "number"}
        addends = {name: expected for name, expected in addends.items() if "=" not in expected}
        if len(addends) < 2:
            raise UserError(f"expected two columns of numbers or more before '{part}', received {len(addends)}")
        ranges = [_RANGE.fullmatch(each) for each in addends.values()]
        bounds = [[Decimal(match[i]) for match in ranges if match] for i in (1, 2)]
        kind = f"{sum(bounds[0])}..{sum(bounds[1])}" if all(ranges) else "number"
        return Column(name, "number", expected=f"{letter}: {kind}, {letter} = {' + '.join(addends)}")
    if kind == "tick":
        return Column(name, "tick")
    if kind.isdigit():
        if not 0 < int(kind) <= MAX_BOXES:
            raise UserError(f"expected 1 to {MAX_BOXES} digits, received '{part}'")
        return Column(name, "digits", int(kind), rf"{letter}: \d{{{kind}}}")
    return Column(name, "number", expected=f"{letter}: {kind}")


def roster_of(rows: Sequence[Sequence[str]], sheet: Sheet) -> list[dict[str, str]]:
    """The students of a roster, rows of a CSV: what is printed for each, by the names of the sheet's columns.

    Raises UserError if neither its heads nor its only column are any of the sheet's.
    """
    names = {column.name.casefold(): column.name for column in sheet.columns if column.kind in ("words", "digits")}
    heads: Sequence[str | None] = [names.get(head.casefold()) for head in rows[0]] if rows else []
    students = [row for row in rows[1:] if any(row)]
    if not any(heads):
        words = [column.name for column in sheet.columns if column.kind == "words"]
        if not rows or len(rows[0]) != 1 or not words:
            raise UserError(f"expected a roster with a column such as {', '.join(names.values())}, received {heads}")
        heads, students = words[:1], [row for row in rows if any(row)]
    if (longest := max(len(value) for row in rows for value in row)) > MAX_VALUE_CHARACTERS:
        raise UserError(
            f"expected at most {MAX_VALUE_CHARACTERS} characters in a cell of a roster, received {longest:,}"
        )
    if not 0 < len(students) <= MAX_STUDENTS:
        raise UserError(f"expected 1 to {MAX_STUDENTS:,} students on a roster, received {len(students)}")
    return [{head: printable(value) for head, value in zip(heads, row, strict=False) if head} for row in students]


def codes_of(sheet: Sheet, students: Sequence[dict[str, str]], each: bool) -> list[Code]:
    """The codes of all pages, in order: of one sheet, with enough rows for all students, or of a sheet for each."""
    if not each:
        whole = replace(sheet, n_rows=max(sheet.n_rows, len(students)))
        return [Code(whole, page) for page in range(1, whole.n_pages + 1)]
    return [
        Code(sheet, page, number, len(students), next(iter(student.values()))[:MAX_TITLE_CHARACTERS])
        for number, student in enumerate(students, 1)
        for page in range(1, sheet.n_pages + 1)
    ]
