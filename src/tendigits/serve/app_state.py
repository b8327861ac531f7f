"""The parts that one application shares between its requests, as a FastAPI dependency.

def list_corrections(state: State) -> ...
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from tendigits.play.session import Playground
from tendigits.serve.active_model import ActiveModel
from tendigits.serve.jobs import Jobs
from tendigits.serve.metrics import Metrics
from tendigits.serve.reading.batching import BoundedThreads
from tendigits.serve.reading.digits import DigitReading
from tendigits.serve.reading.pages import PagePool
from tendigits.serve.routes.photo_inbox import PhotoInbox
from tendigits.serve.routes.run_networks import ReadingNetworks
from tendigits.teach.store import Store


@dataclass(eq=False)
class AppState:
    """Made once by `create_app`."""

    store: Store
    store_location: str
    """The store's file, for the process that fine-tunes."""
    runs: Path
    active: ActiveModel
    threads: BoundedThreads
    """For arrays, and for what `digits` does in this process."""
    pages: PagePool
    """For all other pictures."""
    store_threads: BoundedThreads
    """For calls of the store; see store_calls.py."""
    digits: DigitReading
    """For pictures of one digit."""
    jobs: Jobs
    metrics: Metrics
    now: Callable[[], datetime]
    is_fixed: bool
    """Whether the network was chosen on the command line, so that fine-tuned ones are not used."""
    play: Playground
    photos: PhotoInbox | None
    """Photos from a phone; None if the server takes none."""
    networks: ReadingNetworks = field(default_factory=ReadingNetworks)
    """Networks of runs that clients read with."""


async def _state_of(request: Request) -> AppState:  # FastAPI would call a plain function in a thread
    state: AppState = request.app.state.tendigits
    return state


State = Annotated[AppState, Depends(_state_of)]
