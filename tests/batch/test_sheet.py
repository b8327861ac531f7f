"""`tendigits sheet`, and a pile of photos of its pages."""

from decimal import Decimal

import cv2
import openpyxl
import pypdfium2
import pytest

from tendigits.batch.piles import gather
from tendigits.geometry import Box
from tendigits.read.page import Page
from tendigits.read.sheet import Code, parse_sheet
from tendigits.tables.cell import Cell
from tendigits.tables.checks import check
from tendigits.tables.options import Sums
from tendigits.tables.table import Table

COLUMNS = "number:4, name, 1:0..10, 2:0..10, total = sum"
NOWHERE = Box(0, 0, 0, 0)
NUMBERS = [f"{1024 + 37 * i}" for i in range(34)]


@pytest.fixture
def pages(run_cli, tmp_path):
    """A sheet with a roster, of two pages, each as a picture; and its first page with another number on it."""

    def print_pages(name, numbers):
        roster = tmp_path / "class.csv"
        roster.write_text("Number;Name\n" + "".join(f"{number};pupil {i}\n" for i, number in enumerate(numbers)))
        pdf = tmp_path / f"{name}.pdf"
        code, out, err = run_cli("sheet", "--columns", COLUMNS, "--title", "Test 3", "--roster", roster, "-o", pdf)
        assert (code, out.startswith(f"{pdf}: 2 pages to print"), err) == (0, True, "")
        for i, page in enumerate(pypdfium2.PdfDocument(pdf), 1):
            page.render(scale=2.5, grayscale=True).to_pil().save(tmp_path / f"{name}{i}.png")

    print_pages("sheet", NUMBERS)
    print_pages("other", ["8888", *NUMBERS[1:]])
    return [tmp_path / f"{name}.png" for name in ("sheet1", "sheet2", "other1")]


def column(table, letter):
    return [cell.value for cell in openpyxl.load_workbook(table)["Test 3"][letter]]


def test_a_pile_becomes_one_table_in_order_and_what_is_missing_or_there_twice_is_named(run_cli, pages, tmp_path):
    first, second, other = pages
    table = tmp_path / "marks.xlsx"
    code, out, err = run_cli("read", second, first, "--table", table)
    assert (code, err) == (0, "")
    of_second, of_first, joined = out.splitlines()
    assert (of_second, of_first) == (f"{second}   Test 3, page 2 of 2", f"{first}   Test 3, page 1 of 2")
    assert joined.startswith("Test 3   35 rows x 5 columns   ")
    assert column(table, "A") == ["number", *map(int, NUMBERS)]
    code, _, err = run_cli("read", second, first, "--table", tmp_path / "marks.csv")
    assert (code, err) == (0, "")
    assert [row.split(",")[0] for row in (tmp_path / "marks.csv").read_text().splitlines()] == ["number", *NUMBERS]
    code, _, err = run_cli("read", second, "--table", table, "--overwrite")
    assert (code, err) == (0, "tendigits: Test 3: page 1 is missing\n")
    code, _, err = run_cli("read", first, second, other, "--table", table, "--overwrite")
    assert err == f"tendigits: Test 3: page 1 of 2 is in {first} and in {other}; what differs is to be checked\n"
    doubts = openpyxl.load_workbook(table)["to check"]
    assert [cell.value for cell in doubts["D"]][2:] == ["1024 in one photo, 8888 in the other"]


def test_what_does_not_add_up_is_named_by_the_rows_of_the_joined_table():
    sheet, pages = parse_sheet("1:0..10, 2:0..10, total = sum", 40), []
    for number, total in ((2, 9), (1, 7)):
        rows = [["1", "2", "total"], ["3", "4", "7"], ["2", "5", str(total)]]
        cells = [[Cell(NOWHERE, text, Decimal(text) if i else None) for text in row] for i, row in enumerate(rows)]
        table = check(Table(cells), Sums.NONE, sheet.expectations.formulas)
        pages.append((f"{number}.jpg", Page([], (9, 9), [table], sheet=Code(sheet, number))))
    ((_, joined),), notices = gather(pages)
    assert joined.wrong == ["row 5 adds up to 7, not 9"]
    assert joined.agreement == "totals agree in 3 of 4 rows (C = A + B)"
    assert ([name[1:] for name in joined.doubtful], notices) == (["5"], [])


def test_each_student_has_a_sheet(run_cli, tmp_path):
    (tmp_path / "class.csv").write_text("Ann\nBo\n")
    pdf, table = tmp_path / "sheets.pdf", tmp_path / "marks.xlsx"
    run_cli("sheet", "--columns", "item:2, name", "--rows", 3, "--roster", tmp_path / "class.csv", "--each", "-o", pdf)
    document = pypdfium2.PdfDocument(pdf)
    picture = document[1].render(scale=2.5, grayscale=True).to_numpy().squeeze().copy()
    assert len(document) == 2
    cv2.putText(picture, "4", (60, 182), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 0, 1)
    cv2.imwrite(str(tmp_path / "bo.png"), picture)
    _, out, err = run_cli("read", tmp_path / "bo.png", "--table", table)
    assert out.startswith(f"{tmp_path / 'bo.png'}   Bo\nsheet 1   1 row x 3 columns   ")
    assert err == "tendigits: sheet 1: student 1 is missing\n"


def test_what_is_wrong_is_said_before_anything_is_written(run_cli, tmp_path):
    pdf = tmp_path / "sheet.pdf"
    for arguments, message in (
        (["--columns", "a", "--each"], "expected --roster with --each"),
        (["--columns", "a: often"], "received 'A: often'"),
        (["--columns", "a", "--roster", tmp_path / "none.csv"], "expected a CSV file"),
    ):
        code, _, err = run_cli("sheet", *arguments, "-o", pdf)
        assert (code, message in err, pdf.exists()) == (2, True, False)
    pdf.write_bytes(b"mine")
    assert "--output would replace" in run_cli("sheet", "--columns", "a", "-o", pdf)[2]
