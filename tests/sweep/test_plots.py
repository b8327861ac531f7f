import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from PIL import Image

from tendigits.sweep.plots import importances, plot_search, positions


def study_of(n: int, accuracy=lambda i: 0.9 + 0.01 * (i % 4)) -> optuna.Study:
    """Finished trials whose accuracy depends on the learning rate and on nothing else."""
    study = optuna.create_study(direction="maximize")
    distributions = {
        "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
        "hidden": CategoricalDistribution(["[8]", "[16]"]),
    }
    for i in range(n):
        values = {"learning_rate": 10 ** -(1 + i % 4), "hidden": ["[8]", "[16]"][i % 3 % 2]}
        trial = optuna.trial.create_trial(params=values, distributions=distributions, value=accuracy(i))
        study.add_trial(trial)
    return study


@pytest.mark.parametrize("n", [1, 24])
def test_a_plot_of_one_trial_and_of_many(tmp_path, n):
    study = study_of(n)
    plot_search(study, tmp_path / "search.png")
    with Image.open(tmp_path / "search.png") as image:
        assert image.size[0] > 1000
    found = importances(study)
    assert found == {} if n == 1 else found["learning_rate"] > 0.8


def test_trials_with_the_same_accuracy_have_no_importances(tmp_path):
    study = study_of(6, lambda i: 0.9)
    assert importances(study) == {}
    plot_search(study, tmp_path / "search.png")


def test_positions_on_an_axis():
    assert positions([1e-4, 1e-2, 1.0])[0] == pytest.approx([0, 0.5, 1])  # logarithmic
    assert positions([2, 3, 4]) == ([0.0, 0.5, 1.0], {0.0: "2", 1.0: "4"})
    assert positions(["b", "a", "c"]) == ([0.5, 0.0, 1.0], {0.0: "a", 0.5: "b", 1.0: "c"})
    assert positions([True, False])[0] == [1.0, 0.0]
    assert positions([5]) == ([0.0], {0.0: "5"})
