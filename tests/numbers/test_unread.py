"""Digits that the finder missed: they are reported, and a number next to one is not accepted."""

import cv2
import numpy as np
import pytest

from tendigits.numbers.crops import Budget
from tendigits.numbers.unread import find_unread_digits
from tendigits.read.reader import Reader


@pytest.fixture(scope="module")
def reader():
    return Reader(threads=1)


def spaced(*places):
    """Digits, each at its left end and baseline, about 43 pixels high."""
    page = np.full((200, 700), 235, np.uint8)
    for digit, x, y in places:
        cv2.putText(page, digit, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 2, 40, 4, cv2.LINE_AA)
    return page


def read(reader, page, missed):
    """Read a page on which the finder misses what begins left of a column."""
    found = [each for each in reader.number_reader.detect(page, Budget()) if each.x > missed]
    assert found
    return reader.number_reader.read_page(page, Budget(), found)


def test_a_missed_digit_elsewhere_is_reported(reader):
    page = spaced(("4", 20, 120), ("56", 320, 120), ("78", 500, 120))
    numbers, (unread,) = read(reader, page, missed=110)
    assert [each.text for each in numbers] == ["56", "78"]
    assert abs(unread.x - 40) < 10
    assert abs(unread.y - 100) < 10


def test_the_number_next_to_it_is_not_accepted(reader):
    near, far = spaced(("4", 240, 120), ("56", 330, 120)), spaced(("4", 20, 120), ("56", 330, 120))
    found = reader.number_reader.detect(spaced(("56", 330, 120)), Budget())
    numbers = [reader.number_reader.read_page(page, Budget(), found)[0] for page in (near, far)]
    assert [(each.text, each.doubt is None) for (each,) in numbers] == [("56", False), ("56", True)]


def test_words_rules_and_points_are_not_digits(reader):
    page = spaced(("Total", 20, 120), ("56", 330, 120), (".", 450, 120))
    cv2.rectangle(page, (480, 40), (560, 140), 60, 2)
    cv2.line(page, (620, 10), (620, 190), 60, 2)
    numbers = [each for each in reader.number_reader.detect(page, Budget()) if each.x > 300]
    assert find_unread_digits(reader.network, page, numbers) == []
