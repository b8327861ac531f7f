"""A part of MNIST, and networks that are small and learn it."""

import pytest

from tendigits.play.digits import Digits


@pytest.fixture(scope="session")
def play_digits(digits) -> Digits:
    """4,000 and 1,000 digits."""
    return Digits(digits.x_train, digits.y_train, digits.x_test, digits.y_test)
