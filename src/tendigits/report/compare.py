"""Runs beside each other: a table of all, and two or more compared, with their curves in one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tendigits.errors import RunError
from tendigits.report.curves import draw_comparison, save_figure
from tendigits.report.run import Run, list_runs
from tendigits.report.summary import status, summarise

RUN_COLUMNS = ("run", "status", "recipe", "data", "epochs", "val_loss", "val_accuracy", "test accuracy", "seconds")


@dataclass(frozen=True)
class Comparison:
    """Rows of (what, a value for each run), the ones that differ told from the ones that do not."""

    names: list[str]
    recipe: list[tuple[str, list[str]]]
    """Only the knobs that differ."""
    results: list[tuple[str, list[str]]]
    picture: Path
    """The curves of all runs over each other."""


def table_of_runs(runs: Path) -> list[tuple[str, ...]]:
    """A row of RUN_COLUMNS for each run in the folder, oldest first."""
    return [(run.path.name, status(run), run.recipe().name, *_results(run).values()) for run in list_runs(runs)]


def compare_runs(runs: Sequence[Run], picture: Path) -> Comparison:
    """Recipes and results side by side.

    Args:
        runs: two or more.
        picture: the .png to write; its folder exists.

    Raises:
        RunError: fewer than two runs, a damaged one, or none with an epoch.
        DiskError: the picture could not be written.
    """
    if len({run.path.resolve() for run in runs}) < max(2, len(runs)):
        raise RunError("expected two or more different runs to compare; `tendigits runs` lists them")
    names = _distinct_names(runs)
    histories = {name: run.history() for name, run in zip(names, runs, strict=True)}
    knobs = [run.recipe().flat() for run in runs]
    results = [{"status": status(run)} | _results(run) for run in runs]
    save_figure(draw_comparison(histories), picture.with_suffix(""), (picture.suffix,))
    return Comparison(
        names=names,
        recipe=[
            (key, [_knob(knob[key]) for knob in knobs])
            for key in knobs[0]
            if any(knob[key] != knobs[0][key] for knob in knobs)
        ],
        results=[(key, [result[key] for result in results]) for key in results[0]],
        picture=picture,
    )


def _results(run: Run) -> dict[str, str]:
    """The cells of RUN_COLUMNS after the recipe; a run that is not finished shows how far it came."""
    found = summarise(run)
    return {
        "data": found.data,
        "epochs": "-" if found.best_epoch is None else f"{found.epochs} (best {found.best_epoch})",
        "val_loss": "-" if found.val_loss is None else f"{found.val_loss:.4f}",
        "val_accuracy": "-" if found.val_accuracy is None else f"{found.val_accuracy:.2%}",
        "test accuracy": "-" if found.test_accuracy is None else f"{found.test_accuracy:.2%}",
        "seconds": f"{found.seconds:.1f}",
    }


def _knob(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _distinct_names(runs: Sequence[Run]) -> list[str]:
    """The folders' names, or their whole paths where two have the same name."""
    names = [run.path.resolve().name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.path) for run in runs]
