"""Pictures read by the actors of a Ray cluster, each with a reader of its own.

for one in read_on_ray("10.0.0.1:6379", places): ...

Ray Data hands blocks of places to the actors, as many as there are cores, no faster than they read, and gives those of
an actor that is lost to another. Only places and rows travel; each actor opens the pictures itself.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from tendigits.batch.batch import TOGETHER, crew_of, read_with
from tendigits.batch.parquet import Outcome, outcome
from tendigits.cluster import connected
from tendigits.errors import Failure

BLOCK = 32
"""Pages, or TOGETHER digits each, that an actor is given at once, and gives back."""


def read_on_ray(
    address: str,
    places: list[str],
    *,
    one: bool = False,
    model: str | None = None,
    threshold: float | None = None,
    workers: int | None = None,
) -> Iterator[Outcome]:
    """Read pictures in any order.

    Args:
        address: of the cluster, or "local"; see `connected`.
        places: paths or addresses that every node can open, as it can the model.
        one: each is of one digit.
        model, threshold: see `Reader`.
        workers: actors at most; None takes one for each core.

    Raises:
        UserError: Ray is not installed, or the address is none.
        HostError: there is no such cluster.
        Failure: it was lost, or ran out of memory or disk.
    """
    size = BLOCK * (TOGETHER if one else 1)
    with connected(address, workers=workers) as cores:
        import ray

        blocks = [pa.table({"place": places[first : first + size]}) for first in range(0, len(places), size)]
        with _quietly(ray):
            read = ray.data.from_arrow(blocks).map_batches(
                _actor(model, threshold, one),
                batch_size=None,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(workers or cores, len(blocks))),
                num_cpus=1,
            )
            try:
                for batch in read.iter_batches(batch_size=None, batch_format="pyarrow"):
                    yield from (Outcome(**json.loads(text)) for text in batch["outcome"].to_pylist())
            except ray.exceptions.RayError as error:
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
                raise Failure(f"the Ray cluster failed ({reason}); the same command goes on where it was") from None


def _actor(model: str | None, threshold: float | None, one: bool) -> type:
    """What each actor is; it has its arguments with it, for Ray may start it again where they no longer are."""

    class Actor:
        """Reads in a process beside it: a picture of which that one dies takes no actor with it."""

        def __init__(self) -> None:
            self.crew = crew_of(model, threshold, workers=1)

        def __call__(self, batch: pa.Table) -> pa.Table:
            results = read_with(self.crew, batch["place"].to_pylist(), one)
            return pa.table({"outcome": [json.dumps(asdict(outcome(result))) for result in results]})

    return Actor


@contextmanager
def _quietly(ray: Any) -> Iterator[None]:
    """Progress is shown by us; what goes wrong comes as an error."""
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
