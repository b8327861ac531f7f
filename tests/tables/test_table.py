"""Tables as text, CSV and spreadsheets; openpyxl is the oracle."""

import csv
import io
import re
import shutil
import subprocess
from decimal import Decimal

import numpy as np
import openpyxl
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.errors import UserError
from tendigits.geometry import Box
from tendigits.tables.cell import BREAKS, FORMULA, Cell, cell_name, column_index, column_name, no_formula
from tendigits.tables.spreadsheet import DOUBTFUL_COLOUR, sheet_names, to_xlsx, write_spreadsheet
from tendigits.tables.table import Table

BOX = Box(0, 0, 9, 9)
PICTURE = np.full((40, 60), 200, np.uint8)


def accepted(value, number=None):
    return Cell(BOX, value, None if number is None else Decimal(number), 0.99)


DOUBT = Cell(BOX, "782", Decimal(782), 0.6, False, "may be 782 or 762", [("762", 0.3), ("", 0.1)], picture=PICTURE)
TABLE = Table(
    [
        [accepted("12,50", "12.50"), accepted("0427", "427"), Cell(BOX)],
        [accepted("-3", "-3"), accepted("12/05"), DOUBT],
        [accepted("=1+1"), accepted("5%", "0.05"), accepted("123456789012345678", "123456789012345678")],
    ]
)


def test_text_and_summary():
    assert [line.split() for line in TABLE.text().splitlines()[:3:2]] == [["A", "B", "C"], ["-3", "12/05", "782?"]]
    assert Table([[accepted("1"), Cell(BOX), accepted("2")]]).text() == "A  B  C\n1     2"
    assert TABLE.summary() == "3 rows x 3 columns   7 accepted, 1 to check (C2)"
    assert TABLE.doubts() == "C2    782          may be 782 or 762"
    assert repr(Table([])).splitlines()[0] == "0 rows x 0 columns   0 accepted, 0 to check"


def test_scattered_numbers_and_lists_do_not_look_like_a_table():
    assert TABLE.is_dense
    assert not Table([[accepted("1", "1")], [accepted("2", "2")]]).is_dense
    scattered = [[Cell(BOX) for _ in range(4)] for _ in range(4)]
    for i in range(4):
        scattered[i][3 - i] = accepted("1", "1")
    assert not Table(scattered).is_dense
    assert Table(scattered, ruled=True).is_dense


def test_csv_has_numbers_and_text_no_formulas_and_marks_doubt(tmp_path):
    text = TABLE.to_csv(tmp_path / "a.csv")
    assert [*csv.reader(text.splitlines())] == [
        ["12.50", "0427", ""], ["-3", "12/05", "782?"], ["'=1+1", "0.05", "123456789012345678"],
    ]  # fmt: skip
    assert (tmp_path / "a.csv").read_text() == text


@given(st.text(st.sampled_from("=+-@\t\r\n0.1 x,\"';") | st.characters(exclude_categories=["Cs"]), max_size=9))
def test_no_text_becomes_a_formula(text):
    cells = [accepted(text), Cell(BOX, text, None, 0.5, False, "may be another")]
    table = Table([cells])
    (row,) = csv.reader(io.StringIO(table.to_csv(), newline=""))
    in_one_line = re.sub(BREAKS, " ", text)
    for value, kept in zip((*row, no_formula(text)), (in_one_line, in_one_line + "?", in_one_line), strict=True):
        assert value in (kept, f"'{kept}")
    assert not any(value.startswith(FORMULA) for value in row)
    assert not no_formula(text).startswith(("=", "@", "\t", "\r", "\n"))
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx([("a", table.rows)])))
    assert all(cell.value is None or cell.data_type == "s" for cell in book["a"][1])


def test_numbers_are_not_taken_for_formulas():
    assert [no_formula(text) for text in ("-12", "+12,5", "-0.5", "-1+2", "+(1)")] == [
        "-12", "+12,5", "-0.5", "'-1+2", "'+(1)",
    ]  # fmt: skip


def test_a_spreadsheet_needs_a_table(tmp_path):
    with pytest.raises(UserError, match="expected at least one table"):
        write_spreadsheet(tmp_path / "a.xlsx", [])
    assert not (tmp_path / "a.xlsx").exists()


def test_a_spreadsheet_opened_again(tmp_path):
    TABLE.to_xlsx(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["table", "to check"]
    sheet, check = book["table"], book["to check"]
    assert [[each.value for each in row] for row in sheet.iter_rows()] == [
        [12.5, "0427", None], [-3, "12/05", 782], ["=1+1", 0.05, "123456789012345678"],
    ]  # fmt: skip
    assert sheet["A3"].data_type == "s", "no formula"
    assert sheet["C2"].fill.fgColor.rgb == "FF" + DOUBTFUL_COLOUR[1:]
    assert sheet["C2"].comment.text.endswith("may be 782 or 762\nconfidence 60%\nor: 762, nothing")
    assert sheet["A1"].comment is None
    assert [each.value for each in check[3]][:4] == ["table", "C2", "782", "may be 782 or 762"]
    assert len(check._images) == 1
    assert all(cell.border.top.style == "thin" for row in sheet.iter_rows() for cell in row), "lines around C1, too"
    assert [(each.page_setup.paperSize, each.page_setup.fitToHeight) for each in book] == [(9, 0), (9, 0)], "A4"


@pytest.fixture
def convert(tmp_path):
    """Convert a spreadsheet by LibreOffice; gives the new file."""
    if (soffice := shutil.which("soffice")) is None:
        pytest.skip("needs LibreOffice")

    def run(path, kind):
        home = f"-env:UserInstallation=file://{tmp_path}/home"
        command = [soffice, home, "--headless", "--convert-to", kind, "--outdir", tmp_path, path]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        return path.with_suffix(f".{kind}")

    return run


@pytest.mark.slow
def test_libreoffice_opens_a_spreadsheet(convert, tmp_path):
    word = Cell(BOX, picture=np.full((40, 90), 200, np.uint8))
    Table([[word, *row] for row in TABLE.rows]).to_xlsx(tmp_path / "a.xlsx")
    assert (
        convert(tmp_path / "a.xlsx", "csv").read_text() == ",12.5,0427,\n,-3,12/05,782\n,=1+1,0.05,123456789012345678\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("n_columns", [7, 30])
def test_libreoffice_prints_a_spreadsheet_one_page_wide(convert, tmp_path, n_columns):
    """Upright or, with many columns, across: the first and the last column of a row stand on the same page."""
    middle = [accepted("555", "555") for _ in range(n_columns - 2)]
    firsts, lasts = ([f"{start + row}" for row in range(90)] for start in (1000, 2000))
    ends = zip(firsts, lasts, strict=True)
    Table([[accepted(first, first), *middle, accepted(last, last)] for first, last in ends]).to_xlsx(
        tmp_path / "a.xlsx"
    )
    document = pypdfium2.PdfDocument(convert(tmp_path / "a.xlsx", "pdf"))
    texts = [page.get_textpage().get_text_range().split() for page in document]
    assert len(texts) > 1
    assert [text for each in texts for text in each if text in firsts] == firsts
    for each in texts:
        assert [text[1:] for text in each if text in firsts] == [text[1:] for text in each if text in lasts]
    assert {round(min(page.get_size())) for page in document} == {595}, "A4"


def test_words_are_pictures_in_a_spreadsheet_and_heads_and_names_stay_in_sight(tmp_path):
    word = Cell(BOX, picture=np.full((40, 300), 200, np.uint8))
    table = Table([[Cell(BOX), word], [word, accepted("12", "12")], [word, accepted("3", "3")]])
    table.to_xlsx(tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["table"]
    assert [(image.anchor._from.row, image.anchor._from.col) for image in sheet._images] == [(0, 1), (1, 0), (2, 0)]
    assert sheet.freeze_panes == "B2"
    assert sheet.column_dimensions["A"].width > 15
    typed = Table(
        [[Cell(BOX, "picture"), Cell(BOX, "points")], [Cell(BOX, "form_of_the_first_term.jpg"), accepted("3", "3")]]
    )
    typed.to_xlsx(tmp_path / "b.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "b.xlsx")["table"]
    assert (sheet.freeze_panes, sheet.column_dimensions["A"].width > 26) == ("B2", True)
    assert table.to_csv() == ",\n,12\n,3\n"


def test_unread_cells_are_marked_in_every_format(tmp_path):
    unread = Cell(BOX, "", None, 0.0, False, "could not be read")
    table = Table([[accepted("1", "1"), unread], [accepted("2", "2"), Cell(BOX)]])
    assert (table.doubtful, table.to_csv()) == (["B1"], "1,?\n2,\n")
    assert table.summary() == "2 rows x 2 columns   2 accepted, 1 to check (B1)"
    table.to_xlsx(tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    marked = book["table"]["B1"]
    assert (marked.value, marked.fill.fgColor.rgb) == (None, "FF" + DOUBTFUL_COLOUR[1:])
    assert marked.comment.text.startswith("could not be read")
    assert [each.value for each in book["to check"][3]][:4] == ["table", "B1", "nothing", "could not be read"]


def test_sheets_have_valid_names(tmp_path):
    long = "a very long name of a file with marks.jpg"
    write_spreadsheet(tmp_path / "a.xlsx", [(long, TABLE.rows), (long, TABLE.rows), ("x/y'\1", TABLE.rows)])
    names = openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames
    assert len(names) == 4
    assert names[2] == "x_y'_"


@given(st.lists(st.text(max_size=40), max_size=6))
def test_sheet_names_are_unique_and_short(wanted):
    names = sheet_names(wanted)
    assert len({name.lower() for name in names}) == len(wanted)
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)


def test_names_of_cells():
    assert [column_name(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
    assert [column_index(name) for name in ("A", "z", "AA", "ZZ")] == [0, 25, 26, 701]
    assert cell_name(6, 2) == "C7"


def test_a_data_frame_has_the_content_of_a_spreadsheet():
    import pandas as pd

    frame = TABLE.to_dataframe()
    assert isinstance(frame, pd.DataFrame)
    assert [*frame.columns] == ["A", "B", "C"]
    assert frame["A"][0] == Decimal("12.50")
    assert frame["C"][0] is None
