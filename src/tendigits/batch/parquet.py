"""Read a million pictures into a table: a folder of Parquet files that grows part by part, and resumes after any end.

    out/part-00000.parquet              a row for each number: pandas.read_parquet("out")
    out/_pictures/part-00000.parquet    a row for each picture, also without numbers or unreadable
    out/_settings.json                  what the pictures were read with

summary = read_into(Path("out"), ["scans/1.png", "scans/2.png"])
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tendigits.batch.batch import TIMEOUT, Result, read_with, reader_pool
from tendigits.batch.sources import is_remote
from tendigits.digits.network import bundled_file
from tendigits.digits.runtime import asset
from tendigits.errors import RunError, printable
from tendigits.files import lock_folder, make_folder, make_inside, replacing, sha256, write_or_compare
from tendigits.geometry import Box
from tendigits.read.reader import PACKAGE, ReaderOptions
from tendigits.untrusted import open_inside

FORMAT = 3

ADVICE = "write to another folder"

PART = 1000
"""The most pictures of a part."""

PERIOD = 30.0
"""Seconds after which a smaller part is written: the most work that is repeated after a kill."""

MAX_PART = 2**30
"""Bytes of a part's file: a thousand times what PART pictures take."""

TEXT, NUMBER = pa.string(), pa.int32()

NUMBERS = pa.schema(
    {
        "path": TEXT,
        "order": NUMBER,
        "table": NUMBER,
        "row": NUMBER,
        "column": TEXT,
        "value": TEXT,
        "number": TEXT,
        "confidence": pa.float32(),
        "accepted": pa.bool_(),
        "reason": TEXT,
    }
    | dict.fromkeys(Box._fields, NUMBER)
)
"""The columns of the numbers; the same as those of the CSV."""

PICTURES = pa.schema(
    {"path": TEXT, "width": NUMBER, "height": NUMBER, "numbers": NUMBER, "error": TEXT, "notice": TEXT}
)
"""The columns of the pictures; `error` says why one couldn't be read, `notice` why not all of it was. The last row of a
path counts."""


@dataclass
class Summary:
    """What one call read."""

    before: int
    """Pictures that had been read before."""
    pictures: int = 0
    numbers: int = 0
    failed: list[str] = field(default_factory=list)
    """Why pictures couldn't be read."""
    notices: list[str] = field(default_factory=list)
    """Why not all of a picture was read."""


@dataclass(frozen=True)
class Rows:
    """The rows of one picture; columns that it lacks are null."""

    picture: dict[str, Any]
    numbers: list[dict[str, Any]]


def read_into(
    folder: Path,
    paths: Sequence[str],
    *,
    one: bool = False,
    options: ReaderOptions = PACKAGE,
    workers: int | None = None,
    ray: str | None = None,
    timeout: float | None = TIMEOUT,
    progress: Callable[[int, int], None] = lambda done, total: None,
    clock: Callable[[], float] = time.monotonic,
) -> Summary:
    """Read the pictures that the table in `folder` doesn't have yet. An interrupted call keeps what was read.

    Args:
        folder: of the table; made if it doesn't exist.
        paths: paths and addresses of pictures.
        one: each picture is of one digit.
        options: what to read with.
        workers: number of processes, or of actors on a cluster; None takes one for each core.
        ray: address of a Ray cluster, or "local"; None reads on this machine without Ray.
        timeout: seconds for each picture; None for any.
        progress: called after each picture with the numbers of pictures done and in total.
        clock: seconds.

    Raises:
        TendigitsError: a table of other settings, a full disk, a lost cluster.
    """
    reader = options.open()  # fails before anything is written or started
    settings = {
        "network": _digest(options.model), "lines": _digest_of_lines(), "decimal": options.decimal, "one": one,
        "threshold": reader.threshold if one else reader.number_threshold,
    }  # fmt: skip
    paths = [path if is_remote(path) else str(Path(path).absolute()) for path in paths]
    with open_table(folder, settings) as table:
        todo = [path for path in dict.fromkeys(paths) if printable(path) not in table.done]
        summary = Summary(before=len(paths) - len(todo))
        part: list[Rows] = []
        written = clock()
        try:
            for rows in _read_rows(todo, one, options, workers, ray, timeout):
                part.append(rows)
                summary.pictures += 1
                summary.numbers += len(rows.numbers)
                if "error" in rows.picture:
                    summary.failed.append(rows.picture["error"])
                if rows.picture.get("notice"):
                    summary.notices.append(f"{rows.picture['path']}: {rows.picture['notice']}")
                progress(summary.pictures, len(todo))
                if len(part) >= PART or clock() - written >= PERIOD:
                    ready, part = part, []
                    table.add(ready)
                    written = clock()
        finally:
            table.add(part)
        return summary


def _read_rows(
    paths: list[str],
    one: bool,
    options: ReaderOptions,
    workers: int | None,
    ray: str | None,
    timeout: float | None,
) -> Iterator[Rows]:
    if options.model is not None:  # processes on other machines have other working directories
        options = replace(options, model=str(Path(options.model).absolute()))
    if ray is None:
        with reader_pool(options, workers, timeout) as pool:
            yield from map(rows_of, read_with(pool, paths, one))
    elif paths:
        from tendigits.batch.ray import read_on_ray

        yield from read_on_ray(ray, paths, one=one, options=options, workers=workers, timeout=timeout)


def rows_of(result: Result) -> Rows:
    """Convert a result to rows."""
    page, path = result.page, printable(result.path)
    if page is None:
        return Rows({"path": path, "numbers": 0, "error": printable(str(result.error))}, [])
    cells = page.cells()
    numbers = [
        {
            "path": path, "order": number,
            **dict(zip(("table", "row", "column"), cells.get(number - 1, ()), strict=False)), "value": line.value,
            "number": None if line.number is None else str(line.number), "confidence": line.confidence,
            "accepted": line.accepted, "reason": line.reason, **line.box._asdict(),
        }
        for number, line in enumerate(page.numbers, 1)
    ]  # fmt: skip
    width, height = page.size
    about = {"width": width, "height": height, "numbers": len(numbers), "notice": page.notice}
    return Rows({"path": path, **about}, numbers)


@dataclass(frozen=True)
class Table:
    """The folder of a table, locked by this process."""

    folder: Path
    pictures: Path
    """The folder of the pictures' rows; readers of the table ignore names that begin with `_`."""
    done: frozenset[str]
    """Paths and addresses of the pictures that were read; those that failed are not among them."""

    def add(self, pictures: Sequence[Rows]) -> None:
        """Write one more part, whole or not at all. Raises DiskError."""
        if pictures:
            numbers = [row for rows in pictures for row in rows.numbers]
            before = _parts(self.pictures)
            name = f"part-{int(before[-1].stem.removeprefix('part-')) + 1 if before else 0:05}.parquet"
            _write(self.folder / name, numbers, NUMBERS)
            _write(self.pictures / name, [rows.picture for rows in pictures], PICTURES)  # commits the part


@contextmanager
def open_table(folder: Path, settings: dict[str, Any]) -> Iterator[Table]:
    """Open a table and lock it; it is made if it doesn't exist.

    Args:
        settings: everything that decides what is read; a table can't mix different ones.

    Raises:
        RunError: another process uses it, it was read with other settings, or it is damaged.
        DiskError: the folder can't be made.
    """
    make_folder(folder)
    pictures = make_inside(folder, "_pictures")
    with lock_folder(folder, ADVICE):
        path = folder / "_settings.json"
        if _parts(folder) and not path.exists():
            raise RunError(f"{folder} holds other Parquet files; {ADVICE}")
        write_or_compare(path, {"format": FORMAT, **settings}, "was read with", ADVICE)
        committed = {part.name for part in _parts(pictures)}
        for part in _parts(folder):
            if part.name not in committed:  # its process ended before it wrote the pictures' rows
                part.unlink()
        yield Table(folder, pictures, frozenset(_paths_read(pictures)))


def _paths_read(pictures: Path) -> Iterator[str]:
    errors: dict[str, str | None] = {}
    for part in _parts(pictures):
        try:
            with open_inside(pictures, part.name, MAX_PART) as file:
                rows = parquet.read_table(file, columns=["path", "error"])
        except (OSError, ValueError) as error:  # Arrow's own errors are among these
            raise RunError(f"{part} is damaged: {error}; delete it and the part of the same name above it") from None
        errors |= dict(zip(rows["path"].to_pylist(), rows["error"].to_pylist(), strict=True))
    return (path for path, error in errors.items() if error is None)


def _parts(folder: Path) -> list[Path]:
    # By length first: part 100000 comes after 99999.
    return sorted(folder.glob("part-*[0-9].parquet"), key=lambda path: (len(path.name), path.name))


def _write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    with replacing(path, check=parquet.read_metadata) as temporary:
        parquet.write_table(pa.Table.from_pylist(rows, schema), temporary)


def _digest(model: str | Path | None) -> str:
    """SHA-256 of the network."""
    if model is None:
        return hashlib.sha256(bundled_file()).hexdigest()
    path = Path(model)
    return sha256(path / "model.keras" if path.is_dir() else path)


def _digest_of_lines() -> str:
    """SHA-256 of the networks that find and read lines."""
    return hashlib.sha256(asset("numbers", "finder.onnx") + asset("numbers", "numbers.onnx")).hexdigest()
