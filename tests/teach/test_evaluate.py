"""Accuracies before and after: of what was predicted, and of what a network reads."""

import numpy as np

from helpers import correction, number, strip_of
from tendigits.digits.network import bundled
from tendigits.numbers.network import bundled as bundled_lines
from tendigits.teach.evaluate import Evaluated, right_lines

SHA = "1" * 64


def test_not_a_digit_counts_as_wrong_before_where_a_digit_had_been_read(digits):
    before, after = Evaluated(bundled(1), SHA), Evaluated(bundled(1), "2" * 64)
    blank = np.zeros((28, 28), np.uint8)
    blank[12:15, 2:26] = 255
    item = correction(blank, None, predicted=1, network=SHA)
    assert before.right_digits([item]) == [False]
    assert after.right_digits([item]) == [bool(bundled(1)(blank[None]).is_digit[0] < 0.5)]
    three = digits.x_test[np.flatnonzero(digits.y_test == 3)[0]]
    assert before.right_digits([correction(three, 3, predicted=None, network=SHA)]) == [True]
    assert before.right_digits([]) == []


def test_no_number_counts_as_wrong_before_and_texts_are_compared_whole():
    reader = Evaluated(bundled(1), SHA)
    items = [
        number(strip_of("77"), "", predicted="77", network=SHA),
        number(strip_of("1350"), "1350", predicted="7350", network=SHA),  # by several views of it
        number(strip_of("1350"), "1350", predicted="7350"),  # by another network: it is read again
        number(strip_of("42.99"), "42.98"),
    ]
    assert reader.right_numbers(items) == [False, False, True, False]


def test_the_generated_lines_are_those_of_the_network_that_is_bundled():
    right = right_lines(bundled_lines(1))
    assert len(right) == 400
    assert 0.6 < np.mean(right) < 1
