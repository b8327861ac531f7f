"""A recipe that trains in a blink, and a space to search."""

import pytest

from tendigits.model.recipe import Recipe
from tendigits.sweep.space import Choices, Range, Space
from tendigits.sweep.study import Sweep


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(name="tiny", hidden=(16,), epochs=3, patience=10, validation_split=0.2, batch_size=20)


@pytest.fixture
def space() -> Space:
    return Space({"learning_rate": Range(1e-4, 1e-1, log=True), "hidden": Choices(((8,), (32,)))})


@pytest.fixture
def what(tmp_path, recipe, space, small_npz) -> Sweep:
    """A search of them on few digits."""
    return Sweep(tmp_path / "found", recipe, space, small_npz)
