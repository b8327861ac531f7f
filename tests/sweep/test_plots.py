"""The picture of a search, drawn from made-up trials."""

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from PIL import Image

from tendigits.sweep.plots import _heights, draw_search, importances


def made(n: int) -> optuna.Study:
    """Trials in which the rate decides, and nothing else."""
    study = optuna.create_study(direction="maximize")
    for i in range(n):
        rate = 10 ** -(1 + i % 4)
        study.add_trial(
            optuna.trial.create_trial(
                params={"learning_rate": rate, "hidden": ["[8]", "[16]"][i % 3 % 2]},
                distributions={
                    "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
                    "hidden": CategoricalDistribution(["[8]", "[16]"]),
                },
                value=0.9 + 0.01 * (i % 4),
            )
        )
    return study


def test_what_decides_matters():
    found = importances(made(24), 24)
    assert found["learning_rate"] > 0.8
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize("n", [1, 3, 24])
def test_any_number_of_trials_is_drawn(tmp_path, n):
    draw_search(made(n), tmp_path / "search.png")
    with Image.open(tmp_path / "search.png") as picture:
        assert picture.size[0] > 1000
    assert importances(made(n), n) == {} or n >= 4


def test_trials_that_do_not_differ_explain_nothing(tmp_path):
    study = optuna.create_study(direction="maximize")
    for _ in range(6):
        distributions = {"dropout": FloatDistribution(0, 1), "learning_rate": FloatDistribution(0, 1)}
        values = {"dropout": 0.5, "learning_rate": 0.5}
        study.add_trial(optuna.trial.create_trial(params=values, distributions=distributions, value=0.9))
    assert importances(study, 6) == {}
    draw_search(study, tmp_path / "search.png")


def test_places_on_an_axis():
    assert _heights([1e-4, 1e-1, 1e-4]) == ([0.0, 1.0, 0.0], [(0.0, "0.0001"), (1.0, "0.1")])
    assert _heights([1e-4, 1e-2, 1.0])[0] == pytest.approx([0, 0.5, 1])  # by the logarithm
    assert _heights([2, 3, 4])[0] == [0.0, 0.5, 1.0]
    assert _heights(["b", "a", "c"]) == ([0.5, 0.0, 1.0], [(0.0, "a"), (0.5, "b"), (1.0, "c")])
    assert _heights([True, False]) == ([1.0, 0.0], [(0.0, "False"), (1.0, "True")])
    assert _heights([5]) == ([0.0], [(0.0, "5")])
