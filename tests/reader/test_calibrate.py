"""Labels of the numbers that the confidence model is fitted on."""

import numpy as np

from calibrate import numbers_of
from synthesis.lines import Line


def line_of(*characters):
    boxes = np.array([(left, 10, left + 10, 30) for _, left in characters], np.float32)
    return Line(np.zeros((40, 160), np.uint8), [label for label, _ in characters], boxes)


def test_a_gap_separates_numbers_and_a_doubtful_one_is_left_out():
    assert numbers_of(line_of(("1", 0), ("2", 14), ("3", 50))) == [(0, 24, "12"), (50, 60, "3")]
    assert numbers_of(line_of(("1", 0), ("2", 14), ("3", 40))) is None
