"""Locate digits in worker processes, so that Python's lock is left to the event loop.

pool = LocatorPool(2)
found = await pool.locate([png, another])        # for each picture a Found, or the DataError that says why not
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool

import cv2

from tendigits.batch.batch import attempt
from tendigits.batch.workers import WorkerPool
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
            # Shielded: Python 3.12 and older can't replace a broken pool with a cancelled future in it.
            return await asyncio.shield(asyncio.wrap_future(self._pool.submit(locate_all, images)))
        except BrokenProcessPool:
            return [await asyncio.to_thread(self._locate_isolated, image) for image in images]

    def _locate_isolated(self, image: bytes) -> Found | DataError:
        found = self._pool.run_isolated(locate_all, [image])
        return found[0] if found else DataError("expected a picture, received one that cannot be decoded")

    async def close(self) -> None:
        """End the processes, and wait for them."""
        await asyncio.to_thread(self._pool.close)


def locate_all(images: Sequence[bytes]) -> list[Found | DataError]:
    """Locate the digit in each picture, in this process."""
    return [attempt(find_digit, image) for image in images]


def _initialize() -> None:
    prepare_for_threads()
    cv2.setNumThreads(1)
