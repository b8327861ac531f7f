"""Tables of runs: all runs of a folder, one run in detail, and several runs side by side with their curves."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.table import Column, Table

from tendigits.errors import RunError, UserError, printable
from tendigits.files import writing
from tendigits.model.recipe import Recipe
from tendigits.report.curves import draw_comparison
from tendigits.report.mcnemar import TEST_ARRAYS, distinct_names, mcnemar_of_runs
from tendigits.report.messages import setting_text
from tendigits.runs.run import Run
from tendigits.runs.summary import Summary, list_summaries, summarise
from tendigits.untrusted import has_inside

OWN = "own digits"  # shown if one of the runs has learned some
COLUMNS = (
    "run", "status", "recipe", "data", "parameters", "epochs trained", "val_loss", "val_accuracy", "test accuracy",
    "95% interval", OWN, "seconds",
)  # fmt: skip
NARROW_COLUMNS = ("run", "status", "epochs trained", "val_accuracy", "test accuracy", OWN)
MIN_WIDTH_FOR_ALL_COLUMNS = 140


def list_table(runs: Path, width: int, on_error: Callable[[UserError], None] = lambda _: None) -> Table:
    """A row for each run in a folder, oldest first; a terminal of fewer than 140 characters gets the main columns.

    `on_error` is called for runs that cannot be read.
    """
    columns: tuple[str, ...] = COLUMNS if width >= MIN_WIDTH_FOR_ALL_COLUMNS else NARROW_COLUMNS
    rows = [{"run": one.name, "recipe": one.recipe} | _results(one) for one in list_summaries(runs, on_error)]
    columns = tuple(column for column in columns if column != OWN or any(OWN in row for row in rows))
    table = _table([column.removesuffix(" trained") for column in columns])
    for row in rows:
        table.add_row(*(printable(row.get(column, "-")) for column in columns))
    return table


def run_table(run: Run) -> Table:
    """One run in detail: the settings that differ from the classic recipe, and the results."""
    summary, table = summarise(run), _table()
    differences = run.recipe().differences(Recipe())
    differences.pop("name", None)
    table.add_row("run", str(run.path))
    table.add_row("created", summary.created.replace("T", " "))
    same = "" if differences or summary.recipe == "classic" else ", same as classic"
    table.add_row("recipe", summary.recipe + same)
    for key, (mine, classic) in differences.items():
        table.add_row(key, f"{setting_text(mine)} (classic: {setting_text(classic)})")
    for row in _results(summary).items():
        table.add_row(*row)
    if has_inside(run.path, "report.html"):
        table.add_row("report", str(run.path / "report.html"))
    return table


def comparison_table(runs: Sequence[Run]) -> Table:
    """The settings that differ and the results of two or more runs, with a column for each run.

    Raises:
        RunError: fewer than two runs, the same one twice, or a damaged one.
    """
    if len({run.path.resolve() for run in runs}) < max(2, len(runs)):
        raise RunError("expected two or more different runs to compare; `tendigits runs` lists them")
    table = _table(["", *distinct_names(runs)])
    for key, texts in different_settings(runs).items():
        table.add_row(key, *texts, style="yellow")
    results = [{"recipe": run.recipe().name} | _results(summarise(run)) for run in runs]
    # Without a validation split val_accuracy is the test accuracy, which is shown anyway.
    hidden = {"val_accuracy"} if all(row["val_accuracy"] == row["test accuracy"] for row in results) else set()
    for key in dict.fromkeys(key for row in results for key in row if key not in hidden):
        table.add_row(key, *(row.get(key, "-") for row in results))
    return table


def different_tests(runs: Sequence[Run]) -> str:
    """A sentence that not all runs were tested on the same digits; "" if they were."""
    tested: dict[tuple[str, ...], list[str]] = {}
    for name, run in zip(distinct_names(runs), runs, strict=True):
        data = run.record()["data"]
        digits = f"{data.get('n_test', 0):,} of {data['name']}", *(data["sha256"].get(key, "") for key in TEST_ARRAYS)
        tested.setdefault(digits, []).append(name)
    on = "; ".join(f"{', '.join(names)} on {digits[0]}" for digits, names in tested.items())
    return f"The test digits differ, so the accuracies do not compare: {on}." if len(tested) > 1 else ""


def different_settings(runs: Sequence[Run]) -> dict[str, list[str]]:
    """The settings in which the recipes differ: name -> a text for each run."""
    recipes = [run.recipe().flat() | {"name": ""} for run in runs]
    texts = {key: [setting_text(recipe[key]) for recipe in recipes] for key in recipes[0]}
    return {key: row for key, row in texts.items() if len(set(row)) > 1}


def is_it_luck(first: Run, second: Run) -> str:
    """Whether the difference between two runs may be luck, or why that is unknown."""
    try:
        return mcnemar_of_runs(first, second).words
    except RunError as error:
        return f"Is the difference luck? That is unknown: {error}"


def draw_runs(runs: Sequence[Run], picture: Path) -> None:
    """Draw the curves of all runs into one .png; its folder must exist. Raises RunError, DiskError."""
    histories = {name: run.history() for name, run in zip(distinct_names(runs), runs, strict=True)}
    with writing(picture) as temporary:
        draw_comparison(histories).savefig(temporary, dpi=150)


def _table(headings: Sequence[str] = ("", "")) -> Table:
    """A table without borders; text that is too long is wrapped, not cut."""
    columns = [Column(heading, overflow="fold") for heading in headings]
    return Table(*columns, box=None, header_style="bold", show_header=any(headings), padding=(0, 2, 0, 0))


def _results(summary: Summary) -> dict[str, str]:
    """The results of a run as texts; '-' for missing ones."""
    epochs, interval = summary.best_epoch and f"{summary.epochs} (best {summary.best_epoch})", summary.test_interval
    return {
        "status": summary.status,
        "data": summary.data,
        "parameters": _optional(summary.parameters, ","),
        "epochs trained": epochs or "-",
        "val_loss": _optional(summary.val_loss, ".4f"),
        "val_accuracy": _optional(summary.val_accuracy, ".2%"),
        "test accuracy": _optional(summary.test_accuracy, ".2%"),
        "95% interval": "-" if interval is None else f"{interval[0]:.2%} to {interval[1]:.2%}",
        "seconds": f"{summary.seconds:.1f}",
    } | ({OWN: f"{(summary.own_accuracy or 0) * summary.n_own:.0f} of {summary.n_own}"} if summary.n_own else {})


def _optional(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
