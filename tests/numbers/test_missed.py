"""Strokes that the number network did not read: digits of the number, or reported, and the number is not accepted."""

import cv2
import numpy as np
import pytest

from tendigits.numbers.detections import Detection
from tendigits.numbers.missed import missed_digits, strokes_beyond, unread_strokes
from tendigits.numbers.reader import UNREAD_NEIGHBOUR
from tendigits.numbers.second_opinion import bundled
from tendigits.numbers.views import Budget
from tendigits.read.reader import Reader

FIRST, MIDDLE, LAST = (5, 7, 22, 33), (32, 7, 49, 33), (59, 7, 76, 33)


@pytest.fixture
def foreground():
    """The foreground of a strip with 4, 7 and 2."""
    strip = np.zeros((40, 100), np.uint8)
    for text, x in (("4", 5), ("7", 31), ("2", 58)):
        cv2.putText(strip, text, (x, 32), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 255, 3, cv2.LINE_AA)
    return strip


@pytest.mark.parametrize(("boxes", "missed"), [
    ([FIRST, LAST], "7"), ([MIDDLE, LAST], ""), ([FIRST], ""), ([FIRST, MIDDLE, LAST], ""), ([], ""),
])  # fmt: skip
def test_a_digit_between_the_boxes_is_missed(foreground, boxes, missed):
    found = missed_digits(bundled(1), foreground, boxes, unread_strokes(foreground, boxes))
    assert sorted(each.label for each in found) == sorted(missed)
    assert all(each.present < 0.7 for each in found), "doubtful"


def test_strokes_beyond_the_ends(foreground):
    def beyond(*boxes):
        return [
            [round(stroke[0]) for stroke in side] for side in strokes_beyond(boxes, unread_strokes(foreground, boxes))
        ]

    on_left, on_right = beyond(MIDDLE)
    assert (len(on_left), len(on_right)) == (1, 1)
    assert beyond(FIRST, MIDDLE, LAST) == [[], []]


def test_a_number_is_read_beyond_the_ends_of_its_detection():
    page = np.full((140, 500), 235, np.uint8)
    cv2.putText(page, "47216", (60, 95), cv2.FONT_HERSHEY_SIMPLEX, 2, 40, 4, cv2.LINE_AA)
    reader = Reader(threads=1).number_reader
    (whole,) = reader.detect(page, Budget())
    short = Detection(whole.x - 0.3 * whole.length, whole.y, whole.angle, 0.4 * whole.length, whole.height, 1.0)
    (number,), lost = reader.read_page(page, Budget(), [short])
    assert (number.text, lost) == ("47216", [])


def test_a_stroke_next_to_a_number_that_is_not_read_is_reported():
    page = np.full((140, 500), 235, np.uint8)
    cv2.putText(page, "472", (60, 95), cv2.FONT_HERSHEY_SIMPLEX, 2, 40, 4, cv2.LINE_AA)
    cv2.rectangle(page, (188, 52), (218, 96), 40, -1)
    (number,), lost = Reader(threads=1).number_reader.read_page(page, Budget())
    assert (number.text, number.doubt, len(lost)) == ("472", UNREAD_NEIGHBOUR, 1)
