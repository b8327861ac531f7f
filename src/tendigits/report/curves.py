"""The two curves of every Keras tutorial, 'Model Accuracy' and 'Cross Entropy Loss', of one or several runs.

tendigits.plot_history(model.fit(...)).savefig("curves.png")
"""

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tendigits.files import replacing
from tendigits.model.recipe import Recipe
from tendigits.report.messages import validation_name
from tendigits.runs.run import History
from tendigits.runs.summary import best_epoch

if TYPE_CHECKING:  # matplotlib takes a third of a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = (("Model Accuracy", "accuracy", "Accuracy"), ("Cross Entropy Loss", "loss", "Loss"))
_SIZE = (10.0, 4.2)
MAX_MARKS = 40  # marks on a line; with more epochs only some have one
GUIDE_STYLE: dict[str, Any] = {"color": "black", "linestyle": ":", "linewidth": 1.2}

# Okabe and Ito's colours for colour-blind people: https://jfly.uni-koeln.de/color/
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def plot_history(history: Any, validation: str = "Test") -> "Figure":
    """Draw accuracy and loss over the epochs, one panel each, as a pyplot figure, so that `plt.show()` shows it.

    Args:
        history: the result of `model.fit`, or its dict with 'loss', 'accuracy', 'val_loss' and 'val_accuracy', any of
            which may be missing.
        validation: the name of the second line.
    """
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=_SIZE, layout="constrained")
    return draw_curves(getattr(history, "history", history), validation, figure)


def draw_curves(
    history: History, validation: str = "Test", figure: "Figure | None" = None, best: int | None = None
) -> "Figure":
    """Draw the figure of `plot_history`, without `figure` one that pyplot does not show and that need not be closed."""
    from matplotlib.figure import Figure

    figure = figure or Figure(figsize=_SIZE, layout="constrained")
    for axes, panel in zip(figure.subplots(1, 2), PANELS, strict=True):
        draw_panel(axes, panel, history, validation, best)
        if axes.lines:
            axes.legend()
    return figure


def write_curves(history: History, recipe: Recipe, folder: Path) -> None:
    """Write curves.svg and curves.png into a run's folder. Raises DiskError."""
    figure = draw_curves(history, validation_name(recipe), best=best_epoch(history, recipe))
    save_figure(figure, folder / "curves")


def draw_comparison(histories: Mapping[str, History]) -> "Figure":
    """The curves of several runs in one figure: a colour for each run, validation solid, training dashed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    for axes, (title, key, label) in zip(figure.subplots(1, 2), PANELS, strict=True):
        _label_epochs(axes, title, label)
        for i, (name, history) in enumerate(histories.items()):
            colour = COLOURS[i % len(COLOURS)]
            _line(axes, history.get(f"val_{key}", ()), label=name, color=colour, marker="o", markersize=4)
            _line(axes, history.get(key, ()), color=colour, linestyle="--", linewidth=1, alpha=0.7)
    figure.axes[0].plot([], [], color="#555555", marker="o", markersize=4, label="solid: validation")
    figure.axes[0].plot([], [], color="#555555", linestyle="--", linewidth=1, label="dashed: training")
    figure.axes[0].legend()
    return figure


def save_figure(figure: "Figure", stem: Path) -> None:
    """Write the figure as `stem`.svg and `stem`.png; the same figure gives the same bytes. Raises DiskError."""
    import matplotlib as mpl

    for ending, metadata in ((".svg", {"Date": None}), (".png", {})):
        with replacing(stem.with_name(stem.name + ending)) as temporary, mpl.rc_context({"svg.hashsalt": "tendigits"}):
            figure.savefig(temporary, dpi=150, metadata=metadata)
        figure.set_layout_engine("none")  # keeps the layout for the next file


def draw_panel(
    axes: "Axes", panel: tuple[str, str, str], history: History, validation: str, best: int | None = None
) -> None:
    """Draw one of `PANELS`, with a line for training, one for validation and one at the best epoch, counted from 1."""
    title, key, label = panel
    _label_epochs(axes, title, label)
    _line(axes, history.get(key, ()), label="Train", color=COLOURS[0], marker="o", markersize=4)
    _line(axes, history.get(f"val_{key}", ()), label=validation, color=COLOURS[1], marker="s", markersize=4)
    if best is not None:
        axes.axvline(best, label=f"Best epoch, {best}", **GUIDE_STYLE)


def label_axes(axes: "Axes", title: str, x_label: str, y_label: str) -> None:
    """Set the texts and the style that all charts share."""
    axes.set(title=title, xlabel=x_label, ylabel=y_label)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _label_epochs(axes: "Axes", title: str, label: str) -> None:
    from matplotlib.ticker import MaxNLocator

    label_axes(axes, title, "Epoch", label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _line(axes: "Axes", values: Sequence[float], **style: Any) -> None:
    if len(values):
        axes.plot(range(1, len(values) + 1), values, markevery=ceil(len(values) / MAX_MARKS), **style)
