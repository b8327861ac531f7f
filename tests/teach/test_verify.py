"""Accuracies before and after: of earlier predictions, and of what a network reads."""

import numpy as np

from drawing import strip_of
from samples import correction, number
from tendigits.digits.network import bundled, bundled_file
from tendigits.teach.verify import ActiveNetwork, bundled_sha256


def test_a_digit_that_was_read_in_a_non_digit_is_an_error(digits):
    before, after = ActiveNetwork(bundled_file()), ActiveNetwork(b"another", network=bundled(1))
    blank = np.zeros((28, 28), np.uint8)
    blank[12:15, 2:26] = 255
    item = correction(blank, None, predicted=1, network=bundled_sha256())
    assert before.correct_digits([item]) == [False]
    assert after.correct_digits([item]) == [bool(bundled(1)(blank[None]).is_digit[0] < 0.5)]
    three = digits.x_test[np.flatnonzero(digits.y_test == 3)[0]]
    assert before.correct_digits([correction(three, 3, predicted=None, network=bundled_sha256())]) == [True]
    assert before.correct_digits([]) == []


def test_texts_of_numbers_are_compared_as_a_whole():
    reader = ActiveNetwork(bundled_file())
    items = [
        number(strip_of("77"), "", predicted="77", network=bundled_sha256()),
        number(strip_of("1350"), "1350", predicted="7350", network=bundled_sha256()),
        number(strip_of("1350"), "1350", predicted="7350"),  # another network's prediction: it is read again
        number(strip_of("42.99"), "42.98"),
    ]
    assert reader.correct_numbers(items) == [False, False, True, False]
