"""A run folder: everything about one training, in files that people and programs can read.

recipe.json    every setting            run.json      versions, machine, data, durations, result
history.csv    one line per epoch       curves.svg    curves.png
model.keras    model.h5                 report.html   report.json
checkpoints/   the last two epochs, until the run is finished
"""

import csv
import difflib
import io
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from filelock import FileLock, Timeout
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tendigits.errors import RecipeError, RunError, printable, reason_of
from tendigits.files import LOCK, lock_folder, portable, remove_leftovers, write_text
from tendigits.model.recipe import MAX_EPOCHS, Recipe
from tendigits.untrusted import MAX_TEXT_BYTES, has_inside, path_inside, read_inside

FORMAT = 2
HISTORY = "history.csv"
MAX_COLUMNS = 16  # of the history, which has six or fewer
MAX_VALUE = 3.5e38  # in the history, for losses are float32; the axis of a chart ends at 1e308
MAX_HISTORY_BYTES = 4 * 2**20  # of 10,000 epochs with 16 columns
RUNS = Path("runs")  # where runs are made, and looked for by name, unless a command is given another folder
Record = dict[str, Any]
History = Mapping[str, Sequence[float]]

Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(max_length=4096)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _with_zone(time: str) -> str:
    if datetime.fromisoformat(time).tzinfo is None:
        raise ValueError("expected a time zone")
    return time


class _Schema(BaseModel):
    """A part of run.json: exactly the declared types, no NaN; other fields are allowed."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="allow")


class _Data(_Schema):
    name: Text
    source: Text
    path: Text | None
    sha256: dict[str, Sha256]
    n_test: Count = 0
    own_digits: "_Data | None" = None


class _Result(_Schema):
    val_accuracy: Fraction
    test_accuracy: Fraction = 0
    test_interval: Annotated[list[Fraction], Field(min_length=2, max_length=2)] = Field(default=[0, 1])
    own_accuracy: Fraction = 0
    n_own: Count = 0


class _Record(_Schema):
    status: Literal["running", "finished", "failed", "interrupted"]
    created: Annotated[Text, AfterValidator(_with_zone)]  # ISO 8601
    resumed: list[Text]
    data: _Data
    machine: dict[str, Any]
    git: dict[str, Any] | None
    durations: dict[str, Annotated[float, Field(ge=0)]]
    parameters: Count
    evaluated: bool = True
    # Written later in the run. The fields may be missing, but not null.
    models: dict[Literal["model.keras", "model.h5"], Sha256] = Field(default={})
    best_epoch: Count = 0
    result: _Result = Field(default_factory=_Result.model_construct)


@dataclass(frozen=True)
class Run:
    """An existing run folder."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints; it is deleted when the run is finished."""
        return self.path / "checkpoints"

    def recipe(self) -> Recipe:
        """The run's recipe. Raises RunError."""
        try:
            return Recipe(**self._json("recipe.json"))
        except RecipeError as error:
            raise RunError(f"{self.path}: recipe.json is damaged: {error}") from None

    def record(self) -> Record:
        """run.json as a dict. Raises RunError if it is missing, damaged or of another format."""
        record = self._json("run.json")
        if (version := record.get("format")) != FORMAT:
            raise RunError(
                f"{self.path} was written by another version of tendigits: expected run format {FORMAT}, received "
                f"{version!r:.60}; train again, or use that version"
            )
        try:
            _Record.model_validate(record)
        except ValidationError as error:
            first = error.errors()[0]
            field = printable(".".join(str(part)[:40] for part in first["loc"]))
            reason = f"its field {field}: {first['msg']}"
            raise RunError(f"{self.path}: run.json is damaged: {reason}; delete the run, or restore the file") from None
        return record

    def write_record(self, record: Record) -> None:
        """Write run.json. Raises DiskError."""
        write_text(self.path / "run.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    def history(self) -> dict[str, list[float]]:
        """history.csv as column -> values, without 'epoch'; empty before the first epoch ends. Raises RunError."""
        if not os.path.lexists(self.path / HISTORY):
            return {}
        try:
            text = read_inside(self.path, HISTORY, MAX_HISTORY_BYTES).decode("utf-8")
            rows = csv.reader(io.StringIO(text))
            names = next(rows, [])
            if len(names) > MAX_COLUMNS:
                raise ValueError(f"expected at most {MAX_COLUMNS} columns, received {len(names):,}")
            epochs = [*itertools.islice(rows, MAX_EPOCHS + 1)]
            if len(epochs) > MAX_EPOCHS:
                raise ValueError(f"expected at most {MAX_EPOCHS:,} epochs")
            if any(len(row) != len(names) for row in epochs):
                raise ValueError(f"expected {len(names)} values in each row")
            history = {
                name: [float(row[column]) for row in epochs] for column, name in enumerate(names) if name != "epoch"
            }
            if not all(abs(value) <= MAX_VALUE for values in history.values() for value in values):  # NaN is not
                raise ValueError(f"expected finite numbers up to {MAX_VALUE:g}")
            return history
        except (OSError, ValueError, TypeError, csv.Error) as error:
            raise RunError(f"cannot read {self.path / HISTORY}: {reason_of(error)}") from error

    def write_history(self, history: History) -> None:
        """Write history.csv, one line per epoch; the numbers are not rounded. Raises DiskError."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["epoch", *history])
        rows.writerows([i, *map(repr, values)] for i, values in enumerate(zip(*history.values(), strict=True), 1))
        write_text(self.path / HISTORY, text.getvalue())

    def is_locked(self) -> bool:
        """Whether another process is writing to the run."""
        if not has_inside(self.path, LOCK):
            return False
        try:
            with FileLock(self.path / LOCK, timeout=0, preserve_lock_file=True):
                return False
        except OSError as error:  # or a folder without write permission
            return isinstance(error, Timeout)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the run while writing to it, with `lock_folder`. Raises RunError, DiskError."""
        with lock_folder(self.path, "choose another --name"):
            check_inside(self.path, "checkpoints")
            if self.checkpoints.is_dir():
                remove_leftovers(self.checkpoints)
            yield

    def _json(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads(read_inside(self.path, name, MAX_TEXT_BYTES))
        except (OSError, ValueError, RecursionError) as error:
            raise RunError(f"{self.path} is not a run folder: cannot read {name}: {reason_of(error)}") from error
        if not isinstance(content, dict):
            raise RunError(f"{self.path} is not a run folder: {name} holds no object")
        return content


def model_digest(run: Run) -> str:
    """SHA-256 of the run's model.keras. Raises RunError if the run has no model yet, or its run.json is damaged."""
    digest: str | None = run.record().get("models", {}).get("model.keras")
    if digest is None:
        raise RunError(f"{run.path} has no model yet; continue it with: tendigits train --resume {run.path}")
    return digest


def check_inside(folder: Path, name: str) -> None:
    """Raise RunError if `name` in a run's folder is a link: the run must not write to files elsewhere."""
    try:
        path_inside(folder, name)
    except OSError as error:
        raise RunError(f"{folder / name}: {error.strerror}; delete the link") from None


def check_name(name: str) -> None:
    """Raise RunError unless the name is one of a folder, without a path, on every system."""
    if not name or portable(name) != name:
        raise RunError(f"expected a plain name for the run, received {name!r}; choose the folder with --runs")


def check_free(runs: Path, name: str) -> None:
    """Raise RunError unless a run can get this name in the folder `runs`."""
    check_name(name)
    if os.path.lexists(path := runs / name):
        resume = f", or continue it with --resume {name}" if Run(path).checkpoints.is_dir() else ""
        raise RunError(f"{path} exists; choose another --name{resume}")


def create_run(runs: Path, recipe: Recipe, name: str | None, now: datetime) -> Run:
    """Make a new run folder with its recipe.json in the folder `runs`; without a name it is named after the time.

    Raises:
        RunError: the name is taken or is not a plain file name, or the folder cannot be made.
    """
    if name is not None:
        check_name(name)
    stem = name if name is not None else now.strftime("%Y-%m-%d-%H-%M-%S")
    for attempt in itertools.count(1):
        path = runs / (stem if attempt == 1 else f"{stem}-{attempt}")
        try:
            path.mkdir(parents=True)
            break
        except FileExistsError:
            if name is not None:
                check_free(runs, name)
        except OSError as error:
            raise RunError(f"cannot make the run folder {path}: {error.strerror}; choose another --runs") from None
    (path / "checkpoints").mkdir()
    write_text(path / "recipe.json", recipe.model_dump_json(indent=1) + "\n")
    return Run(path)


def open_run(path: str | Path) -> Run:
    """The run in an existing folder. Raises RunError if it is missing, damaged or of another format."""
    run = Run(Path(path))
    if not run.path.is_dir():
        raise RunError(f"expected a run folder, found nothing at {path}; `tendigits runs` lists them")
    run.record()
    return run


def find_run(path: str | Path, runs: Path = RUNS) -> Run:
    """A run by its path, or by its name in the folder `runs`. Raises RunError as `open_run`."""
    return open_run(find_model(path, runs))


def find_model(path: str | Path, runs: Path = RUNS) -> Path:
    """A path, or the folder of the run of this name in the folder `runs`. Raises RunError if there is neither."""
    for found in (Path(path), runs / path):
        if found.exists():
            return found
    names = (run.parent.name for run in runs.glob("*/run.json"))
    near = difflib.get_close_matches(str(path), names, n=1)
    hint = f"did you mean {near[0]}?" if near else "`tendigits runs` lists the runs"
    raise RunError(f"expected a path, or the name of a run in {runs}, found no {path}; {hint}")
