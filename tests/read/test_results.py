from dataclasses import replace
from decimal import Decimal

import numpy as np

from tendigits.geometry import Box
from tendigits.read.page import CELL_HEIGHT_PX, COLUMNS, Page, draw_page
from tendigits.read.reader import Reader
from tendigits.read.results import Character, Digit, Number, free_places
from tendigits.tables.cell import Cell

PROBABILITIES = np.array([0.02, 0.7, 0, 0, 0, 0, 0, 0.28, 0, 0], np.float32)
CROP = np.zeros((28, 28), np.uint8)


def digit(accepted=True, reason=None):
    return Digit(1, PROBABILITIES, 0.5, Box(1, 2, 3, 4), CROP, accepted, reason)


def number(text="12,5", doubtful=None, reason=None):
    characters = [
        Character(label, 0.9, [("7", 0.1)], Box(1, 2, 3, 4), CROP, i != doubtful) for i, label in enumerate(text)
    ]
    return Number(text, Decimal("12.5"), 0.25, reason is None, reason, Box(1, 2, 30, 40), characters)


def test_one_digit():
    assert digit().confidence == np.float32(0.7) * 0.5
    assert [label for label, _ in digit().runners_up()] == [7, 0]
    assert digit().text() == "1  35.0%  (7 28.0%, 0 2.0%)"
    assert digit(False, "not a digit").text().endswith("<- not a digit")


def test_doubtful_characters_are_marked_in_text():
    assert number().summary() == "12,5"
    assert (number("500.-").value, number("500.-").text) == ("500", "500.-")
    doubtful = number(doubtful=1, reason="may be 12,5 or 17,5")
    assert doubtful.summary() == "1?,5         may be 12,5 or 17,5"
    page = Page([number(), doubtful], (100, 200))
    assert page.text() == "12,5\n1?,5         may be 12,5 or 17,5"
    assert repr(page) == "Page of 100x200 pixels, 2 numbers\n  12,5\n  1?,5         may be 12,5 or 17,5"
    assert repr(Page([number()] * 12, (100, 200))).endswith("  12,5\n  ... and 2 more")
    cell = Cell(Box(1, 2, 3, 4), "7", accepted=False, reason="may be 7 or 1")
    page = Page([], (9, 9), fields={"age": cell}, notice="too much")
    assert repr(page) == "Page of 9x9 pixels, 0 numbers, 1 field, too much\n  age: 7?   may be 7 or 1"


def test_a_page_without_tables_has_an_empty_table():
    assert Page([number()], (9, 9)).table().rows == []


def test_rows_of_a_csv():
    (row,) = Page([number()], (100, 200)).rows("a.png")
    assert dict(zip(COLUMNS, row, strict=True)) == {
        "path": "a.png", "order": 1, "table": "", "row": "", "column": "", "value": "12,5",
        "number": "12.5", "confidence": "0.2500", "accepted": "yes",
        "reason": "", "left": 1, "top": 2, "right": 30, "bottom": 40,
    }  # fmt: skip
    (row,) = Page([number(reason="may be 1 or 7")], (9, 9)).rows("a.png")
    assert row[8:10] == ("no", "may be 1 or 7")
    (row,) = Page([number("=1+1")], (9, 9)).rows("=a.png")
    assert (row[0], row[5]) == ("'=a.png", "'=1+1")


def test_the_picture_with_boxes_and_a_crop_for_each_digit(digits):
    picture = 255 - np.hstack([np.pad(image, 10) for image in digits.x_test[:6]])
    drawn = draw_page(picture, Reader().read(picture))
    assert (drawn.mode, drawn.width >= 400) == ("RGB", True)
    assert drawn.height >= drawn.width * picture.shape[0] // picture.shape[1] + CELL_HEIGHT_PX
    pixels = np.asarray(drawn).astype(int)
    assert (pixels.max(axis=2) - pixels.min(axis=2) > 60).any(), "coloured boxes"


def test_the_picture_of_many_numbers_is_at_most_twice_as_high():
    picture = np.full((300, 500), 255, np.uint8)
    drawn = draw_page(picture, Page([number(reason="may be 1 or 7")] * 200, (500, 300)))
    assert (drawn.width, drawn.height <= 600) == (500, True)


def test_a_number_that_is_accepted_has_no_orange_character():
    doubtful, picture = number("1", 0, "may be 1 or 7"), np.full((300, 500), 255, np.uint8)
    for accepted in (False, True):
        page = Page([replace(doubtful, accepted=accepted)] * 4, (500, 300))
        assert (np.asarray(draw_page(picture, page)) == (0xD2, 0x5A, 0x00)).all(axis=2).any() == (not accepted)


def test_a_label_hides_no_number_and_stays_in_the_picture():
    box, right, above = Box(100, 100, 140, 120), Box(142, 100, 200, 120), Box(90, 70, 200, 98)

    def place(size, within, *others):
        return free_places([box, *others], [size, *[(999, 999)] * len(others)], within)[0]

    for others, corner in (([], (143, 102)), ([right], (105, 81)), ([right, above], (105, 123))):
        assert place((30, 16), (300, 300), *others)[:2] == corner
    assert place((30, 16), (145, 138), above) == Box(67, 102, 97, 118)
    assert place((300, 16), (200, 300)) is None
    first, second = free_places([box, box], [(30, 16)] * 2, (300, 300))
    assert first.gap(second) >= 0, "nor another label"
