"""A drawn table of handwritten numbers, read whole: rows, columns, sums, however the page lies."""

import cv2
import numpy as np
import pytest

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


@pytest.fixture(scope="module")
def reader():
    return Reader(threads=1)


@pytest.fixture(scope="module")
def page(digits):
    return drawn(digits)


def drawn(digits, ruled=True):
    """Light paper with ROWS of test digits, in ruled cells, some of them with a speck."""
    foreground = np.zeros((len(ROWS) * HEIGHT + 2 * EDGE, 3 * WIDTH + 2 * EDGE), np.float32)
    rng = np.random.default_rng(5)
    for row, column in np.ndindex(len(ROWS), 3):
        left, top = EDGE + column * WIDTH, EDGE + row * HEIGHT
        if ruled:
            cv2.rectangle(foreground, (left, top), (left + WIDTH, top + HEIGHT), 200, 2)
        for n, character in enumerate(ROWS[row][column]):
            found = digits.x_test[rng.choice(np.flatnonzero(digits.y_test[:2000] == int(character)))]
            large = cv2.resize(found, (56, 56), interpolation=cv2.INTER_CUBIC)
            x = left + 16 + 38 * n
            place = foreground[top + 10 : top + 66, x : x + 56]
            np.maximum(place, large, out=place)
    return (238 - 0.8 * foreground).clip(0, 255).astype(np.uint8)


def values(table):
    return [[cell.value for cell in row] for row in table.rows]


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_table_however_the_page_lies(reader, page, turned):
    read = reader.read(np.ascontiguousarray(np.rot90(page, -turned // 90)))
    assert read.turned == turned
    table = read.table()
    assert values(table) == ROWS
    assert table.agreement == "totals agree in 5 of 5 rows"
    assert set(table.doubtful) <= {"A2", "C2"}, "of which no sum tells"
    # The cell of 105, in pixels of the picture as it was given.
    upright = np.zeros(page.shape, np.uint8)
    upright[EDGE + 2 * HEIGHT : EDGE + 3 * HEIGHT, EDGE : EDGE + WIDTH] = 1
    rows, columns = np.nonzero(np.rot90(upright, -turned // 90))
    box = table.rows[2][0].box
    assert np.abs(np.subtract(box, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))).max() <= 6


def test_a_table_with_words(reader, page):
    """Names before the numbers and heads above them, "Task 1" among these, are left empty."""
    wide = np.full((page.shape[0] + 70, page.shape[1] + 260), 238, np.uint8)
    wide[70:, 260:] = page
    for row, name in enumerate(("Bolts", "Oslo", "Bosch", "Igor", "Zoe", "Sol")):
        where = 70, 70 + EDGE + row * HEIGHT + 52
        cv2.putText(wide, name, where, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.7, 70, 3, cv2.LINE_AA)
    for column, head in enumerate(("Task 1", "Task 2", "Sum")):
        where = 260 + EDGE + column * WIDTH + 8, 100
        cv2.putText(wide, head, where, cv2.FONT_HERSHEY_SIMPLEX, 1.2, 70, 3, cv2.LINE_AA)
    read = reader.read(wide)
    assert len(read.numbers) == sum(bool(value) for row in ROWS for value in row), "no words"
    table = read.table()
    assert values(table) == [["", "", "", ""], *(["", *row] for row in ROWS)]


def test_text_json_and_csv_say_where_numbers_stand(reader, page):
    read = reader.read(page)
    assert [line.split() for line in read.text().splitlines()[2:4]] == [["105", "20", "125"], ["61", "8", "69"]]
    rows = read.rows("a.png")
    assert {(row[2], row[3], row[4], row[5]) for row in rows} >= {
        (1, 1, "A", "12"),
        (1, 2, "C", "7"),
        (1, 6, "B", "54"),
    }
    (table,) = read.as_dict()["tables"]
    assert table["rows"][0][0]["value"] == "12"
    line = table["rows"][4][1]["index"]
    assert read.numbers[line].value == "33"


def test_a_column_of_whole_numbers_tells_what_a_leaning_stroke_is(reader, page):
    aslant = page.copy()
    cell = slice(EDGE + 2 * HEIGHT + 3, EDGE + 3 * HEIGHT - 3), slice(EDGE + 3, EDGE + WIDTH - 3)
    aslant[cell] = 238
    drawn = reader.read(page).numbers
    seven = next(each for each in drawn if each.value == "7")
    digit = page[seven.box.top : seven.box.bottom, seven.box.left : seven.box.right]
    for left in (80, 190):
        aslant[EDGE + 2 * HEIGHT + 12 : EDGE + 2 * HEIGHT + 12 + digit.shape[0], left : left + digit.shape[1]] = digit
    cv2.line(aslant, (134, EDGE + 2 * HEIGHT + 60), (154, EDGE + 2 * HEIGHT + 14), 60, 5, cv2.LINE_AA)
    assert "/" not in values(reader.read(aslant).table())[2][0]


def test_a_page_without_numbers_has_no_table(reader):
    read = reader.read(np.full((200, 300), 230, np.uint8))
    assert (read.tables, read.table().rows, read.turned) == ([], [], 0)


@pytest.mark.parametrize(("axis", "ruled"), [(1, True), (0, True), (0, False)])
def test_two_tables_beside_and_below_each_other(reader, digits, axis, ruled):
    """In front of the other: between them lie the margins of both, three heights of a digit."""
    both = np.concatenate([drawn(digits, ruled)] * 2, axis=axis)
    read = reader.read(both)
    assert [values(table) for table in read.tables] == [ROWS, ROWS]


def test_two_tables_beside_each_other_without_lines_are_one_with_all_columns(reader, digits):
    read = reader.read(np.concatenate([drawn(digits, ruled=False)] * 2, axis=1))
    assert [values(table) for table in read.tables] == [[row + row for row in ROWS]]


@pytest.mark.parametrize("ruled", [True, False])
@pytest.mark.parametrize("across", [True, False])
def test_a_table_across_a_fold(reader, digits, across, ruled):
    """The halves of the sheet lean away from the fold, which runs down through the table, or across it."""
    page = drawn(digits, ruled)
    page = page if across else np.ascontiguousarray(page.T)
    height, width = page.shape
    fold, narrow, less = width // 2, round(0.42 * width), round(0.06 * height)
    photo = np.full((height, 2 * narrow), 120, np.uint8)
    halves = (
        ([0, fold], [[0, less], [narrow, 0], [narrow, height], [0, height - 2 * less]]),
        ([fold, width], [[narrow, 0], [2 * narrow, less], [2 * narrow, height - 2 * less], [narrow, height]]),
    )
    for n, ((left, right), seen) in enumerate(halves):
        corners = np.array([[left, 0], [right, 0], [right, height], [left, height]], np.float32)
        warp = cv2.getPerspectiveTransform(corners, np.array(seen, np.float32))
        half = cv2.warpPerspective(page, warp, photo.shape[::-1], borderValue=120)
        side = slice(n * narrow, (n + 1) * narrow)
        photo[:, side] = half[:, side] * (1.0 if n else 0.9)
    table = reader.read(photo if across else np.ascontiguousarray(photo.T)).table()
    assert table.shape == (len(ROWS), 3), "each number stands in its row"
    pairs = [(table.rows[row][column], ROWS[row][column]) for row, column in np.ndindex(table.shape)]
    assert all(cell.value == right or not cell.accepted for cell, right in pairs)
    assert sum(cell.value != right for cell, right in pairs) <= 1, "a leaning line beside a number may look like a 1"
