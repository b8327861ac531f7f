"""A table of what was read, as a folder of Parquet files that grows part by part and is whole after any end.

    out/part-00000.parquet              a row for each number: pandas.read_parquet("out")
    out/_pictures/part-00000.parquet    a row for each picture that was looked at, also without a number, or unreadable
    out/_settings.json                  what they were read with

with open_table(Path("out"), settings) as table:
    table.add([outcome(result), ...])
    table.done                                        # the pictures that need not be read again
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tendigits.batch.batch import Result
from tendigits.errors import RunError
from tendigits.files import held, make_folder, replacing, write_text

FORMAT = 1

NUMBERS = pa.schema(
    [
        ("path", pa.string()),
        ("line", pa.int32()),
        ("value", pa.string()),
        ("confidence", pa.float32()),
        ("accepted", pa.bool_()),
        ("reason", pa.string()),
        ("left", pa.int32()),
        ("top", pa.int32()),
        ("right", pa.int32()),
        ("bottom", pa.int32()),
    ]
)
"""Of the numbers; the columns of the CSV, and why one is not accepted."""

PICTURES = pa.schema(
    [
        ("path", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("numbers", pa.int32()),
        ("error", pa.string()),
    ]
)
"""Of the pictures; `error` says why one could not be read. Of several rows of a path the last counts."""


@dataclass(frozen=True)
class Outcome:
    """What became of one picture, as rows."""

    picture: dict[str, Any]
    numbers: list[dict[str, Any]]

    @property
    def error(self) -> str | None:
        """Why it could not be read."""
        error: str | None = self.picture["error"]
        return error


def outcome(result: Result) -> Outcome:
    """The rows of a picture."""
    page = result.page
    if page is None:
        failed = {"path": result.path, "width": None, "height": None, "numbers": 0, "error": str(result.error)}
        return Outcome(failed, [])
    numbers = [
        {
            "path": result.path, "line": number, "value": line.value, "confidence": line.confidence,
            "accepted": line.accepted, "reason": line.reason, "left": line.box.left, "top": line.box.top,
            "right": line.box.right, "bottom": line.box.bottom,
        }
        for number, line in enumerate(page.lines, 1)
    ]  # fmt: skip
    width, height = page.size
    picture = {"path": result.path, "width": width, "height": height, "numbers": len(numbers), "error": None}
    return Outcome(picture, numbers)


@dataclass(frozen=True)
class Table:
    """The folder, held by this process."""

    folder: Path
    done: frozenset[str]
    """Paths and addresses of the pictures that were read; those that could not be are not among them."""

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Write one more part: on the disk as a whole, or not at all. Raises DiskError."""
        if outcomes:
            numbers = [row for one in outcomes for row in one.numbers]
            before = _parts(self.pictures)
            name = f"part-{int(before[-1].stem.removeprefix('part-')) + 1 if before else 0:05}.parquet"
            _write(self.folder / name, numbers, NUMBERS)
            _write(self.pictures / name, [one.picture for one in outcomes], PICTURES)  # from now on it counts

    @property
    def pictures(self) -> Path:
        """Where the rows of the pictures are; whoever reads the folder's table passes over what begins with `_`."""
        return self.folder / "_pictures"


@contextmanager
def open_table(folder: Path, settings: dict[str, Any]) -> Iterator[Table]:
    """Hold a table, made where there is none.

    Args:
        settings: what decides what is read: a table holds readings of one kind only.

    Raises:
        RunError: it is held by another process, was read with other settings, or is damaged.
        DiskError: the folder cannot be made.
    """
    table = Table(folder, frozenset())
    make_folder(table.pictures)
    with held(folder, "write to another folder"):
        _note(folder, settings)
        committed = {part.name for part in _parts(table.pictures)}
        for part in _parts(folder):
            if part.name not in committed:  # its process ended before the pictures' rows were written
                part.unlink()
        yield Table(folder, frozenset(_read_before(table.pictures)))


def _note(folder: Path, settings: dict[str, Any]) -> None:
    path, content = folder / "_settings.json", {"format": FORMAT, **settings}
    if not path.exists():
        if _parts(folder):
            raise RunError(f"{folder} holds Parquet files of something else; write to another folder")
        write_text(path, json.dumps(content, indent=1) + "\n")
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        different = [key for key in content if before.get(key) != content[key]]
    except (ValueError, AttributeError) as error:
        raise RunError(f"{path} is damaged: {error}; write to another folder") from None
    if different:
        raise RunError(f"{folder} was read with another {' and another '.join(different)}; write to another folder")


def _read_before(pictures: Path) -> Iterator[str]:
    errors: dict[str, str | None] = {}
    for part in _parts(pictures):
        try:
            rows = parquet.read_table(part, columns=["path", "error"])
        except (OSError, ValueError) as error:  # Arrow's own are of these
            raise RunError(f"{part} is damaged: {error}; delete it and that of the same name above it") from None
        errors |= dict(zip(rows["path"].to_pylist(), rows["error"].to_pylist(), strict=True))
    return (path for path, error in errors.items() if error is None)


def _parts(folder: Path) -> list[Path]:
    # By length first: part 100000 comes after 99999.
    return sorted(folder.glob("part-*[0-9].parquet"), key=lambda path: (len(path.name), path.name))


def _write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    with replacing(path, check=parquet.read_metadata) as temporary:
        parquet.write_table(pa.Table.from_pylist(rows, schema), temporary)
