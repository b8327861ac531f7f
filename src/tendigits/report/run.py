"""A run folder: everything about one training, in files that a person and a program can read.

runs/2026-11-24-23-59-01/
  recipe.json    every setting                  run.json     versions, machine, data, durations, result
  history.csv    a line an epoch                curves.svg   curves.png
  model.keras    model.h5                       report.html  report.md     report.json
  confusion.png  mistakes.png
  checkpoints/   the last two epochs, until the run is finished
"""

import csv
import io
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tendigits.errors import RunError
from tendigits.files import held, remove_leftovers, write_text
from tendigits.model.recipe import Recipe

FORMAT = 2
Record = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run folder that exists; its files are read and written through here."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """Where the checkpoints are while the run is not finished."""
        return self.path / "checkpoints"

    def recipe(self) -> Recipe:
        """The recipe that the run was started with. Raises RunError, RecipeError."""
        return Recipe(**self._json("recipe.json"))

    def record(self) -> Record:
        """run.json as a dict. Raises RunError where it is missing, damaged or of another format."""
        record = self._json("run.json")
        if (found := record.get("format")) == 1:
            raise RunError(f"{self.path} is a run folder of format 1, made by an older tendigits; train again")
        if found != FORMAT:
            raise RunError(
                f"{self.path / 'run.json'}: expected format {FORMAT}, received {found!r}; "
                "use the tendigits that wrote it"
            )
        return record

    def write_record(self, record: Record) -> None:
        """Write run.json, whole or not at all. Raises DiskError."""
        write_text(self.path / "run.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    def history(self) -> dict[str, list[float]]:
        """history.csv as column -> values, without the column 'epoch'; empty before the first epoch's end.

        Raises:
            RunError: it is damaged.
        """
        path = self.path / "history.csv"
        if not path.exists():
            return {}
        try:
            rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
            return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ()) if name != "epoch"}
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"cannot read {path}: {error}") from error

    def write_history(self, history: Mapping[str, Sequence[float]]) -> None:
        """Write history.csv, a line an epoch from 1; the numbers read back exactly. Raises DiskError."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["epoch", *history])
        rows.writerows([i, *map(repr, values)] for i, values in enumerate(zip(*history.values(), strict=True), 1))
        write_text(self.path / "history.csv", text.getvalue())

    def remove_checkpoints(self) -> None:
        """Delete the checkpoints of a finished run."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def is_locked(self) -> bool:
        """Whether a process is writing to the run now."""
        try:
            with FileLock(self.path / ".lock", timeout=0, preserve_lock_file=True):
                return False
        except Timeout:
            return True

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run while writing to it; the system frees it when the process ends, however it ends.

        Raises:
            RunError: another process holds it; named by its process id.
        """
        with held(self.path, "choose another --name"):
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


def create_run(runs: Path, recipe: Recipe, name: str | None, now: datetime) -> Run:
    """Make a new folder in `runs`, called `name` or by the time, and write the recipe into it.

    Raises:
        RunError: the name is taken, or is no plain file name.
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
                raise RunError(f"{path} exists; choose another --name, or go on with --resume {path}") from None
        except OSError as error:
            raise RunError(f"cannot make the run folder {path}: {error.strerror}; choose another --runs") from None
        else:
            (path / "checkpoints").mkdir()
            write_text(path / "recipe.json", recipe.model_dump_json(indent=1) + "\n")
            return Run(path)
    raise RunError(f"expected a free name in {runs}, {stem}-1 to {stem}-999 are taken; choose a --name")


def open_run(path: str | Path) -> Run:
    """The run in an existing folder. Raises RunError where it is none, or of another format."""
    run = Run(Path(path))
    if not run.path.is_dir():
        raise RunError(f"expected a run folder, there is none at {path}; `tendigits runs` lists them")
    run.record()
    return run


def list_runs(runs: Path) -> list[Run]:
    """All runs in the folder, oldest first; what is no run is passed over."""
    found = []
    for path in runs.iterdir() if runs.is_dir() else ():
        try:
            found.append((open_run(path).record()["created"], path.name, Run(path)))
        except (RunError, KeyError):
            continue
    return [run for *_, run in sorted(found, key=lambda item: item[:2])]
