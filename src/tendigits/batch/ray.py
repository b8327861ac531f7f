"""Read pictures with the actors of a Ray cluster.

for rows in read_on_ray("10.0.0.1:6379", paths): ...

Ray Data gives blocks of paths to the actors, one for each core, as fast as they read, and gives the blocks of a lost
actor to another. Only paths and rows travel; each actor opens the pictures itself.
"""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict

import pyarrow as pa

from tendigits.batch.batch import DIGITS_PER_JOB, TIMEOUT, read_with, reader_pool
from tendigits.batch.parquet import Rows, rows_of
from tendigits.cluster import connected
from tendigits.errors import Failure, reason_of
from tendigits.read.reader import PACKAGE, ReaderOptions

BLOCK = 32
"""Jobs that an actor receives at once: pages, or DIGITS_PER_JOB digits each."""


def read_on_ray(
    address: str,
    paths: list[str],
    *,
    one: bool = False,
    options: ReaderOptions = PACKAGE,
    workers: int | None = None,
    timeout: float | None = TIMEOUT,
) -> Iterator[Rows]:
    """Read pictures in any order.

    Args:
        address: of the cluster, or "local"; see `connected`.
        paths: paths or addresses that every node can open; the same goes for the model.
        one: each picture is of one digit.
        options: what to read with.
        workers: maximum number of actors; None takes one for each core.
        timeout: seconds for each picture; None for any.

    Raises:
        UserError: Ray isn't installed, or the address is invalid.
        HostError: there is no such cluster.
        Failure: the cluster was lost, or ran out of memory or disk.
    """
    size = BLOCK * (DIGITS_PER_JOB if one else 1)
    with connected(address, workers=workers) as cores:
        import ray

        encoded = [os.fsencode(path) for path in paths]  # a name may be no UTF-8
        blocks = [pa.table({"path": encoded[first : first + size]}) for first in range(0, len(paths), size)]
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.disable(logging.WARNING)  # Ray's own; errors are raised anyway
        try:
            read = ray.data.from_arrow(blocks).map_batches(
                _actor(options, one, timeout),
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


def _actor(options: ReaderOptions, one: bool, timeout: float | None) -> type:
    """Make the class of the actors, arguments included: Ray may restart an actor after they are gone."""

    class Actor:
        """Reads in a process of its own, so that a picture that kills the process doesn't kill the actor."""

        def __init__(self) -> None:
            self.pool = reader_pool(options, 1, timeout)

        def __call__(self, batch: pa.Table) -> pa.Table:
            results = read_with(self.pool, [os.fsdecode(path) for path in batch["path"].to_pylist()], one)
            return pa.table({"rows": [json.dumps(asdict(rows_of(result))) for result in results]})

    return Actor
