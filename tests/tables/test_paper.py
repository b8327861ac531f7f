"""What is printed behind numbers goes, and these are read: black columns, screens of dots, ruled lines."""

import cv2
import numpy as np
import pytest

from tendigits.numbers.detections import Detection
from tendigits.read.reader import Reader
from tendigits.tables.flat_sheet import find_rules
from tendigits.tables.paper import whiten

DIGIT = 28


@pytest.fixture(scope="module")
def reader():
    return Reader(threads=1)


def sheet(values, pitch=150, top=60):
    """Rows of numbers in print, with a ruled line between all columns and rows: uint8, and the lines' columns."""
    page = np.full((top * (len(values) + 1), pitch * len(values[0]) + 60), 250, np.uint8)
    edges = [30 + pitch * n for n in range(len(values[0]) + 1)]
    for n in range(len(values) + 1):
        cv2.line(page, (30, 20 + top * n), (edges[-1], 20 + top * n), 40, 2)
    for x in edges:
        cv2.line(page, (x, 20), (x, 20 + top * len(values)), 40, 2)
    for n, row in enumerate(values):
        for x, text in zip(edges, row, strict=False):
            cv2.putText(page, text, (x + 22, 66 + top * n), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 30, 3, cv2.LINE_AA)
    return page, edges


def cells(page):
    return [[cell.value for cell in row] for row in page.tables[0].rows]


def test_a_page_without_bars_and_screens_stays_as_it_is():
    page, _ = sheet([["27", "31"], ["45", "18"]])
    assert whiten(page, DIGIT) is page
    dark = 255 - page
    assert whiten(dark, DIGIT) is dark, "a display"


@pytest.mark.parametrize("angle", [0, 8, -20])
def test_what_lies_around_a_sheet_is_no_bar(angle):
    """A sheet on a dark table, whose corners and edges are as narrow as bars."""
    page, _ = sheet([["27", "31"], ["45", "18"]])
    turn = cv2.getRotationMatrix2D((page.shape[1] / 2, page.shape[0] / 2), angle, 0.8)
    photo = cv2.warpAffine(page, turn, page.shape[::-1], flags=cv2.INTER_AREA, borderValue=40)
    assert whiten(photo, DIGIT) is photo


def test_a_bar_becomes_a_line_and_writing_stays():
    page = np.full((400, 400), 240, np.uint8)
    cv2.putText(page, "472", (40, 200), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 30, 3, cv2.LINE_AA)
    cv2.line(page, (300, 10), (300, 390), 30, 2)
    writing = page[:, :190].copy()
    page[20:380, 200:245] = 5
    blank = whiten(page, DIGIT)
    np.testing.assert_array_equal(blank[:, :190], writing)
    dark = (blank[100:300, 195:250] < 120).mean(axis=0)
    assert dark.max() == 1, "a line is left"
    assert dark.mean() < 0.15, "which is thin"
    assert (blank[:, 300] == page[:, 300]).all()


def test_dots_go_where_there_are_many_and_points_stay():
    page = np.full((300, 500), 240, np.uint8)
    cv2.putText(page, "47.2", (280, 160), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 30, 3, cv2.LINE_AA)
    number = page[:, 260:].copy()
    page[20:280:6, 20:220:6] = page[21:280:6, 20:220:6] = 60
    blank = whiten(page, DIGIT)
    assert blank[40:260, 40:200].min() > 200
    np.testing.assert_array_equal(blank[:, 260:], number)


def test_noise_of_a_dark_desk_or_in_the_shade_is_no_screen():
    """Noise about as dark as dots may be; a ruled line in it stays."""
    rng = np.random.default_rng(0)
    page = np.full((400, 600), 240, np.float32)
    page[:, :250] = 145
    page[200:203, :] *= 0.6
    noisy = (page + rng.normal(0, 6, page.shape)).clip(0, 255).astype(np.uint8)
    assert whiten(noisy, DIGIT) is noisy
    line = np.full((400, 600), 240, np.uint8)
    line[200:203] = rng.choice([120, 160], (3, 600))
    assert whiten(line, DIGIT) is line, "and so is a ruled line of which only every second pixel is dark"


def test_numbers_next_to_black_and_on_dotted_columns_are_read(reader):
    values = [["471", "28", "935"], ["16", "702", "58"], ["349", "61", "274"], ["80", "523", "96"]]
    page, edges = sheet(values)
    page[20:260, edges[1] - 22 : edges[1] + 2] = 5
    shaded = page[22:258, edges[2] + 3 : edges[3] - 3]
    shaded[::5, ::5] = np.minimum(shaded[::5, ::5], 60)
    assert cells(reader.read(page)) == values


def test_a_number_never_crosses_a_ruled_line(reader):
    values = [["77", "18", "42"], ["313", "77", "90"], ["205", "18", "36"], ["61", "240", "57"]]
    page, _ = sheet(values, pitch=96)
    assert cells(reader.read(page)) == values


def test_a_1_as_high_as_its_cell_is_no_ruled_line_and_a_broken_line_is_one():
    page, edges = sheet(
        [["71", "28", "35"], ["16", "70", "58"], ["49", "61", "74"], ["80", "53", "96"], ["55", "47", "30"]]
    )
    one = edges[1] + 100
    cv2.line(page, (one, 82), (one, 138), 30, 3)
    page[170:175, edges[2] - 3 : edges[2] + 4] = 250
    numbers = [Detection(x + 45, 52 + 60 * n, 0.0, 46.0, 28.0, 1.0) for n in range(5) for x in edges[:3]]
    rules = find_rules(page, numbers)
    found, long = ({round(x) for x in lines[:, 0]} for lines in (rules.vertical, rules.long))
    assert any(abs(x - one) < 3 for x in found)
    assert not any(abs(x - one) < 3 for x in long)
    assert all(any(abs(x - edge) < 3 for x in long) for edge in edges)


def test_a_sheet_on_its_side_is_turned(reader):
    page, _ = sheet([[f"{17 * i * j % 893 + 10}" for j in range(1, 7)] for i in range(1, 9)])
    upright = cells(reader.read(page))
    for turns in (1, 2, 3):
        turned = reader.read(np.ascontiguousarray(np.rot90(page, turns)))
        assert turned.turned == 360 - 90 * turns
        assert cells(turned) == upright


def fields(uprights=False):
    """A form of three columns of fields, each a line with a digit across it, or the same lines as a table's."""
    page = np.full((760, 900), 240, np.uint8)
    for n in range(18):
        left, y = 120 + 260 * (n % 3), 110 + 110 * (n // 3)
        cv2.line(page, (left, y), (left + 130, y), 60, 3)
        cv2.putText(page, "7", (left + 50, y + 8), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 150, 3, cv2.LINE_AA)
        if uprights:
            cv2.line(page, (left, 60), (left, 700), 60, 3)
    return page


def test_the_lines_below_the_fields_of_a_form_go_and_writing_across_them_stays():
    page = fields()
    blank = whiten(page, DIGIT)
    assert blank.min() >= 100, "only the writing is left"
    stems = [
        blank[100 + 110 * row : 110 + 110 * row, 175 + 260 * column : 200 + 260 * column].min()
        for row in range(6)
        for column in range(3)
    ]
    assert max(stems) <= 155
    table = fields(uprights=True)
    assert whiten(table, DIGIT) is table
