"""A drawn table of handwritten numbers: rows, columns and sums, however the page lies."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from corpus import CORPUS
from drawing import printed_table
from tendigits.numbers import finder
from tendigits.numbers.decode import HEIGHT as STRIP_HEIGHT
from tendigits.read.accept import cut_out
from tendigits.read.reader import Reader

ROWS = [
    ["12", "30", "42"],
    ["7", "", "7"],
    ["105", "20", "125"],
    ["61", "8", "69"],
    ["40", "33", "73"],
    ["9", "54", "63"],
]
WIDTH, HEIGHT, EDGE = 180, 76, 60
FOLDED = 1  # seed of digits that can be read even if they lean: a leaning 7 without a bar may be a 1


@pytest.fixture(scope="module")
def reader():
    return Reader(threads=1)


@pytest.fixture(scope="module")
def page(digits):
    return drawn(digits)


def drawn(digits, ruled=True, seed=7):
    """Light paper with ROWS of test digits, in ruled cells or without lines."""
    foreground = np.zeros((len(ROWS) * HEIGHT + 2 * EDGE, 3 * WIDTH + 2 * EDGE), np.float32)
    rng = np.random.default_rng(seed)
    for row, column in np.ndindex(len(ROWS), 3):
        left, top = EDGE + column * WIDTH, EDGE + row * HEIGHT
        if ruled:
            cv2.rectangle(foreground, (left, top), (left + WIDTH, top + HEIGHT), 200, 2)
        for n, character in enumerate(ROWS[row][column]):
            digit = digits.x_test[rng.choice(np.flatnonzero(digits.y_test[:2000] == int(character)))]
            large = cv2.resize(digit, (56, 56), interpolation=cv2.INTER_CUBIC)
            x = left + 16 + 38 * n
            area = foreground[top + 10 : top + 66, x : x + 56]
            np.maximum(area, large, out=area)
    return (238 - 0.8 * foreground).clip(0, 255).astype(np.uint8)


def values(table):
    return [[cell.value for cell in row] for row in table.rows]


@pytest.mark.parametrize("cell", [(1, 0), (1, 2)])
def test_a_lone_digit_that_was_not_found_is_read_in_its_cell(reader, page, cell, monkeypatch):
    find = finder.find_numbers
    left, top = EDGE + cell[1] * WIDTH, EDGE + cell[0] * HEIGHT

    def without_it(network, grey, options):
        detections, is_truncated = find(network, grey, options)
        kept = [each for each in detections if not (left < each.x < left + WIDTH and top < each.y < top + HEIGHT)]
        assert len(kept) < len(detections)
        return kept, is_truncated

    monkeypatch.setattr(finder, "find_numbers", without_it)
    assert values(reader.read(page).table()) == ROWS


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_table_however_the_page_lies(reader, page, turned):
    read = reader.read(np.ascontiguousarray(np.rot90(page, -turned // 90)))
    assert read.turned == turned
    table = read.table()
    assert values(table) == ROWS
    assert table.agreement == "totals agree in 5 of 5 rows (C = sum A-B)"
    assert set(table.doubtful) <= {"A2", "C2"}, "the row without a sum"
    # The cell of 105, in pixels of the picture as it was given.
    upright = np.zeros(page.shape, np.uint8)
    upright[EDGE + 2 * HEIGHT : EDGE + 3 * HEIGHT, EDGE : EDGE + WIDTH] = 1
    rows, columns = np.nonzero(np.rot90(upright, -turned // 90))
    box = table.rows[2][0].box
    assert np.abs(np.subtract(box, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))).max() <= 6


def test_a_slanted_1_in_a_column_of_integers_is_not_a_slash(reader, page):
    slanted = page.copy()
    top = EDGE + 2 * HEIGHT
    slanted[top + 3 : top + HEIGHT - 3, EDGE + 3 : EDGE + WIDTH - 3] = 238
    seven = next(number.box for number in reader.read(page).numbers if number.value == "7")
    digit = page[seven.top : seven.bottom, seven.left : seven.right]
    for left in (80, 190):
        slanted[top + 12 : top + 12 + digit.shape[0], left : left + digit.shape[1]] = digit
    cv2.line(slanted, (134, top + 60), (154, top + 14), 60, 5, cv2.LINE_AA)
    assert "/" not in values(reader.read(slanted).table())[2][0]


@pytest.mark.parametrize(("axis", "ruled"), [(1, True), (0, True), (0, False), (1, False)])
def test_two_tables_are_separate_but_next_to_each_other_only_with_lines(reader, digits, axis, ruled):
    both = np.concatenate([drawn(digits, ruled)] * 2, axis=axis)
    expected = [ROWS, ROWS] if ruled or axis == 0 else [[row + row for row in ROWS]]
    assert [values(table) for table in reader.read(both).tables] == expected


@pytest.mark.parametrize("ruled", [True, False])
@pytest.mark.parametrize("is_vertical", [True, False])
def test_a_table_on_a_folded_sheet(reader, digits, is_vertical, ruled):
    """Both halves of the sheet rise towards the fold through the middle of the table, and the left one is darker."""
    page = drawn(digits, ruled, seed=FOLDED)
    page = page if is_vertical else np.ascontiguousarray(page.T)
    x, y = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in page.shape[::-1]))
    fold = page.shape[1] / 2
    photo = cv2.remap(page, x, y - 0.12 * np.abs(x - fold), cv2.INTER_LINEAR, borderValue=120)
    photo[:, : int(fold)] = 0.9 * photo[:, : int(fold)]
    table = reader.read(photo if is_vertical else np.ascontiguousarray(photo.T)).table()
    assert table.shape == (len(ROWS), 3)
    pairs = [(table.rows[row][column], ROWS[row][column]) for row, column in np.ndindex(table.shape)]
    assert all(cell.value == right or not cell.accepted for cell, right in pairs)
    assert sum(cell.value != right for cell, right in pairs) <= 1, "a leaning line next to a number may look like a 1"


def test_an_integer_among_decimals_may_have_lost_its_point(reader):
    rows = [["12", "3.5"], ["7", "8.5"], ["30", "75"], ["61", "9.5"], ["40", "6.5"], ["9", "2.5"]]
    table = reader.read(printed_table(rows)).table()
    assert values(table) == rows
    assert table.rows[2][1].reason == "the others in its column have a decimal point"
    assert [cell.accepted for row in table.rows for cell in row].count(False) == 1


@pytest.mark.parametrize(("text", "left", "second"), [("475", 335, 400), ("100", 345, 380)])
def test_a_number_across_two_columns_is_neither_cut_nor_read_twice(reader, text, left, second):
    rng, page = np.random.default_rng(1), Image.new("L", (1000, 800), 235)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(44)
    for row, column in np.ndindex(8, 5):
        if row != 3 or column not in (1, 2):
            draw.text(((100, 300, second, 600, 800)[column], 50 + 80 * row), str(rng.integers(10, 99)), 30, font)
    draw.text((left, 290), text, 30, font)
    numbers = [each for each in reader.read(page).numbers if 280 < each.box.top < 340 and 250 < each.box.left < 560]
    assert [(number.value, number.accepted) for number in numbers] == [(text, True)]


@pytest.mark.parametrize("name", ["table_hand_wrong_sum.png", "table_print_all_sums.png", "page_close_numbers.png"])
def test_a_number_in_a_table_is_accepted_or_in_doubt_as_its_cell_is(reader, name):
    page = reader.read(CORPUS / name)
    cells = {cell.index: cell for table in page.tables for _, cell in table.cells()}
    assert cells
    for i, number in enumerate(page.numbers):
        assert number.accepted == cells.get(i, number).accepted
    assert [row[8] == "yes" for row in page.rows(name)] == [number.accepted for number in page.numbers]


@pytest.mark.parametrize("edges", [(70, 50, 120, 90), (90, 65, 120, 90), (-30, -20, -5, -3)])
def test_a_word_whose_cell_reaches_beyond_the_page_has_a_picture(edges):
    assert cut_out(np.full((60, 80), 200, np.uint8), edges).shape[0] == STRIP_HEIGHT
