"""Printed sheets: their columns, their code, and photos of filled ones."""

import cv2
import numpy as np
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_sheets import draw_values, fill, photograph, same
from measuring.lines import Digits
from tendigits.data.mnist import load_data
from tendigits.errors import DataError, UserError
from tendigits.read.find_sheet import find_sheet
from tendigits.read.print_sheet import to_pdf
from tendigits.read.read_sheet import to_box
from tendigits.read.reader import Reader
from tendigits.read.sheet import COLUMNS_EXAMPLE, Code, codes_of, parse_sheet, read_code, roster_of

ROSTER = [["Name", "room", "number"], ["Łukasz", "1", "1024"], ["", "", ""], ["Zoë", "2", "0873"]]


@pytest.mark.parametrize(
    ("columns", "rows", "message"),
    [
        ("", 30, "1 to 26 columns"),
        ("a, a", 30, "'a' twice"),
        ("a: 13", 30, "1 to 12 digits"),
        ("a: 0..1, t = sum", 30, "two columns of numbers"),
        ("a: often", 30, "received 'A: often'"),
        ("a, b = C * 2", 0, "1 to 1,000 rows"),
        ("a: roster.csv", 30, "no file of values"),
        (", ".join(f"name {i}" for i in range(9)), 30, "fit on a page"),
    ],
)
def test_columns_that_cannot_be_printed_are_refused(columns, rows, message):
    with pytest.raises(UserError, match=message):
        parse_sheet(columns, rows)


def test_a_sum_adds_up_the_numbers_before_it():
    sheet = parse_sheet("id:4, name, 1:0..10, 2:0..5.5, done: tick, total = sum, mean = F / 2", 30)
    assert [each.text for each in sheet.expectations.formulas] == ["F = C + D", "G = F / 2"]
    assert sheet.expectations.targets["F"].text == "0..15.5"
    assert sheet.expectations.targets["A"].fits("0012")


def test_a_roster_is_printed_where_its_heads_say():
    sheet = parse_sheet(COLUMNS_EXAMPLE, 30)
    students = [{"name": "Łukasz", "number": "1024"}, {"name": "Zoë", "number": "0873"}]
    assert roster_of(ROSTER, sheet) == students
    assert roster_of([["Ann"], ["Bo"]], sheet) == [{"name": "Ann"}, {"name": "Bo"}]
    with pytest.raises(UserError, match="a roster with a column such as number, name"):
        roster_of([["pupil", "class"], ["Ann", "1"]], sheet)
    codes = codes_of(parse_sheet(COLUMNS_EXAMPLE, 40), students, each=True)
    assert [code.where for code in codes] == [
        f"{name}, page {page} of 2" for name in ("Łukasz", "Zoë") for page in (1, 2)
    ]
    many = [{"name": str(i)} for i in range(70)]
    assert len(codes_of(sheet, many, each=False)) == 3


def test_the_code_says_what_the_sheet_is_and_names_nobody_on_the_roster():
    code = Code(parse_sheet(COLUMNS_EXAMPLE, 40, "Test 3"), 2, 1, 30, "Zoë")
    assert read_code(code.text()) == code
    whole = codes_of(parse_sheet(COLUMNS_EXAMPLE, 30), roster_of(ROSTER, code.sheet), each=False)
    assert not any("Łukasz" in code.text() for code in whole)


@given(st.one_of(st.text(), st.text().map("tendigits 1 {}".format), st.lists(st.integers() | st.text()).map(
    lambda content: f"tendigits 1 {content}".replace("'", '"'))))  # fmt: skip
def test_no_other_text_is_a_code(text):
    assert read_code(text) is None or read_code(text).text()


@pytest.mark.parametrize("columns", [COLUMNS_EXAMPLE, ", ".join(f"n{i}:0..9" for i in range(14))])
def test_everything_stands_on_the_page(columns):
    for n_rows in (1, 30, 31, 100):
        sheet = parse_sheet(columns, n_rows)
        layouts = [sheet.page(number) for number in range(1, sheet.n_pages + 1)]
        assert sum(layout.n_rows for layout in layouts) == n_rows
        for layout in layouts:
            for place, (left, top, right, bottom) in layout.cells.items():
                assert 0 < left < right < layout.size[0]
                assert layout.code[3] < top < bottom < layout.size[1]
                assert all(left < box[0] and box[2] < right for box in layout.boxes.get(place, []))
        assert layouts[0].is_landscape is (len(sheet.columns) == 14)


@pytest.fixture(scope="module")
def reader():
    return Reader(threads=1)


@pytest.mark.parametrize("turned", [0, 1, 2, 3])
def test_a_photo_of_a_filled_sheet_needs_nothing_else(reader, turned):
    rng = np.random.default_rng(turned)
    _, (pictures, labels) = load_data()
    hand, truth = Digits([*pictures], labels.tolist()), draw_values(rng)[:8]
    sheet = parse_sheet("number:4, name, 1:0..10, 2:0..10, 3:0..10, done: tick, total = sum", 12, "Test 3")
    photo = photograph(fill(sheet, truth, hand, rng), rng, 2200)
    page = reader.read(np.rot90(photo, turned))
    assert page.sheet == Code(sheet)
    assert page.turned == (360 - 90 * turned) % 360
    heads, *rows = [list(row) for row in page.table().rows]
    assert [cell.value for cell in heads] == ["number", "name", "1", "2", "3", "done", "total"]
    assert len(rows) == 8  # nothing is written in the others
    cells = [
        (cell, wanted)
        for row, values in zip(rows, truth, strict=True)
        for cell, wanted in zip(row, values, strict=True)
    ]
    assert all(same(cell.value, wanted) for cell, wanted in cells if cell.accepted)
    assert sum(cell.accepted for cell, _ in cells) >= 0.9 * len(cells)
    assert [row[5].value for row in rows] == [values[5] for values in truth]
    numbers = [(page.numbers[cell.index], cell) for cell, _ in cells if cell.index is not None]
    assert all((number.value, number.accepted) == (cell.value, cell.accepted) for number, cell in numbers)


def test_what_does_not_add_up_is_named_as_its_cell_everywhere(reader):
    rng = np.random.default_rng(0)
    _, (pictures, labels) = load_data()
    truth = [[f"{number}", "", "3", "5", "8"] for number in range(1024, 1034)]
    truth[5][4] = "19"
    sheet = parse_sheet("number:4, name, 1:0..10, 2:0..10, total = sum", 12)
    page = reader.read(photograph(fill(sheet, truth, Digits([*pictures], labels.tolist()), rng), rng, 2200))
    table, summary = page.table(), page.table().summary()
    assert table.formulas == ["E = C + D"]
    assert table.wrong == ["row 7 adds up to 8, not 19"]
    assert "row 7 adds up to 8, not 19" in summary
    assert "E7" in table.doubtful
    cell = table.rows[6][4]
    assert (cell.value, cell.reason.split(";")[0]) == ("19", "this row adds up to 8, not 19")
    assert page.cells()[cell.index] == (1, 7, "E")
    assert not page.numbers[cell.index].accepted


def test_what_was_printed_from_a_roster_is_read_and_names_are_pictures(reader):
    sheet = parse_sheet(COLUMNS_EXAMPLE, 30)
    students = roster_of(ROSTER, sheet)
    pdf = to_pdf(codes_of(sheet, students, each=False), students)
    rows = reader.read(pdf).table().rows[1:]
    assert [(row[0].value, row[1].is_word) for row in rows] == [("1024", True), ("0873", True)]


def printed(sheet):
    page = pypdfium2.PdfDocument(to_pdf([Code(sheet)]))[0]
    return page.render(scale=2.5, grayscale=True).to_numpy().squeeze().copy()


def test_bent_paper_is_made_flat():
    sheet = parse_sheet(COLUMNS_EXAMPLE, 30)
    picture = printed(sheet)
    flat = find_sheet(picture)
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    bent = cv2.remap(picture, x, y + 20 * np.sin(np.pi * x / picture.shape[1], dtype=np.float32), cv2.INTER_LINEAR)
    found = find_sheet(bent)
    left, top, right, bottom = to_box(found.layout.cells[15, 3])
    (corner,) = found.to_photo(np.array([[left, top]], np.float64))
    (expected,) = flat.to_photo(np.array([[left, top]], np.float64))
    assert abs(corner[1] - (expected[1] - 20 * np.sin(np.pi * corner[0] / picture.shape[1]))) < 2
    difference = np.abs(found.flat[top:bottom, left:right].astype(int) - flat.flat[top:bottom, left:right]).mean()
    assert difference < 12


def test_a_sheet_whose_code_is_hidden_says_so():
    sheet = parse_sheet(COLUMNS_EXAMPLE, 30)
    picture = (
        pypdfium2.PdfDocument(to_pdf([Code(sheet)]))[0].render(scale=2.5, grayscale=True).to_numpy().squeeze().copy()
    )
    picture[100:340, -480:-100] = 255
    with pytest.raises(DataError, match="the code of the sheet cannot be read"):
        find_sheet(picture)
