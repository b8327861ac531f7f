"""Write tables into a spreadsheet: numbers as numbers, doubtful cells coloured, explained and shown.

write_spreadsheet(Path("marks.xlsx"), [("marks", table)])
"""

import io
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from tendigits.errors import UserError
from tendigits.files import writing
from tendigits.tables.table import Cell, Table

if TYPE_CHECKING:
    from xlsxwriter import Workbook

DOUBTFUL = "#FFD966"
"""Colour of doubtful cells."""

LONGEST_NAME = 31
"""Characters of a sheet's name, a limit of the format."""

FORBIDDEN = r"[\x00-\x1f\ufffe\uffff\[\]:*?/\\]|^'|'$"
"""What a sheet's name must not hold: the format's own, and what XML has not."""

CHECK = "to check"
"""Name of the sheet with the pictures of doubtful cells."""

MOST_DIGITS = 15
"""A spreadsheet's numbers are floats; a longer one is kept as text."""

PICTURE_ROW, PICTURE_COLUMN = 32, 40
"""Height and width of the cells that hold a picture, in the units of the format."""

OPTIONS = 3
"""Other readings that a comment names."""


def write_spreadsheet(path: Path, tables: Sequence[tuple[str, Table]]) -> None:
    """Write an .xlsx with a sheet for each named table, at least one, and one with the doubtful cells if there are any.

    Raises:
        UserError: there is no table.
        DiskError: the file can't be written.
    """
    with writing(path) as temporary:
        temporary.write_bytes(to_xlsx(tables))


def to_xlsx(tables: Sequence[tuple[str, Table]]) -> bytes:
    """Convert to the bytes of an .xlsx; see `write_spreadsheet`."""
    from xlsxwriter import Workbook

    if not tables:
        raise UserError("expected at least one table for a spreadsheet, received none")
    content = io.BytesIO()
    with Workbook(content, {"in_memory": True}) as book:
        doubt = book.add_format({"bg_color": DOUBTFUL})
        names = sheet_names([*(name for name, _ in tables), CHECK])
        sheets = [*zip(names, (table for _, table in tables), strict=False)]
        for name, table in sheets:
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(table.rows):
                for column, cell in enumerate(cells):
                    if cell.value or cell.is_unread:
                        _write(sheet, row, column, cell, None if cell.accepted else doubt)
        doubtful = [
            (name, cell_name, cell) for name, table in sheets for cell_name, cell in table.cells() if not cell.accepted
        ]
        if doubtful:
            _write_check(book, names[-1], doubtful)
    return content.getvalue()


def sheet_names(wanted: list[str]) -> list[str]:
    """Names that the format allows, all different whatever their case."""
    names: list[str] = []
    for name in wanted:
        base = re.sub(FORBIDDEN, "_", name).strip() or "table"
        chosen, number = base[:LONGEST_NAME], 1
        while chosen.lower() in (other.lower() for other in names):
            number += 1
            ending = f" ({number})"
            chosen = base[: LONGEST_NAME - len(ending)] + ending
        names.append(chosen)
    return names


def _write(sheet: Any, row: int, column: int, cell: Cell, style: Any) -> None:
    content = cell.content
    if isinstance(content, Decimal) and len(content.as_tuple().digits) <= MOST_DIGITS:
        sheet.write_number(row, column, float(content), style)
    elif cell.value:
        sheet.write_string(row, column, cell.value, style)
    else:
        sheet.write_blank(row, column, None, style)
    if not cell.accepted:
        sheet.write_comment(row, column, comment_of(cell))


def comment_of(cell: Cell) -> str:
    """Why a cell is doubtful, and what else it may be."""
    others = ", ".join(f"{text or 'nothing'} ({share:.0%})" for text, share in cell.options[:OPTIONS])
    return f"{cell.reason}\nconfidence {cell.confidence:.0%}" + (f"\nor: {others}" if others else "")


def _write_check(book: "Workbook", name: str, doubtful: list[tuple[str, str, Cell]]) -> None:
    """The sheet with the doubtful cells: which, what was read, why it is doubtful, and its picture."""
    sheet = book.add_worksheet(name)
    sheet.write_row(0, 0, ["sheet", "cell", "read as", "why", "picture"], book.add_format({"bold": True}))
    sheet.set_column(3, 4, PICTURE_COLUMN)
    for row, (of_sheet, cell_name, cell) in enumerate(doubtful, 1):
        sheet.write_string(row, 0, of_sheet)
        sheet.write_url(row, 1, f"internal:'{of_sheet.replace(chr(39), chr(39) * 2)}'!{cell_name}", string=cell_name)
        sheet.write_string(row, 2, cell.value or "nothing")
        sheet.write_string(row, 3, cell.reason or "")
        if cell.picture is not None:
            sheet.set_row(row, PICTURE_ROW)
            png = io.BytesIO(cv2.imencode(".png", cell.picture)[1].tobytes())
            sheet.insert_image(
                row, 4, f"{cell_name}.png", {"image_data": png, "description": f"{of_sheet} {cell_name}"}
            )
