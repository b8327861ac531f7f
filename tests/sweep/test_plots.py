import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution

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


def test_importances_of_settings(tmp_path):
    assert importances(study_of(24))["learning_rate"] > 0.8
    assert importances(study_of(1)) == importances(study_of(6, lambda i: 0.9)) == {}
    plot_search(study_of(24), tmp_path / "search.png")
    assert (tmp_path / "search.png").stat().st_size > 5000
