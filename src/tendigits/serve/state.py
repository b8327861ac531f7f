"""What one application holds: the store, the network that reads, the threads, the jobs, the counters."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fastapi import Request

from tendigits.read.find import Found
from tendigits.read.reader import Reader
from tendigits.read.results import Digit
from tendigits.serve.active_model import Reading
from tendigits.serve.batching import Batcher, Crew
from tendigits.serve.jobs import Jobs
from tendigits.serve.metrics import Metrics
from tendigits.teach.store import Store


@dataclass(eq=False)
class State:
    """Made once by `create_app`."""

    store: Store
    place: str
    """Where the store is, as it was given: a lesson opens it in a process of its own."""
    runs: Path
    reading: Reading
    crew: Crew
    """Threads for what is quick."""
    slow: Crew
    """Threads for large pictures, so that these hold up nobody else."""
    large: int
    """Bytes from which on a picture is large."""
    batcher: Batcher[tuple[Reader, bytes], tuple[Digit, Found]]
    jobs: Jobs
    metrics: Metrics
    now: Callable[[], datetime]
    fixed: bool
    """The network was chosen on the command line: taught ones are not used."""


def state_of(request: Request) -> State:
    """Of the application that answers this request."""
    state: State = request.app.state.tendigits
    return state
