"""What an application keeps between requests, as a FastAPI dependency.

def list_corrections(state: State) -> ...
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from math import nan
from typing import Annotated

from fastapi import Depends, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.exceptions import HTTPException

from tendigits.errors import TendigitsError
from tendigits.machine import cores
from tendigits.serve.config import SHUTDOWN_SECONDS, ServerConfig
from tendigits.serve.jobs import Jobs
from tendigits.serve.networks import ActiveModel, RunNetworks
from tendigits.serve.reading import ReadingQueue
from tendigits.teach.store import Store

LOCK_TIMEOUT_SECONDS = 1.0  # that a call of the store waits for other processes; then the answer is 503

# Upper bounds in seconds: a digit takes a few milliseconds, a photo a few tenths of a second.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
MAX_PHOTOS = 4  # photos of a phone that may wait, each as large as a request may be
MAX_PHOTO_AGE_SECONDS = 600.0  # after this time a photo that no page has opened is deleted


class AppState:
    """Made once by `create_app`."""

    def __init__(self, config: ServerConfig, now: Callable[[], datetime]) -> None:
        """Open the store and the network. Raises TendigitsError if they cannot be used."""
        self.config, self.now = config, now
        self.store = Store(config.store, lock_timeout=LOCK_TIMEOUT_SECONDS)
        self.active = ActiveModel(self.store, config.model)
        self.queue = ReadingQueue(config.workers or cores(), config.timeout, self.active.current.source)
        self.metrics = Metrics(self.queue, self.store)
        self.photos = None if config.phone_url is None else PhotoInbox()
        self.run_networks = RunNetworks(config.runs)
        self.jobs = Jobs()

    async def end_streams(self) -> None:
        """End what clients follow: the wait for a photo, and the job."""
        if self.photos is not None:
            self.photos.end_wait(None)
        await self.jobs.stop(SHUTDOWN_SECONDS)


class Metrics:
    """Counters and histograms for Prometheus, served by /metrics."""

    def __init__(self, queue: ReadingQueue, store: Store) -> None:
        def count_or_nan() -> float:  # the metrics are answered also while the store does not answer
            try:
                return store.count()
            except TendigitsError:
                return nan

        self.registry = registry = CollectorRegistry()
        self._requests = Counter("tendigits_requests", "Answered requests.", ("route", "status"), registry=registry)
        self._seconds = Histogram(
            "tendigits_request_seconds", "Seconds from request to response.", ("route",), buckets=BUCKETS,
            registry=registry,
        )  # fmt: skip
        self._numbers = Counter("tendigits_numbers", "Numbers and digits read.", ("accepted",), registry=registry)
        load = Gauge("tendigits_load", "Pictures being read or waiting.", registry=registry)
        load.set_function(lambda: queue.load)
        corrections = Gauge("tendigits_corrections", "Corrections in the store.", registry=registry)
        corrections.set_function(count_or_nan)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count(self, accepted: Sequence[bool]) -> None:
        """Count numbers, each by whether it was accepted."""
        self._numbers.labels("yes").inc(sum(accepted))
        self._numbers.labels("no").inc(len(accepted) - sum(accepted))


class PhotoInbox:
    """The photos that wait in memory, by number, and the page that waits for one.

    A photo stays until the page that fetched it deletes it, so none is lost if that page is closed too early.
    """

    def __init__(self) -> None:
        self._photos: dict[int, Response] = {}  # the oldest first
        self._numbers = count(1)
        self._arrival: asyncio.Future[int | None] | None = None

    def put(self, photo: Response) -> bool:
        """Keep a photo. Returns whether a page is waiting for it. Raises HTTPException, 409, if too many wait."""
        if len(self._photos) >= MAX_PHOTOS:
            raise HTTPException(409, "too many photos are waiting; open them first, or wait for ten minutes")
        number = next(self._numbers)
        self._photos[number] = photo
        asyncio.get_running_loop().call_later(MAX_PHOTO_AGE_SECONDS, self.delete, number)
        return self.end_wait(next(iter(self._photos)))

    def get(self, number: int) -> Response:
        """A waiting photo. Raises HTTPException, 404, for a number without one."""
        if (photo := self._photos.get(number)) is None:
            raise HTTPException(404, "this photo does not wait any more; send it again")
        return photo

    def delete(self, number: int) -> None:
        """Delete a photo, if it is still there."""
        self._photos.pop(number, None)

    async def wait(self) -> int | None:
        """Wait for a photo, and return the oldest one's number; None if another page takes over, or the server stops.

        The page that was opened last gets the photo: a person is looking at it.
        """
        self.end_wait(None)
        arrival: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._arrival = arrival
        if self._photos:
            arrival.set_result(next(iter(self._photos)))
        return await arrival

    def end_wait(self, number: int | None) -> bool:
        """Answer the waiting page, with a photo or without. Returns whether a page was waiting."""
        if self._arrival is None or self._arrival.done():  # a page that was closed has cancelled it
            return False
        self._arrival.set_result(number)
        return True


def state_of(request: Request) -> AppState:
    """The state of the application that answers a request."""
    state: AppState = request.app.state.tendigits
    return state


async def _state(request: Request) -> AppState:  # FastAPI would call a plain function in a thread
    return state_of(request)


State = Annotated[AppState, Depends(_state)]
