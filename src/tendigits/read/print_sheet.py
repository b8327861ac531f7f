"""Print a sheet: a PDF with its marks, its code, its boxes, and what is on a roster.

pdf = to_pdf(codes_of(sheet, students, each=False), students)
"""

from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from io import BytesIO

import segno
from fpdf import FPDF
from PIL import Image

from tendigits.read.find_sheet import edge_dots, mark, mark_corners
from tendigits.read.sheet import DOT, EDGE, MARK, Code, Layout, Rectangle

LINE_GREY, BOX_GREY = 180, 195  # of the lines, lighter than ink
LINE_WIDTH = 0.25  # millimetres
TITLE_POINTS, TEXT_POINTS, NOTE_POINTS = 15, 9, 7.5
MIN_POINTS = 4
MARK_PX = 60  # a multiple of its 6 squares
NOTES = {
    "digits": "One digit in each box.",
    "tick": "Tick a box; fill it to take the tick back.",
}


def to_pdf(codes: Sequence[Code], students: Sequence[Mapping[str, str]] = ()) -> bytes:
    """The pages with these codes as a PDF; students have a row each, or a sheet each."""
    pdf = FPDF(unit="mm")
    pdf.set_auto_page_break(False)
    with as_file(files("tendigits.read") / "assets" / "DejaVuSans.ttf") as font:
        pdf.add_font("print", fname=font)
    pdf.set_title(codes[0].sheet.title or "Sheet")
    pdf.set_creator("tendigits")
    for code in codes:
        layout = code.sheet.page(code.page)
        pdf.add_page(format="A4", orientation="landscape" if layout.is_landscape else "portrait")
        _draw_marks(pdf, layout)
        _draw_head(pdf, code, layout)
        _draw_table(pdf, code, layout, [] if code.student else students)
    return bytes(pdf.output())


def _draw_marks(pdf: FPDF, layout: Layout) -> None:
    for number, corners in enumerate(mark_corners(layout.size)):
        picture = Image.fromarray(mark(number + 4 * layout.is_landscape, MARK_PX))
        pdf.image(picture, corners[0, 0], corners[0, 1], MARK, MARK)
    pdf.set_fill_color(0)
    for dots in edge_dots(layout.size):
        for x, y in dots[1:-1].tolist():
            pdf.rect(x - DOT / 2, y - DOT / 2, DOT, DOT, style="F")


def _draw_head(pdf: FPDF, code: Code, layout: Layout) -> None:
    left, top, right, bottom = layout.code
    picture = BytesIO()
    segno.make_qr(code.text(), error="m").save(picture, kind="png", scale=8, border=0)
    pdf.image(picture, left, top, right - left, bottom - top)
    width = left - EDGE - 4
    kinds = {column.kind for column in code.sheet.columns}
    lines: list[tuple[str, float]] = [(code.sheet.title, TITLE_POINTS), (code.where, TEXT_POINTS + 2)]
    notes = " ".join(note for kind, note in NOTES.items() if kind in kinds)
    lines.append((f"{notes} Photograph the whole page, with its four corners.".strip(), NOTE_POINTS))
    y = top
    for text, points in filter(lambda line: line[0], lines):
        _write(pdf, text, (EDGE, y, EDGE + width, y + 8), points)
        y += 8


def _draw_table(pdf: FPDF, code: Code, layout: Layout, students: Sequence[Mapping[str, str]]) -> None:
    columns, rows = code.sheet.columns, code.sheet.rows_of(code.page)
    pdf.set_line_width(LINE_WIDTH)
    pdf.set_draw_color(LINE_GREY)
    for rectangle in [*layout.heads, *layout.cells.values()]:
        pdf.rect(*_size(rectangle))
    for rectangle, column in zip(layout.heads, columns, strict=True):
        _write(pdf, column.name, rectangle, TEXT_POINTS)
    pdf.set_draw_color(BOX_GREY)
    for boxes in layout.boxes.values():
        for rectangle in boxes:
            pdf.rect(*_size(rectangle))
    for row, number in enumerate(rows):
        printed = students[number] if number < len(students) else {}
        for index, column in enumerate(columns):
            text = printed.get(column.name, "")
            if column.kind == "digits":
                for rectangle, digit in zip(layout.boxes[row, index], text, strict=False):
                    _write(pdf, digit, rectangle, TEXT_POINTS + 3, "C")
            else:
                _write(pdf, text, layout.cells[row, index], TEXT_POINTS)


def _write(pdf: FPDF, text: str, rectangle: Rectangle, points: float, align: str = "L") -> None:
    """Write a line into a rectangle, smaller if it does not fit."""
    left, top, width, height = _size(rectangle)
    pdf.set_font("print", size=points)
    if (needed := pdf.get_string_width(text) + 2 * pdf.c_margin) > width:
        pdf.set_font("print", size=max(MIN_POINTS, points * width / needed))
    pdf.set_xy(left, top)
    pdf.cell(width, height, text, align=align)


def _size(rectangle: Rectangle) -> Rectangle:
    left, top, right, bottom = rectangle
    return left, top, right - left, bottom - top
