"""Read pictures with the actors of a Ray cluster.

Ray Data sends blocks of paths to the actors, one for each core, and sends the blocks of a lost actor to another one.
Only paths and rows are transferred; each actor opens the pictures itself.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from tendigits.batch.reading import DIGITS_PER_JOB, read_with, reader_pool
from tendigits.batch.rows import Rows, rows_of
from tendigits.cluster import connected
from tendigits.errors import Failure, reason_of

JOBS_PER_BLOCK = 32
"""Pages, or batches of DIGITS_PER_JOB digits, that an actor receives at once."""


def read_on_ray(
    address: str, paths: list[str], one: bool, settings: Mapping[str, Any], workers: int | None, timeout: float | None
) -> Iterator[Rows]:
    """Read pictures in any order. The arguments are those of `parquet.read_into`; nodes open paths and the model.

    Raises:
        UserError: Ray isn't installed, or the address is invalid.
        HostError: the cluster cannot be reached.
        Failure: the cluster was lost, or ran out of memory or disk.
    """
    size = JOBS_PER_BLOCK * (DIGITS_PER_JOB if one else 1)
    with connected(address, workers=workers) as cores:
        import ray

        encoded = [os.fsencode(path) for path in paths]  # a file's name need not be UTF-8
        blocks = [pa.table({"path": encoded[first : first + size]}) for first in range(0, len(paths), size)]
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.disable(logging.WARNING)  # of Ray; errors are raised anyway
        try:
            read = ray.data.from_arrow(blocks).map_batches(
                _actor(settings, one, timeout),
                batch_size=None,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(workers or cores, len(blocks))),
                num_cpus=1,
            )
            for batch in read.iter_batches(batch_size=None, batch_format="pyarrow"):
                yield from (Rows(**json.loads(text)) for text in batch["rows"].to_pylist())
        except ray.exceptions.RayError as error:
            reason = f"{type(error).__name__}: {reason_of(error)}"
            raise Failure(f"the Ray cluster failed ({reason}); run the same command again to resume") from None
        finally:
            logging.disable(logging.NOTSET)


def _actor(settings: Mapping[str, Any], one: bool, timeout: float | None) -> type:
    """Make the class of the actors with its arguments: Ray may restart an actor after the arguments are deleted."""

    class Actor:
        """Reads in a separate process, so that a picture that kills it does not kill the actor."""

        def __init__(self) -> None:
            self.pool = reader_pool(settings, 1, timeout)

        def __call__(self, batch: pa.Table) -> pa.Table:
            results = read_with(self.pool, [os.fsdecode(path) for path in batch["path"].to_pylist()], one)
            return pa.table({"rows": [json.dumps(asdict(rows_of(result))) for result in results]})

    return Actor
