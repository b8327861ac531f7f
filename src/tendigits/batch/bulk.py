"""A million pictures into a table: part by part, by processes here or by a Ray cluster, and on where it was.

summary = read_into(Path("out"), Bulk(places=["scans"]), Reader())
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tendigits.batch.batch import crew_of, read_with
from tendigits.batch.parquet import Outcome, Table, open_table, outcome
from tendigits.batch.sources import find_pictures, is_remote
from tendigits.read.network import bundled_file
from tendigits.read.reader import Reader

PART = 1000
"""Pictures of a part of the table at most."""

PERIOD = 30.0
"""Seconds after which a part is written though it is small: the most that is read again after a kill."""


@dataclass(frozen=True)
class Bulk:
    """What is read, and how."""

    places: Sequence[str]
    one: bool = False
    model: str | None = None
    threshold: float | None = None
    workers: int | None = None
    """Processes; None takes all cores, here or of the cluster."""
    ray: str | None = None
    """A cluster's address, or "local"; None reads with processes of this machine."""


@dataclass
class Summary:
    """What one call has read."""

    before: int
    """Pictures that had been read already."""
    pictures: int = 0
    numbers: int = 0
    failed: list[str] = field(default_factory=list)
    """Why pictures could not be read."""


Step = Callable[[int, int], None]
"""Told after each picture: how many of how many."""


def read_into(
    folder: Path, bulk: Bulk, step: Step = lambda done, total: None, clock: Callable[[], float] = time.monotonic
) -> Summary:
    """Read the pictures that the table in `folder` has not.

    What was read when an error comes is kept.

    Raises:
        TendigitsError: no pictures, a table of other readings, a full disk, a lost cluster.
    """
    reader = Reader(bulk.model, bulk.threshold)  # before a process or a cluster is started: a wrong one is told at once
    settings = {"network": _digest(bulk.model), "threshold": reader.threshold, "one": bulk.one}
    places = [place if is_remote(place) else str(Path(place).absolute()) for place in find_pictures(bulk.places)]
    with open_table(folder, settings) as table:
        todo = [place for place in dict.fromkeys(places) if place not in table.done]
        summary = Summary(before=len(places) - len(todo))
        if todo:
            _fill(table, _outcomes(bulk, todo), summary, step, len(todo), clock)
        return summary


def _outcomes(bulk: Bulk, places: list[str]) -> Iterable[Outcome]:
    model = None if bulk.model is None else str(Path(bulk.model).absolute())
    if bulk.ray is not None:
        from tendigits.batch.ray import read_on_ray

        yield from read_on_ray(
            bulk.ray, places, one=bulk.one, model=model, threshold=bulk.threshold, workers=bulk.workers
        )
        return
    with crew_of(model, bulk.threshold, bulk.workers) as crew:
        yield from map(outcome, read_with(crew, places, bulk.one))


def _fill(
    table: Table, outcomes: Iterable[Outcome], summary: Summary, step: Step, total: int, clock: Callable[[], float]
) -> None:
    part: list[Outcome] = []
    written = clock()
    try:
        for one in outcomes:
            part.append(one)
            summary.pictures += 1
            summary.numbers += len(one.numbers)
            if one.error is not None:
                summary.failed.append(one.error)
            step(summary.pictures, total)
            if len(part) >= PART or clock() - written >= PERIOD:
                ready, part = part, []
                table.add(ready)
                written = clock()
    finally:
        table.add(part)


def _digest(model: str | None) -> str:
    """SHA-256 of the network: readings of two are not to be mixed."""
    if model is None:
        return hashlib.sha256(bundled_file()).hexdigest()
    path = Path(model)
    file = path / "model.keras" if path.is_dir() else path
    return hashlib.sha256(file.read_bytes()).hexdigest()
