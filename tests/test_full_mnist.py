"""The classic recipe on MNIST: what the README promises. Slow."""

import json

import pytest

from recipes import RESULTS
from tendigits.model.recipe import Recipe
from tendigits.train.pipeline import run_recipe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return run_recipe(Recipe(), runs=tmp_path_factory.mktemp("runs")).run


def test_classic_stops_by_itself(trained):
    result = trained.record()["result"]
    assert result["stopped_early"]
    assert result["epochs"] < 15
    assert result["test_accuracy"] == pytest.approx(result["val_accuracy"], abs=1e-6)  # of the best epoch
    assert result["n_test"] == 10_000


def test_classic_is_as_the_tables_say(trained):
    """The kernel computes the same bits on every processor: if it does otherwise now, `make results` is due."""
    (row,) = [row for row in json.loads(RESULTS.read_text())["classic"] if row["seed"] == Recipe().seed]
    result = trained.record()["result"]
    assert result["test_accuracy"] == row["test_accuracy"] >= 0.978
    assert result["epochs"] == row["epochs"]


def test_the_same_seed_twice_is_the_same_to_the_bit(trained, tmp_path):
    """One epoch is enough: its losses and accuracies, of 60,000 and of 10,000 digits, are equal to the last bit."""
    again = run_recipe(Recipe(epochs=1), runs=tmp_path).run
    assert again.history() == {name: values[:1] for name, values in trained.history().items()}
