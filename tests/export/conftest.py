"""A small network with convolutions and pooling's stand-ins, trained for real, and what is opened from its run."""

import pytest

from tendigits.export.source import Source, open_source
from tendigits.model.recipe import Recipe
from tendigits.train.pipeline import run_recipe

RECIPE = Recipe(
    name="small", convolutions=("8x5/2", "16/2"), hidden=(), dropout=0.2, batch_size=32, learning_rate=0.003, epochs=4,
    validation_split=0.1,
)  # fmt: skip


@pytest.fixture(scope="session")
def run(digits_npz, tmp_path_factory):
    """The folder of a finished run."""
    runs = tmp_path_factory.mktemp("exports")
    return run_recipe(RECIPE, digits_npz, runs=runs, name="one").run.path


@pytest.fixture(scope="session")
def source(run) -> Source:
    return open_source(run)


@pytest.fixture(scope="session")
def reader(digits_npz) -> Source:
    """The network of the package."""
    return open_source("reader", digits_npz)
