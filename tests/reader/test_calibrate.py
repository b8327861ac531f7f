"""Labels of the numbers that the confidence model is fitted on."""

import numpy as np

from calibrate import numbers_of
from synthesis.lines import Line
from tendigits.numbers.decode import BAR

PICTURE = np.zeros((40, 160), np.uint8)


def line_of(*characters):
    labels, boxes = zip(*((label, (left, 10, left + 10, 30)) for label, left in characters), strict=True)
    return Line(PICTURE, list(labels), np.array(boxes, np.float32))


def test_a_gap_separates_numbers_and_a_doubtful_one_is_left_out():
    assert numbers_of(line_of(("1", 0), ("2", 14), ("3", 50))) == [(0, 24, "12"), (50, 60, "3")]
    assert numbers_of(line_of(("1", 0), ("2", 14), ("3", 40))) is None


def test_the_side_of_a_cell_does_not_count_as_a_high_character():
    digits = line_of(("1", 0), ("2", 14), ("3", 50))
    labels = [*digits.labels, BAR]
    boxes = np.concatenate([digits.boxes, np.array([[120, 0, 124, 40]], np.float32)])
    assert numbers_of(Line(PICTURE, labels, boxes)) == [(0, 24, "12"), (50, 60, "3")]
