"""What an application keeps between its requests, as a FastAPI dependency.

def list_corrections(state: State) -> ...
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from tendigits.play.session import Playground
from tendigits.serve.active_model import ActiveModel
from tendigits.serve.jobs import Jobs
from tendigits.serve.metrics import Metrics
from tendigits.serve.reading.digits import DigitReader
from tendigits.serve.reading.queue import ReadingQueue
from tendigits.serve.routes.phone import PhotoInbox
from tendigits.serve.run_networks import ReadingNetworks
from tendigits.teach.store import Store


@dataclass(eq=False)
class AppState:
    """Made once by `create_app`."""

    store: Store
    runs: Path
    active: ActiveModel
    is_fixed: bool
    """Whether the network was chosen on the command line, so that fine-tuned ones are not used."""
    pages: ReadingQueue
    """For pictures."""
    threads: CapacityLimiter
    """For arrays, and a small picture that is alone."""
    digits: DigitReader
    metrics: Metrics
    photos: PhotoInbox | None
    """Photos from a phone; None if the server takes none."""
    now: Callable[[], datetime]
    jobs: Jobs = field(default_factory=Jobs)
    play: Playground = field(default_factory=Playground)
    networks: ReadingNetworks = field(default_factory=ReadingNetworks)
    is_ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server stops: jobs and streams of events end then, before the requests that are being answered."""


async def _state_of(request: Request) -> AppState:  # FastAPI would call a plain function in a thread
    state: AppState = request.app.state.tendigits
    return state


State = Annotated[AppState, Depends(_state_of)]
