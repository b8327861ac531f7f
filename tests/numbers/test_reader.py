"""Doubtful numbers are seen again, with larger and with smaller digits, as far as the budget goes."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tendigits.numbers.crops import Budget
from tendigits.numbers.detections import Detection
from tendigits.numbers.reader import NumberReader
from tendigits.read.reader import Reader


@pytest.fixture(scope="module")
def reader():
    return Reader(threads=1).number_reader


@pytest.fixture(scope="module")
def seen_badly(reader):
    """The crops of a page, and what is read on it where the digits are taken for much higher than they are."""
    page = np.full((240, 700), 235, np.uint8)
    for text, x, y in (("1947", 40, 100), ("582", 300, 100), ("3609", 40, 200), ("86", 500, 200)):
        cv2.putText(page, text, (x, y), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.5, 60, 3, cv2.LINE_AA)
    crops = reader.crops(page)
    high = [replace(each, height=2.2 * each.height) for each in reader.detect(page, Budget())]
    return crops, [*reader.read_known(crops, high, Budget()).values()]


def per_character(reading):
    return reading.surprise / len(reading.text)


def test_a_doubtful_number_is_read_where_it_is_clearer(reader, seen_badly):
    crops, before = seen_badly
    after = reader.see_again(crops, before, Budget())
    assert any(per_character(new) < per_character(old) for new, old in zip(after, before, strict=True))
    assert all(per_character(new) <= per_character(old) for new, old in zip(after, before, strict=True))
    assert reader.see_again(crops, [], Budget()) == []
    in_doubt = [replace(each, doubt="there is more ink next to it") for each in before]
    again = reader.see_again(crops, in_doubt, Budget())
    assert [each.doubt for each in again] == [each.doubt for each in in_doubt], "a clearer view does not undo a doubt"


def test_a_second_look_that_the_budget_does_not_pay_for_leaves_nothing_out(reader, seen_badly):
    crops, before = seen_badly
    budget = Budget(1.0)
    assert reader.see_again(crops, before, budget) == before
    assert (budget.left, budget.left_out) == (1.0, [])


def test_digits_far_apart_stay_parts_where_a_view_of_all_of_them_shows_no_digit(reader, monkeypatch):
    page = np.full((120, 520), 235, np.uint8)
    for column, digit in enumerate("1947"):
        cv2.putText(page, digit, (60 + 100 * column, 80), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 2, 60, 3, cv2.LINE_AA)
    crops = reader.crops(page)
    places = [Detection(80 + 100 * column, 58, 0.0, 40, 44, 1.0) for column in range(4)]
    parts = [*reader.read_known(crops, places, Budget()).values()]
    assert [[each.text for each in row] for row in reader._join(crops, [parts], Budget())] == [["1947"]]
    nothing = replace(parts[0], characters=[])
    monkeypatch.setattr(NumberReader, "read_known", lambda _, crops, joint, budget: dict.fromkeys(joint, nothing))
    assert reader._join(crops, [parts], Budget()) == [parts]
