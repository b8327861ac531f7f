import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from PIL import Image

from tendigits.sweep.plots import importances, plot_search


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


def equal(i):
    return 0.9


@pytest.mark.parametrize("study", [study_of(1), study_of(24), study_of(6, equal)], ids=["one trial", "many", "equal"])
def test_a_plot_and_its_importances(tmp_path, study):
    plot_search(study, tmp_path / "search.png")
    with Image.open(tmp_path / "search.png") as image:
        assert image.size[0] > 1000
    found = importances(study)
    assert found == {} if len({trial.value for trial in study.trials}) == 1 else found["learning_rate"] > 0.8
