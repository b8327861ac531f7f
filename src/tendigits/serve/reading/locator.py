"""Locate digits in worker processes, so that Python's lock is left to the event loop.

pool = LocatorPool(2)
found = await pool.locate([png, another])        # for each picture a Found, or the DataError that says why not
"""

import asyncio
from collections.abc import Sequence

import cv2

from tendigits.batch.batch import attempt
from tendigits.batch.workers import JobError, TimedOut, WorkerPool
from tendigits.data.image import prepare_for_threads
from tendigits.digits.find import Found, find_digit
from tendigits.errors import DataError
from tendigits.serve.reading.pages import NotRead, TooLate

BATCH_SECONDS = 2.0
"""For a batch, and for each of its pictures where the batch took longer: a picture takes a few milliseconds, one of the
largest a second."""


class LocatorPool:
    """A few processes; if one dies or takes too long, only the picture that caused it is lost."""

    def __init__(self, workers: int) -> None:
        self._pool = WorkerPool(workers, _initialize, timeout=BATCH_SECONDS)

    def start(self) -> None:
        """Start the processes without waiting for them."""
        self._pool.warm_up()

    async def locate(self, images: Sequence[bytes]) -> list[Found | Exception]:
        """Locate the digit in each picture; a DataError or NotRead says why one has none."""
        try:
            return [*await asyncio.wrap_future(self._pool.submit(locate_all, images))]
        except JobError:
            return await asyncio.gather(*map(self._locate_alone, images))

    async def _locate_alone(self, image: bytes) -> Found | Exception:
        try:
            (found,) = await asyncio.wrap_future(self._pool.submit(locate_all, [image]))
        except TimedOut:
            return TooLate(f"the picture was not read within {BATCH_SECONDS:g} seconds")
        except JobError:
            return NotRead("the process that read the picture has ended")
        return found

    async def close(self) -> None:
        """End the processes, and wait for them."""
        await asyncio.to_thread(self._pool.close)


def locate_all(images: Sequence[bytes]) -> list[Found | DataError]:
    """Locate the digit in each picture, in this process."""
    return [attempt(find_digit, image) for image in images]


def _initialize() -> None:
    prepare_for_threads()
    cv2.setNumThreads(1)
