"""Read a million pictures into a table: a folder of Parquet files that grows part by part, and can be resumed.

    out/part-00000.parquet              a row for each number: pandas.read_parquet("out")
    out/_pictures/part-00000.parquet    a row for each picture, also without numbers or unreadable
    out/_settings.json                  what the pictures were read with

summary = read_into(Path("out"), ["scans/1.png", "scans/2.png"], ReadOptions())

On a cluster, Ray Data sends blocks of paths to actors, one for each core, and sends the blocks of a lost actor to
another one. Only paths and rows are transferred; each actor opens the pictures itself.
"""

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from tendigits.batch.options import ReadOptions
from tendigits.batch.reading import DIGITS_PER_JOB, read_with, reader_pool
from tendigits.batch.sources import is_remote
from tendigits.cluster import connected
from tendigits.digits.network import bundled_file
from tendigits.digits.runtime import asset
from tendigits.errors import DataError, Failure, RunError, printable, reason_of
from tendigits.files import lock_folder, make_folder, make_inside, replacing, write_or_compare
from tendigits.read.page import COLUMNS, Page
from tendigits.read.reader import Reader

FORMAT = 4
ADVICE = "write to another folder"
PICTURES_FOLDER = "_pictures"  # readers of the table ignore names that begin with `_`
MAX_PART_PICTURES = 1000
MAX_PART_SECONDS = 30.0  # a smaller part is written after this time, so that a killed process loses little work
JOBS_PER_BLOCK = 32  # pages, or batches of DIGITS_PER_JOB digits, that an actor receives at once

TEXT, INTEGER = pa.string(), pa.int32()
TYPES = dict.fromkeys(("path", "column", "value", "number", "reason"), TEXT)
TYPES |= {"confidence": pa.float32(), "accepted": pa.bool_()}
NUMBERS = pa.schema({name: TYPES.get(name, INTEGER) for name in COLUMNS})  # the columns of the CSV

# `error` is why a picture could not be read, `notice` why only in part; of several rows of a path the last one counts.
PICTURES = pa.schema(
    {"path": TEXT, "width": INTEGER, "height": INTEGER, "numbers": INTEGER, "error": TEXT, "notice": TEXT}
)


class Rows(NamedTuple):
    """The rows of one picture; missing columns are null."""

    picture: dict[str, Any]
    numbers: list[dict[str, Any]]


@dataclass
class Summary:
    """What one call of `read_into` read; and why pictures could not be read, or only in part."""

    before: int  # pictures that had been read before
    pictures: int = 0
    numbers: int = 0
    failed: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def add(self, rows: Rows) -> None:
        """Count a picture."""
        picture = rows.picture
        self.pictures += 1
        self.numbers += len(rows.numbers)
        if "error" in picture:
            self.failed.append(picture["error"])
        elif picture["notice"]:
            self.notices.append(f"{picture['path']}: {picture['notice']}")


def read_into(
    folder: Path,
    paths: Sequence[str],
    options: ReadOptions,
    *,
    ray: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Summary:
    """Read the pictures that the table in `folder` does not have yet. An interrupted call keeps what was read.

    Args:
        options: its `workers` are processes, or actors on a cluster; None takes one for each core.
        ray: address of a Ray cluster, or "local"; None reads on this machine without Ray.
        progress: called after each picture with the numbers of pictures done and in total.

    Raises:
        RunError: the table was read with other settings, another process uses it, or it is damaged.
        UserError: Ray isn't installed, or its address, a setting or the model is wrong.
        HostError: the cluster cannot be reached.
        Failure: the cluster was lost, or ran out of memory or disk; or a file could not be written.
    """
    reader = Reader(**options.settings)  # raises before anything is written or started
    network, model = bundled_file(), options.settings.get("model")
    if model is not None:  # processes on other machines have other working directories
        model = Path(model).absolute()
        network = (model / "model.keras" if model.is_dir() else model).read_bytes()
        options = replace(options, settings={**options.settings, "model": str(model)})
    number_network = asset("numbers", "finder.onnx") + asset("numbers", "numbers.onnx")
    made_with = {
        "network": hashlib.sha256(network).hexdigest(), "numbers": hashlib.sha256(number_network).hexdigest(),
        "decimal": reader.options.decimal, "one": options.one,
        "threshold": reader.threshold if options.one else reader.number_threshold,
    }  # fmt: skip
    paths = [path if is_remote(path) else str(Path(path).absolute()) for path in paths]
    with locked_table(folder, made_with) as read_before:
        todo = [path for path in dict.fromkeys(paths) if printable(path) not in read_before]
        summary = Summary(before=len(paths) - len(todo))
        part: list[Rows] = []
        written = time.monotonic()
        try:
            for rows in _read_rows(todo, options, ray) if todo else ():
                part.append(rows)
                summary.add(rows)
                progress(summary.pictures, len(todo))
                if len(part) >= MAX_PART_PICTURES or time.monotonic() - written >= MAX_PART_SECONDS:
                    ready, part, written = part, [], time.monotonic()
                    add_part(folder, ready)
        finally:
            add_part(folder, part)
        return summary


def rows_of(path: str, page: Page | DataError) -> Rows:
    """Convert a picture's page, or the reason why it could not be read, to rows."""
    path = printable(path)
    if isinstance(page, DataError):
        return Rows({"path": path, "numbers": 0, "error": printable(str(page))}, [])
    cells = page.cells()
    numbers = [
        (
            path, order, *cells.get(order - 1, (None, None, None)), number.value,
            None if number.number is None else str(number.number), number.confidence, number.accepted, number.reason,
            *number.box,
        )
        for order, number in enumerate(page.numbers, 1)
    ]  # fmt: skip
    width, height = page.size
    picture = {"path": path, "width": width, "height": height, "numbers": len(numbers), "notice": page.notice}
    return Rows(picture, [dict(zip(COLUMNS, number, strict=True)) for number in numbers])


def _read_rows(paths: Sequence[str], options: ReadOptions, ray: str | None) -> Iterator[Rows]:
    """Read pictures in order, or in any order on a cluster, whose nodes open the paths and the model."""
    if ray is None:
        with reader_pool(options, options.workers) as pool:
            for path, page in read_with(pool, options, paths):
                yield rows_of(path, page)
        return
    size = JOBS_PER_BLOCK * (DIGITS_PER_JOB if options.one else 1)
    encoded = [os.fsencode(path) for path in paths]  # a file's name need not be UTF-8
    blocks = [pa.table({"path": encoded[first : first + size]}) for first in range(0, len(paths), size)]

    # A class with its arguments inside: Ray may restart an actor after its arguments are deleted.
    class Actor:
        """Reads in a separate process, so that a picture that kills it does not kill the actor."""

        def __init__(self) -> None:
            self.pool = reader_pool(options, 1)
            self.deadlines: dict[str, float] = {}  # of documents, for all blocks of this actor

        def __call__(self, block: pa.Table) -> pa.Table:
            paths = [os.fsdecode(path) for path in block["path"].to_pylist()]
            read = read_with(self.pool, options, paths, self.deadlines)
            return pa.table({"rows": [json.dumps(rows_of(path, page)) for path, page in read]})

    with connected(ray, workers=options.workers) as cores:
        from ray import data
        from ray.exceptions import RayError

        data.DataContext.get_current().enable_progress_bars = False
        actors = data.ActorPoolStrategy(min_size=1, max_size=min(options.workers or cores, len(blocks)))
        arrow = {"batch_size": None, "batch_format": "pyarrow"}
        logging.disable(logging.WARNING)  # of Ray; errors are raised anyway
        try:
            read = data.from_arrow(blocks).map_batches(Actor, compute=actors, num_cpus=1, **arrow)
            for batch in read.iter_batches(**arrow):
                yield from (Rows(*json.loads(text)) for text in batch["rows"].to_pylist())
        except RayError as error:
            reason = f"{type(error).__name__}: {reason_of(error)}"
            raise Failure(f"the Ray cluster failed ({reason}); run the same command again to resume") from None
        finally:
            logging.disable(logging.NOTSET)


@contextmanager
def locked_table(folder: Path, settings: dict[str, Any]) -> Iterator[frozenset[str]]:
    """Lock a table, which is created if it does not exist. Yields the paths that were read without an error.

    Raises:
        RunError: another process uses it, it was read with other settings, or it is damaged.
        DiskError: the folder cannot be created.
    """
    make_folder(folder)
    pictures = make_inside(folder, PICTURES_FOLDER)
    with lock_folder(folder, ADVICE):
        path = folder / "_settings.json"
        if _parts(folder) and not path.exists():
            raise RunError(f"{folder} holds other Parquet files; {ADVICE}")
        write_or_compare(path, {"format": FORMAT, **settings}, "was read with", ADVICE)
        committed = {part.name for part in _parts(pictures)}
        for part in _parts(folder):
            if part.name not in committed:  # its process ended before it wrote the pictures' rows
                part.unlink()
        yield frozenset(_paths_read(pictures))


def add_part(folder: Path, pictures: Sequence[Rows]) -> None:
    """Write another part into a locked table, completely or not at all. Raises DiskError."""
    if pictures:
        numbers = [row for rows in pictures for row in rows.numbers]
        before = _parts(folder / PICTURES_FOLDER)
        name = f"part-{int(before[-1].stem.removeprefix('part-')) + 1 if before else 0:05}.parquet"
        _write(folder / name, numbers, NUMBERS)
        _write(folder / PICTURES_FOLDER / name, [rows.picture for rows in pictures], PICTURES)  # commits the part


def _paths_read(pictures: Path) -> Iterator[str]:
    errors: dict[str, str | None] = {}
    for part in _parts(pictures):
        try:
            rows = parquet.ParquetFile(part).read(["path", "error"])
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
