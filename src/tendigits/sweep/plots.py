"""The plot of a search: for each setting its importance, and its values and the accuracy of each trial.

plot_search(study, Path("search.png"))
"""

import warnings
from pathlib import Path

import optuna
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState

from tendigits.report.curves import save_figure

MIN_TRIALS_FOR_IMPORTANCE = 4  # fewer finished trials are not informative


def plot_search(study: optuna.Study, path: Path) -> None:
    """Plot the validation accuracy of each finished trial over each setting, the most important setting first."""
    trials = study.get_trials(states=(TrialState.COMPLETE,))
    importance = importances(study)
    names = sorted(
        {name for trial in trials for name in trial.params}, key=lambda name: (-importance.get(name, 0), name)
    )
    figure = Figure(figsize=(max(7, 2.5 * len(names)), 3.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), sharey=True, squeeze=False)[0], names, strict=True):
        distribution = next(trial.distributions[name] for trial in trials if name in trial.params)
        is_category = isinstance(distribution, CategoricalDistribution)
        points = [(trial.params[name], trial.value) for trial in trials if name in trial.params]
        axes.scatter([str(x) if is_category else x for x, _ in points], [y for _, y in points], color="#0b5cad")
        if getattr(distribution, "log", False):
            axes.set_xscale("log")
        axes.set_xlabel(name)
        axes.set_title(f"importance {importance[name]:.0%}" if name in importance else "", fontsize="medium")
    figure.axes[0].set_ylabel("validation accuracy")
    figure.axes[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    save_figure(figure, path.with_suffix(""))


def importances(study: optuna.Study) -> dict[str, float]:
    """Setting -> fraction of the variance that it explains (fANOVA; Hutter, Hoos, Leyton-Brown, 2014).

    Empty if there are too few finished trials, or if they do not differ.
    """
    if len(study.get_trials(states=(TrialState.COMPLETE,))) < MIN_TRIALS_FOR_IMPORTANCE:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    with warnings.catch_warnings(action="ignore"):
        try:
            return optuna.importance.get_param_importances(study, evaluator=evaluator)
        except RuntimeError:  # all trials have the same accuracy or the same values
            return {}
