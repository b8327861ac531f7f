"""Validation of corrections of numbers."""

import numpy as np
import pytest

from helpers import number, strip_of
from tendigits.errors import UserError


@pytest.mark.parametrize(
    ("strip", "text", "message"),
    [
        (strip_of("12"), "a2", r"expected a number of the characters 0123456789.*, received 'a'; leave it out"),
        (strip_of("12"), "1" * 40, r"expected at most \d+ characters in a strip of \d+ pixels, received 40"),
        (np.zeros((40, 30), np.uint8), "1", r"expected a strip as uint8 \(40, width\), the width a multiple of 4"),
        (np.zeros((39, 40), np.uint8), "1", r"received uint8 \(39, 40\)"),
        (np.zeros((40, 40)), "1", "received float64"),
    ],
)
def test_an_invalid_correction_is_explained(strip, text, message):
    with pytest.raises(UserError, match=message):
        number(strip, text)
