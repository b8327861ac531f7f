"""Read pictures into the rows of Parquet files: one for each number, and one for each picture.

for rows in read_rows(["1.png"], ray="local"):
    rows.picture, rows.numbers      # {"path": "1.png", "width": 800, ...}, [{"path": "1.png", "value": "12.50", ...}]

Ray Data sends blocks of paths to the actors of a cluster, one for each core, and sends the blocks of a lost actor to
another one. Only paths and rows are transferred; each actor opens the pictures itself.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from tendigits.batch.reading import DIGITS_PER_JOB, TIMEOUT, read_with, reader_pool
from tendigits.cluster import connected
from tendigits.errors import DataError, Failure, printable, reason_of
from tendigits.read.page import COLUMNS, Page

TEXT, INTEGER = pa.string(), pa.int32()

TYPES = dict.fromkeys(("path", "column", "value", "number", "reason"), TEXT)
TYPES |= {"confidence": pa.float32(), "accepted": pa.bool_()}

NUMBERS = pa.schema({name: TYPES.get(name, INTEGER) for name in COLUMNS})  # the columns of the CSV

# `error` is why a picture could not be read, `notice` why only in part; of several rows of a path the last one counts.
PICTURES = pa.schema(
    {"path": TEXT, "width": INTEGER, "height": INTEGER, "numbers": INTEGER, "error": TEXT, "notice": TEXT}
)

JOBS_PER_BLOCK = 32  # pages, or batches of DIGITS_PER_JOB digits, that an actor receives at once


class Rows(NamedTuple):
    """The rows of one picture; missing columns are null."""

    picture: dict[str, Any]
    numbers: list[dict[str, Any]]


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


def read_rows(
    paths: Sequence[str],
    *,
    one: bool = False,
    settings: Mapping[str, Any] = {},
    workers: int | None = None,
    ray: str | None = None,
    timeout: float | None = TIMEOUT,
) -> Iterator[Rows]:
    """Read pictures in order, or in any order on a cluster, whose nodes open the paths and the model.

    Args, where they differ from those of `read_files`:
        workers: number of processes, or of actors on a cluster; None takes one for each core.
        ray: address of a Ray cluster, or "local"; None reads on this machine without Ray.

    Raises:
        UserError: Ray isn't installed, or the address is invalid.
        HostError: the cluster cannot be reached.
        Failure: the cluster was lost, or ran out of memory or disk.
    """
    if ray is None:
        with reader_pool(settings, workers, timeout) as pool:
            for path, page in read_with(pool, paths, one):
                yield rows_of(path, page)
        return
    size = JOBS_PER_BLOCK * (DIGITS_PER_JOB if one else 1)
    encoded = [os.fsencode(path) for path in paths]  # a file's name need not be UTF-8
    blocks = [pa.table({"path": encoded[first : first + size]}) for first in range(0, len(paths), size)]

    # A class with its arguments inside: Ray may restart an actor after its arguments are deleted.
    class Actor:
        """Reads in a separate process, so that a picture that kills it does not kill the actor."""

        def __init__(self) -> None:
            self.pool = reader_pool(settings, 1, timeout)

        def __call__(self, block: pa.Table) -> pa.Table:
            read = read_with(self.pool, [os.fsdecode(path) for path in block["path"].to_pylist()], one)
            return pa.table({"rows": [json.dumps(rows_of(path, page)) for path, page in read]})

    with connected(ray, workers=workers) as cores:
        from ray import data
        from ray.exceptions import RayError

        data.DataContext.get_current().enable_progress_bars = False
        actors = data.ActorPoolStrategy(min_size=1, max_size=min(workers or cores, len(blocks)))
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
