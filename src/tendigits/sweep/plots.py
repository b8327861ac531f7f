"""The picture of a search: which knobs matter, and how each trial went through the space.

draw_search(study, Path("search.png"))
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from tendigits.report.curves import save_figure

if TYPE_CHECKING:
    import optuna

LEAST = 4
"""Finished trials below which nothing can be said of what matters."""


def draw_search(study: "optuna.Study", path: Path) -> None:
    """Draw the importance of each knob, and parallel coordinates: a line for each trial, light where it did well."""
    finished = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    knobs = sorted({name for trial in finished for name in trial.params})
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.2))
    _draw_importance(left, importances(study, len(finished)), knobs)
    _draw_trials(figure, right, finished, knobs)
    save_figure(figure, path.with_suffix(""))


def importances(study: "optuna.Study", finished: int) -> dict[str, float]:
    """Knob -> share of the differences between trials that it explains (fANOVA; Hutter, Hoos, Leyton-Brown, 2014)."""
    import optuna

    if finished < LEAST:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found: dict[str, float] = optuna.importance.get_param_importances(
                study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
            )
        except RuntimeError:  # all that came to their end did equally well, or had the same values
            return {}
    return found


def _draw_importance(axes: Axes, found: dict[str, float], knobs: list[str]) -> None:
    axes.set_title("What matters")
    if not found:
        axes.text(
            0.5, 0.5, f"needs {LEAST} finished trials\nthat differ", ha="center", va="center", transform=axes.transAxes
        )
        axes.set_axis_off()
        return
    names = sorted(knobs, key=lambda name: found.get(name, 0.0))
    axes.barh(names, [found.get(name, 0.0) for name in names], color="#0b5cad")
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the differences explained")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_trials(figure: Figure, axes: Axes, finished: list[Any], knobs: list[str]) -> None:
    axes.set_title("Each trial, from knob to knob to its accuracy")
    columns = [_heights([trial.params.get(name) for trial in finished]) for name in knobs]
    accuracies = [trial.value for trial in finished]
    columns.append(_heights(accuracies))
    norm = Normalize(min(accuracies), max(accuracies) if len(set(accuracies)) > 1 else min(accuracies) + 1e-3)
    colours = ScalarMappable(norm, "viridis")
    for number in np.argsort(accuracies):
        heights = [places[number] for places, _ in columns]
        axes.plot(heights, color=colours.to_rgba(accuracies[number]), linewidth=1.5)
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    for x, (_, marks) in enumerate(columns):
        axes.axvline(x, color="#999999", linewidth=0.8)
        for height, text in marks:
            shift, side = {0.0: (-5, "top"), 1.0: (5, "bottom")}.get(height, (0, "center"))
            axes.annotate(
                text, (x, height), (0, shift), textcoords="offset points", ha="center", va=side, fontsize=8, bbox=box
            )
    axes.set_xticks(range(len(columns)), [*knobs, "accuracy"], rotation=20, ha="right")
    axes.tick_params(axis="x", pad=14, length=0)
    axes.set_yticks([])
    axes.set_ylim(-0.08, 1.1)
    axes.spines[:].set_visible(False)
    figure.colorbar(colours, ax=axes, format=lambda share, _: f"{share:.1%}", label="accuracy on held-out digits")


def _heights(values: list[Any]) -> tuple[list[float], list[tuple[float, str]]]:
    """Where each value stands between 0 and 1, and what is written beside the axis at which height."""
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        kinds = sorted({str(value) for value in values})
        places = {kind: i / max(1, len(kinds) - 1) for i, kind in enumerate(kinds)}
        return [places[str(value)] for value in values], [(place, kind) for kind, place in places.items()]
    low, high = min(values), max(values)
    many_sizes = low > 0 and high / low > 20  # their logarithms are seen
    scaled = np.log(values) if many_sizes else np.array(values, float)
    width = float(np.ptp(scaled)) or 1.0
    marks = [(0.0, f"{low:.4g}"), (1.0, f"{high:.4g}")] if low < high else [(0.0, f"{low:.4g}")]
    return ((scaled - scaled.min()) / width).tolist(), marks
