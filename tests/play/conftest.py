"""How to make a network diverge."""

from typing import Any

import pytest


@pytest.fixture
def spoil() -> Any:
    """Multiplies a learner's first weights, so that its outputs are no longer finite; no settings lead there soon."""

    def multiply(learner: Any, factor: float) -> None:
        (first, *others), *rest = learner._state
        learner._state = ([first * factor, *others], *rest)

    return multiply
