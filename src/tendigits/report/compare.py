"""Tables of runs: all runs of a folder, one run in detail, and several runs side by side with their curves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tendigits.errors import RunError, UserError
from tendigits.files import writing
from tendigits.model.recipe import Recipe
from tendigits.report.curves import draw_comparison, save_figure
from tendigits.report.mcnemar import mcnemar_of_runs
from tendigits.runs.run import Run
from tendigits.runs.summary import Summary, list_summaries, summarise
from tendigits.untrusted import has_inside

Row = dict[str, str]

COLUMNS = (
    "run", "status", "recipe", "data", "parameters", "epochs", "val_loss", "val_accuracy", "test accuracy",
    "95% interval", "seconds",
)  # fmt: skip
"""Columns of the table of all runs."""

DROP_ORDER = ("seconds", "95% interval", "parameters", "val_loss", "data", "epochs", "val_accuracy", "recipe", "status")
"""Columns that are left out on a narrow terminal, in this order."""

COLUMN_GAP = 2
"""Spaces between columns."""


@dataclass(frozen=True)
class Comparison:
    """A comparison of runs, as rows of (name, one value per run)."""

    names: list[str]
    settings: list[tuple[str, list[str]]]
    """The settings of the recipes that differ."""
    results: list[tuple[str, list[str]]]
    is_it_luck: str | None
    """For two runs: whether their difference may be luck, or why that is unknown; None for more runs."""


def list_table(runs: Path, on_error: Callable[[UserError], None] = lambda _: None) -> list[Row]:
    """Column -> text for each run in a folder, oldest first; `on_error` is called for runs that cannot be read."""
    rows = []
    for summary in list_summaries(runs, on_error):
        results = _results(summary)
        cells = {"run": summary.name, "recipe": summary.recipe, "epochs": results["epochs trained"]} | results
        rows.append({column: cells[column] for column in COLUMNS})
    return rows


def fit_columns(rows: Sequence[Row], width: int) -> list[str]:
    """The columns of the table of all runs that fit into `width` characters."""
    widths = {column: max(len(column), *(len(row[column]) for row in rows)) + COLUMN_GAP for column in COLUMNS}
    for column in DROP_ORDER:
        if sum(widths.values()) <= width:
            break
        del widths[column]
    return list(widths)


def describe_run(run: Run) -> list[tuple[str, str]]:
    """One run in detail, as rows of (name, value): settings that differ from the classic recipe, and results."""
    summary, recipe = summarise(run), run.recipe()
    differences = recipe.differences(Recipe()).items()
    settings = [
        (key, f"{_text(mine)} (classic: {_text(classic)})") for key, (mine, classic) in differences if key != "name"
    ]
    report = run.path / "report.html"
    return [
        ("run", str(run.path)),
        ("created", summary.created.replace("T", " ")),
        ("recipe", summary.recipe if settings or summary.recipe == "classic" else f"{summary.recipe}, same as classic"),
        *settings,
        *_results(summary).items(),
        *([("report", str(report))] if has_inside(run.path, report.name) else []),
    ]


def compare_runs(runs: Sequence[Run]) -> Comparison:
    """Recipes and results of two or more runs side by side.

    Raises:
        RunError: fewer than two runs, the same one twice, or a damaged one.
    """
    if len({run.path.resolve() for run in runs}) < max(2, len(runs)):
        raise RunError("expected two or more different runs to compare; `tendigits runs` lists them")
    recipes = [run.recipe().flat() for run in runs]
    results = [{"recipe": run.recipe().name} | _results(summarise(run)) for run in runs]
    # Without a validation split val_accuracy is the test accuracy, which is shown anyway.
    rows = [(key, [result[key] for result in results]) for key in results[0]]
    return Comparison(
        names=_distinct_names(runs),
        settings=[
            (key, [_text(recipe[key]) for recipe in recipes])
            for key in recipes[0]
            if key != "name" and any(recipe[key] != recipes[0][key] for recipe in recipes)
        ],
        results=[row for row in rows if row != ("val_accuracy", dict(rows)["test accuracy"])],
        is_it_luck=_is_it_luck(*runs) if len(runs) == 2 else None,
    )


def fit_runs(comparison: Comparison, width: int) -> list[list[int]]:
    """Indices of runs, in groups whose columns fit into `width` characters next to the column of names."""
    rows = [*comparison.settings, *comparison.results]
    left = max(len(key) for key, _ in rows) + COLUMN_GAP
    groups: list[list[int]] = []
    free = 0
    for i, name in enumerate(comparison.names):
        needed = max(len(name), *(len(values[i]) for _, values in rows)) + COLUMN_GAP
        if not groups or needed > free:
            groups.append([])
            free = width - left
        groups[-1].append(i)
        free -= needed
    return groups


def draw_runs(runs: Sequence[Run], picture: Path) -> None:
    """Draw the curves of all runs into one .png; its folder must exist. Raises RunError, DiskError."""
    histories = {name: run.history() for name, run in zip(_distinct_names(runs), runs, strict=True)}
    save_figure(draw_comparison(histories), picture.with_suffix(""), (picture.suffix,), writing)


def _is_it_luck(first: Run, second: Run) -> str:
    try:
        return mcnemar_of_runs(first, second).words
    except RunError as error:
        return f"Is the difference luck? That is unknown: {error}"


def _results(summary: Summary) -> Row:
    """The results of a run as texts; '-' for missing ones."""
    has_epoch, interval = summary.best_epoch is not None, summary.test_interval
    return {
        "status": summary.status,
        "data": summary.data,
        "parameters": _optional(summary.parameters, ","),
        "epochs trained": f"{summary.epochs} (best {summary.best_epoch})" if has_epoch else "-",
        "val_loss": _optional(summary.val_loss, ".4f"),
        "val_accuracy": _optional(summary.val_accuracy, ".2%"),
        "test accuracy": _optional(summary.test_accuracy, ".2%"),
        "95% interval": "-" if interval is None else f"{interval[0]:.2%} to {interval[1]:.2%}",
        "seconds": f"{summary.seconds:.1f}",
    }


def _optional(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _text(value: Any) -> str:
    """A setting's value; "none" for an empty list."""
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def _distinct_names(runs: Sequence[Run]) -> list[str]:
    """The names of the folders, or their paths if two names are equal."""
    names = [run.path.resolve().name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.path) for run in runs]
