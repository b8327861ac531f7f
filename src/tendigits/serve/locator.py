"""Locate digits in worker processes, so that Python's lock is left to the event loop.

pool = LocatorPool(2)
found = await pool.locate([png, another])        # for each picture a Found, or the DataError that says why not
"""

import asyncio
from collections.abc import Sequence

import cv2

from tendigits.batch.batch import attempt
from tendigits.batch.workers import JobError, WorkerPool
from tendigits.data.image import prepare_for_threads
from tendigits.digits.find import Found, find_digit
from tendigits.errors import DataError


class LocatorPool:
    """A few processes; if one dies, only the picture that killed it is lost."""

    def __init__(self, workers: int) -> None:
        self._pool = WorkerPool(workers, _initialize)

    def start(self) -> None:
        """Start the processes without waiting for them."""
        self._pool.warm_up()

    async def locate(self, images: Sequence[bytes]) -> list[Found | DataError]:
        """Locate the digit in each picture."""
        try:
            return await asyncio.wrap_future(self._pool.submit(locate_all, images))
        except JobError:
            return [await self._locate_alone(image) for image in images]

    async def _locate_alone(self, image: bytes) -> Found | DataError:
        try:
            (found,) = await asyncio.wrap_future(self._pool.submit(locate_all, [image]))
        except JobError:
            return DataError("expected a picture, received one that cannot be decoded")
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
