"""Summaries of runs, for tables and the API.

summarise(open_run("runs/first")).test_accuracy
list_summaries(Path("runs"), print)         # prints the errors of damaged runs
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tendigits.errors import RunError, UserError, printable
from tendigits.model.recipe import Recipe
from tendigits.runs.run import HISTORY, History, Run, check_inside, open_run


@dataclass(frozen=True)
class Summary:
    """The main facts of a run, finished or not."""

    name: str
    status: str  # finished, failed, running or interrupted
    recipe: str
    data: str
    created: str  # ISO 8601 with time zone
    parameters: int | None  # number of weights and biases
    epochs: int  # completed epochs
    best_epoch: int | None  # counted from 1; None, as both values at this epoch, before the first is complete
    val_loss: float | None
    val_accuracy: float | None
    test_accuracy: float | None  # None if the run is not finished, as its 95% confidence interval
    test_interval: tuple[float, float] | None
    seconds: float  # duration of all stages
    own_accuracy: float | None = None  # on a person's own digits; None if the network has learned none of them
    n_own: int | None = None


def list_summaries(runs: Path, on_error: Callable[[UserError], None] = lambda _: None) -> list[Summary]:
    """All runs in a folder, oldest first; `on_error` is called for damaged runs, and for links to runs elsewhere."""
    found = []
    for path in sorted(runs.iterdir()) if runs.is_dir() else ():
        if not os.path.lexists(path / "run.json"):
            continue
        try:
            if printable(path.name) != path.name:
                raise RunError(f"{path}: expected a name of printable characters in UTF-8; rename the folder")
            check_inside(runs, path.name)
            found.append(summarise(open_run(path)))
        except UserError as error:
            on_error(error)
    return sorted(found, key=lambda summary: (datetime.fromisoformat(summary.created), summary.name))


def summarise(run: Run) -> Summary:
    """Read a run's summary from its folder. Raises RunError."""
    record, history, recipe = run.record(), run.history(), run.recipe()
    if history and not {"loss", recipe.monitor} <= history.keys():
        raise RunError(f"{run.path}: expected loss and {recipe.monitor} in {HISTORY}, found {', '.join(history):.100}")
    best = best_epoch(history, recipe) if history else None
    at_best = {name: values[best - 1] for name, values in history.items()} if best else {}
    result = record.get("result", {})
    return Summary(
        name=run.path.resolve().name,
        # A run that is marked as running but not locked was killed.
        status="interrupted" if record["status"] == "running" and not run.is_locked() else record["status"],
        recipe=recipe.name,
        data=record["data"]["name"],
        created=record["created"],
        parameters=record.get("parameters"),
        epochs=len(history.get("loss", ())),
        best_epoch=best,
        val_loss=at_best.get("val_loss"),
        val_accuracy=at_best.get("val_accuracy"),
        test_accuracy=result.get("test_accuracy"),
        test_interval=tuple(result["test_interval"]) if "test_interval" in result else None,
        seconds=sum(record["durations"].values()),
        own_accuracy=result.get("own_accuracy"),
        n_own=result.get("n_own"),
    )


def best_epoch(history: History, recipe: Recipe) -> int:
    """The first epoch, counted from 1, with the best value of the monitored metric."""
    values = history[recipe.monitor]
    pick = max if recipe.monitor.endswith("accuracy") else min
    return values.index(pick(values)) + 1
