"""Write tables into a spreadsheet: numbers as numbers, doubtful cells coloured, explained and shown.

write_spreadsheet(Path("marks.xlsx"), [("marks", table.rows)])
"""

import io
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from tendigits.errors import UserError
from tendigits.files import writing
from tendigits.tables.cell import Cell, filled_cells

if TYPE_CHECKING:
    from xlsxwriter import Workbook

CHECK = "to check"  # name of the sheet with the pictures of doubtful cells
LEGEND = "The coloured cells of the other sheets are doubtful. Compare each with its picture."
FORBIDDEN = r"[\x00-\x1f\ufffe\uffff\[\]:*?/\\]|^'|'$"  # what the format, or XML, forbids in a sheet's name
MAX_NAME_LENGTH = 31  # characters of a sheet's name, a limit of the format
MAX_DIGITS = 15  # spreadsheets store numbers as floats; one with more digits is stored as text
DOUBTFUL_COLOUR = "#FFD966"
WRONG_COLOUR = "#F4B6B6"  # of what a person has checked and does not add up
A4 = 9
MAX_PORTRAIT_COLUMNS = 8  # with more, a sheet is printed in landscape
NAME_COLUMN_WIDTH = 24  # in characters, of the sheets' names
PICTURE_ROW_HEIGHT = 32  # in points
PICTURE_COLUMN_WIDTH = 40  # in characters
MAX_OPTIONS_IN_COMMENT = 3
WORD_HEIGHT_PX = 32  # of a word's picture, and of its row; in lower ones handwriting cannot be recognised
MIN_COLUMN_WIDTH_PX = 64  # that of a column, unless something is wider
CHARACTER_WIDTH_PX = 8
MOVES_WITH_CELL = 2  # value of an image's option

Rows = Sequence[Sequence[Cell]]


def write_spreadsheet(path: Path, tables: Sequence[tuple[str, Rows]]) -> None:
    """Write an .xlsx: a sheet for each table, named, and one with the doubtful cells if there are any.

    Raises UserError if there is no table, DiskError if the file can't be written.
    """
    with writing(path) as temporary:
        temporary.write_bytes(to_xlsx(tables))


def to_xlsx(tables: Sequence[tuple[str, Rows]]) -> bytes:
    """Convert to the bytes of an .xlsx; see `write_spreadsheet`."""
    from xlsxwriter import Workbook

    if not tables:
        raise UserError("expected at least one table for a spreadsheet, received none")
    content = io.BytesIO()
    with Workbook(content, {"in_memory": True}) as book:
        colours = DOUBTFUL_COLOUR, WRONG_COLOUR
        formats: dict[str | None, Any] = {None: book.add_format({"border": 1})}
        for colour in colours:
            formats[colour] = book.add_format({"border": 1, "bg_color": colour})
        *names, check = sheet_names([*(name for name, _ in tables), CHECK])
        doubtful = []
        for name, (_, rows) in zip(names, tables, strict=True):
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):  # the lines of the table go around empty cells, too
                for column in range(len(cells)):
                    sheet.write_blank(row, column, None, formats[None])
            for cell_name, cell in filled_cells(rows):
                _write(sheet, cell_name, cell, formats[colours[cell.accepted] if cell.reason else None])
                doubtful += [] if cell.accepted else [(name, cell_name, cell)]
            _lay_out(sheet, rows)
        if doubtful:
            _write_check(book, check, doubtful)
    return content.getvalue()


def sheet_names(wanted: Sequence[str]) -> list[str]:
    """Names that the format allows; no two differ only in case."""
    names: list[str] = []
    taken: set[str] = set()
    numbers = Counter[str]()  # of the sheets whose names begin alike
    for name in wanted:
        base = re.sub(FORBIDDEN, "_", name).strip() or "table"
        unique = _cut(base, MAX_NAME_LENGTH)
        start = unique.lower()
        while unique.lower() in taken:
            numbers[start] += 1
            suffix = f" ({numbers[start] + 1})"
            unique = _cut(base, MAX_NAME_LENGTH - len(suffix)) + suffix
        taken.add(unique.lower())
        names.append(unique)
    return names


def _cut(text: str, n: int) -> str:
    """At most n characters as spreadsheets count them: in units of UTF-16, of which an emoji takes two."""
    return text.encode("utf-16-le")[: 2 * n].decode("utf-16-le", errors="ignore")


def _write(sheet: Any, name: str, cell: Cell, style: Any) -> None:
    content = cell.content
    if isinstance(content, Decimal) and len(content.as_tuple().digits) <= MAX_DIGITS:
        sheet.write_number(name, float(content), style)
    elif cell.value:
        sheet.write_string(name, cell.value, style)
    else:
        sheet.write_blank(name, None, style)
    if cell.accepted and cell.reason:  # a person has checked it, and its sum does not agree
        sheet.write_comment(name, cell.reason)
    if not cell.accepted:
        options = ", ".join(text or "nothing" for text, _ in cell.options[:MAX_OPTIONS_IN_COMMENT])
        why = f"{cell.reason}\nconfidence {cell.confidence:.0%}" + (f"\nor: {options}" if options else "")
        sheet.write_comment(name, why)


def _lay_out(sheet: Any, rows: Rows) -> None:
    """Show words as pictures and everything in full, and keep headings and names in sight while the sheet scrolls."""
    widths = Counter[int]()
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            widths[column] = max(widths[column], MIN_COLUMN_WIDTH_PX, CHARACTER_WIDTH_PX * (len(cell.value) + 1))
            if cell.is_word and cell.picture is not None:
                scale = WORD_HEIGHT_PX / cell.picture.shape[0]
                widths[column] = max(widths[column], round(scale * cell.picture.shape[1]))
                options = {"x_scale": scale, "y_scale": scale, "object_position": MOVES_WITH_CELL}
                sheet.set_row_pixels(row, WORD_HEIGHT_PX)
                sheet.insert_image(row, column, "word.png", _image(cell, "word") | options)
    for column, width in widths.items():
        sheet.set_column_pixels(column, column, width)
    heads, names = int(_is_mostly_words(rows[:1])), int(_is_mostly_words([row[:1] for row in rows]))
    if heads or names:
        sheet.freeze_panes(heads, names)
    sheet.fit_to_pages(1, 0)  # one page wide
    sheet.set_paper(A4)
    if len(rows) and len(rows[0]) > MAX_PORTRAIT_COLUMNS:
        sheet.set_landscape()
    if heads:
        sheet.repeat_rows(0)


def _is_mostly_words(rows: Rows) -> bool:
    cells = [cell for row in rows for cell in row if cell.value or cell.is_unread or cell.is_word]
    return 2 * sum(cell.is_word or any(map(str.isalpha, cell.value)) for cell in cells) > len(cells)


def _write_check(book: "Workbook", name: str, doubtful: list[tuple[str, str, Cell]]) -> None:
    """The sheet with the doubtful cells: where they are, what was read, why it is doubtful, and their pictures."""
    sheet = book.add_worksheet(name)
    sheet.write_string(0, 0, LEGEND)
    sheet.write_row(1, 0, ["sheet", "cell", "read as", "why", "picture"], book.add_format({"bold": True}))
    sheet.set_column(0, 0, NAME_COLUMN_WIDTH)
    sheet.set_column(3, 4, PICTURE_COLUMN_WIDTH)
    sheet.fit_to_pages(1, 0)  # one page wide
    sheet.set_paper(A4)
    for row, (of_sheet, cell_name, cell) in enumerate(doubtful, 2):
        sheet.write_string(row, 0, of_sheet)
        sheet.write_url(row, 1, f"internal:'{of_sheet.replace(chr(39), chr(39) * 2)}'!{cell_name}", string=cell_name)
        sheet.write_string(row, 2, cell.value or "nothing")
        sheet.write_string(row, 3, cell.reason or "")
        if cell.picture is not None:
            sheet.set_row(row, PICTURE_ROW_HEIGHT)
            sheet.insert_image(row, 4, f"{cell_name}.png", _image(cell, f"{of_sheet} {cell_name}"))


def _image(cell: Cell, description: str) -> dict[str, Any]:
    """The picture of a cell as a spreadsheet takes it."""
    png = io.BytesIO(cv2.imencode(".png", cell.picture)[1].tobytes())
    return {"image_data": png, "description": description}
