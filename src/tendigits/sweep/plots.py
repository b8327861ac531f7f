"""The plot of a search: the importance of each setting, and the settings and accuracy of each trial.

plot_search(study, Path("search.png"))
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from optuna.trial import FrozenTrial, TrialState

from tendigits.report.curves import save_figure

MIN_TRIALS_FOR_IMPORTANCE = 4
"""Fewer finished trials are not informative."""

MIN_RATIO_FOR_LOG_AXIS = 20
"""A positive axis whose ends differ by more than this factor is logarithmic."""


def plot_search(study: optuna.Study, path: Path) -> None:
    """Plot importances, and parallel coordinates: one line for each finished trial, bright if its accuracy is high."""
    trials = study.get_trials(states=(TrialState.COMPLETE,))
    names = sorted({name for trial in trials for name in trial.params})
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.2))
    _plot_importances(left, importances(study), names)
    _plot_trials(right, trials, names)
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


def _plot_importances(axes: Axes, found: dict[str, float], names: list[str]) -> None:
    axes.set_title("Importance")
    if not found:
        text = f"needs {MIN_TRIALS_FOR_IMPORTANCE} finished trials\nthat differ"
        axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    names = sorted(names, key=lambda name: found.get(name, 0.0))
    axes.barh(names, [found.get(name, 0.0) for name in names], color="#0b5cad")
    axes.set_xlim(0, 1)
    axes.set_xlabel("fraction of the variance explained")
    axes.spines[["top", "right"]].set_visible(False)


def _plot_trials(axes: Axes, trials: list[FrozenTrial], names: list[str]) -> None:
    axes.set_title("Trials: settings and validation accuracy")
    accuracies = [float(trial.value or 0) for trial in trials]
    columns = [_positions([trial.params.get(name) for trial in trials]) for name in names] + [_positions(accuracies)]
    norm = Normalize(min(accuracies), max(accuracies) if len(set(accuracies)) > 1 else min(accuracies) + 1e-3)
    colours = ScalarMappable(norm, "viridis")
    for number in np.argsort(accuracies):
        heights = [column[number] for column, _ in columns]
        axes.plot(heights, color=colours.to_rgba(accuracies[number]), linewidth=1.5)
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    for x, (_, ticks) in enumerate(columns):
        axes.axvline(x, color="#999999", linewidth=0.8)
        for height, text in ticks.items():
            shift, side = {0.0: (-5, "top"), 1.0: (5, "bottom")}.get(height, (0, "center"))
            axes.annotate(
                text, (x, height), (0, shift), textcoords="offset points", ha="center", va=side, fontsize=8, bbox=box
            )
    axes.set_xticks(range(len(columns)), [*names, "accuracy"], rotation=20, ha="right")
    axes.tick_params(axis="x", pad=14, length=0)
    axes.set_yticks([])
    axes.set_ylim(-0.08, 1.1)
    axes.spines[:].set_visible(False)
    axes.figure.colorbar(colours, ax=axes, format=lambda value, _: f"{value:.1%}", label="validation accuracy")


def _positions(values: list[Any]) -> tuple[list[float], dict[float, str]]:
    """The position of each value on an axis, 0 to 1, and the ticks: position -> text."""
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        names = sorted({str(value) for value in values})
        heights = {name: i / max(1, len(names) - 1) for i, name in enumerate(names)}
        return [heights[str(value)] for value in values], {height: name for name, height in heights.items()}
    low, high = min(values), max(values)
    if low == high:
        return [0.0] * len(values), {0.0: f"{low:.4g}"}
    is_log = low > 0 and high / low > MIN_RATIO_FOR_LOG_AXIS
    scaled = np.log(values) if is_log else np.array(values, float)
    return ((scaled - scaled.min()) / np.ptp(scaled)).tolist(), {0.0: f"{low:.4g}", 1.0: f"{high:.4g}"}
