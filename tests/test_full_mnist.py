"""The classic recipe on MNIST: what the README promises. Slow."""

import statistics

import pytest

from tendigits.model.recipe import Recipe
from tendigits.train.pipeline import run_recipe

SEEDS = range(2)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    return [run_recipe(Recipe(seed=seed), runs=runs, name=f"seed-{seed}").run.record()["result"] for seed in SEEDS]


@pytest.mark.slow
def test_classic_stops_by_itself_and_reads_well(results):
    for result in results:
        assert result["stopped_early"]
        assert result["epochs"] < 15
        assert result["val_accuracy"] >= 0.975
        assert result["test_accuracy"] == pytest.approx(result["val_accuracy"], abs=1e-6)  # of the best epoch
        assert result["n_test"] == 10_000
    assert statistics.mean(result["val_accuracy"] for result in results) >= 0.978


@pytest.mark.slow
def test_the_same_seed_twice_is_the_same_to_the_bit(tmp_path):
    one, other = (run_recipe(Recipe(epochs=2), runs=tmp_path, name=name).run for name in ("one", "other"))
    assert (one.path / "history.csv").read_bytes() == (other.path / "history.csv").read_bytes()
    assert (one.path / "report.json").read_bytes() == (other.path / "report.json").read_bytes()
