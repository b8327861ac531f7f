"""A run folder: everything about one training, in files that a person and a program can read.

runs/2026-11-24-23-59-01/
  recipe.json    every setting                  run.json     versions, machine, data, durations, result
  history.csv    one line per epoch             curves.svg   curves.png
  model.keras    model.h5                       report.html  report.md     report.json
  confusion.png  mistakes.png
  checkpoints/   the last two epochs, until the run is finished

summarise(open_run("runs/first")).test_accuracy
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tendigits.errors import RunError
from tendigits.files import lock_folder, remove_leftovers, write_text
from tendigits.model.recipe import Recipe

FORMAT = 2
Record = dict[str, Any]
History = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Run:
    """An existing run folder; its files are read and written here."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints while the run is not finished."""
        return self.path / "checkpoints"

    def recipe(self) -> Recipe:
        """The recipe that the run was started with. Raises RunError, RecipeError."""
        return Recipe(**self._json("recipe.json"))

    def record(self) -> Record:
        """run.json as a dict. Raises RunError where it is missing, damaged or of another format."""
        record = self._json("run.json")
        version = record.get("format")
        if version != FORMAT:
            age = "an older" if isinstance(version, int) and version < FORMAT else "another"
            raise RunError(
                f"{self.path} was written by {age} version of tendigits: expected run format {FORMAT}, received "
                f"{version!r}; train again, or use that version"
            )
        return record

    def write_record(self, record: Record) -> None:
        """Write run.json, whole or not at all. Raises DiskError."""
        write_text(self.path / "run.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    def history(self) -> dict[str, list[float]]:
        """history.csv as column -> values, without 'epoch'; empty before the first epoch's end. Raises RunError."""
        path = self.path / "history.csv"
        if not path.exists():
            return {}
        try:
            rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
            return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ()) if name != "epoch"}
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"cannot read {path}: {error}") from error

    def write_history(self, history: History) -> None:
        """Write history.csv, one line per epoch from 1; the numbers read back exactly. Raises DiskError."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["epoch", *history])
        rows.writerows([i, *map(repr, values)] for i, values in enumerate(zip(*history.values(), strict=True), 1))
        write_text(self.path / "history.csv", text.getvalue())

    def is_locked(self) -> bool:
        """Whether a process is writing to the run now."""
        try:
            with FileLock(self.path / ".lock", timeout=0, preserve_lock_file=True):
                return False
        except Timeout:
            return True

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the run while writing to it, as `lock_folder`. Raises RunError if another process holds the lock."""
        with lock_folder(self.path, "choose another --name"):
            if self.checkpoints.is_dir():
                remove_leftovers(self.checkpoints)
            yield

    def _json(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path} is not a run folder: cannot read {name}: {error}") from error
        if not isinstance(content, dict):
            raise RunError(f"{self.path} is not a run folder: {name} holds no object")
        return content


@dataclass(frozen=True)
class Summary:
    """A run at a glance, finished or not."""

    name: str
    status: str
    """finished, failed, running or interrupted."""
    recipe: str
    data: str
    created: str
    """ISO 8601, with its time zone."""
    parameters: int | None
    """Weights and biases of the network; None before it is built."""
    epochs: int
    """Completed epochs."""
    best_epoch: int | None
    """From 1; None before the first has ended."""
    val_loss: float | None
    """At the best epoch."""
    val_accuracy: float | None
    """At the best epoch."""
    test_accuracy: float | None
    """None while the run is not finished."""
    test_interval: tuple[float, float] | None
    """95% confidence interval of the test accuracy."""
    seconds: float


def create_run(runs: Path, recipe: Recipe, name: str | None, now: datetime) -> Run:
    """Make a new folder in `runs`, named `name` or after the date and time, and write the recipe into it.

    Raises:
        RunError: the name is taken, or is not a plain file name.
    """
    if name is not None and (name in ("", ".", "..") or Path(name).name != name):
        raise RunError(f"expected a plain name for the run, received {name!r}; choose the folder with --runs")
    stem = name if name is not None else now.strftime("%Y-%m-%d-%H-%M-%S")
    for attempt in range(1, 1000):
        path = runs / (stem if attempt == 1 else f"{stem}-{attempt}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if name is not None:
                raise RunError(f"{path} exists; choose another --name, or continue it with --resume {path}") from None
        except OSError as error:
            raise RunError(f"cannot make the run folder {path}: {error.strerror}; choose another --runs") from None
        else:
            (path / "checkpoints").mkdir()
            write_text(path / "recipe.json", recipe.model_dump_json(indent=1) + "\n")
            return Run(path)
    raise RunError(f"expected a free name in {runs}, {stem}-1 to {stem}-999 are taken; choose a --name")


def open_run(path: str | Path) -> Run:
    """The run in an existing folder. Raises RunError where there is none, or one of another format."""
    run = Run(Path(path))
    if not run.path.is_dir():
        raise RunError(f"expected a run folder, there is none at {path}; `tendigits runs` lists them")
    run.record()
    return run


def find_run(path: str | Path, runs: Path) -> Run:
    """A run by its path, or by its name in the folder `runs`. Raises RunError as `open_run`."""
    for place in (Path(path), runs / path):
        if place.is_dir():
            return open_run(place)
    raise RunError(f"expected a run's folder or its name in {runs}, received {path}; `tendigits runs` lists them")


def list_runs(runs: Path, on_error: Callable[[RunError], None] = lambda _: None) -> list[Run]:
    """All runs in the folder, oldest first.

    Args:
        on_error: called for each folder with a run.json that cannot be read; other folders are passed over.
    """
    found = []
    for path in sorted(runs.iterdir()) if runs.is_dir() else ():
        if not (path / "run.json").is_file():
            continue
        try:
            found.append((str(open_run(path).record().get("created", "")), path.name, Run(path)))
        except RunError as error:
            on_error(error)
    return [run for *_, run in sorted(found, key=lambda item: item[:2])]


def summarise(run: Run) -> Summary:
    """Read a run's summary from its folder. Raises RunError."""
    record, history, recipe = run.record(), run.history(), run.recipe()
    best = best_epoch(history, recipe) if history else None
    at_best = {name: values[best - 1] for name, values in history.items()} if best else {}
    result = record.get("result", {})
    return Summary(
        name=run.path.resolve().name,
        status=status(run),
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
    )


def status(run: Run) -> str:
    """Finished, failed, running or interrupted; a run marked as running that no process holds was killed."""
    recorded = str(run.record()["status"])
    return "interrupted" if recorded == "running" and not run.is_locked() else recorded


def best_epoch(history: History, recipe: Recipe) -> int:
    """The epoch, from 1, with the best value of the monitored metric; the first of equals."""
    values = history[recipe.monitor]
    pick = max if recipe.monitor.endswith("accuracy") else min
    return values.index(pick(values)) + 1
