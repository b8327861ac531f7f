"""A part of MNIST for networks that are small, and how to make one diverge."""

from typing import Any

import pytest

from tendigits.play.learner import Digits


@pytest.fixture(scope="session")
def play_digits(digits) -> Digits:
    """4,000 and 1,000 digits."""
    return Digits(digits.x_train, digits.y_train, digits.x_test, digits.y_test)


@pytest.fixture
def spoil() -> Any:
    """Multiplies a learner's first weights, so that its outputs are no longer finite; no settings lead there soon."""

    def multiply(learner: Any, factor: float) -> None:
        (first, *others), *rest = learner._state
        learner._state = ([first * factor, *others], *rest)

    return multiply
