import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from tendigits.model.recipe import Recipe
from tendigits.sweep.study import Sweep


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """It trains in a moment."""
    return Recipe(name="tiny", hidden=(16,), epochs=3, patience=10, validation_split=0.2, batch_size=20)


@pytest.fixture
def what(tmp_path, recipe, small_npz) -> Sweep:
    space = {
        "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
        "hidden": CategoricalDistribution(["[8]", "[32]"]),
    }
    return Sweep(tmp_path / "found", recipe, space, small_npz)
