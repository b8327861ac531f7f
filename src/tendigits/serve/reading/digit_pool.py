"""Pictures of one digit each, in worker processes, so that Python's lock is left to the event loop.

pool = DigitPool(2)
found = await pool.locate([png, another])           # for each picture a Found, or the DataError that says why not
pages = await pool.read(source, [png, another])     # for each picture a Page, likewise
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from tendigits.digits.find import Found
from tendigits.pool.pool import JobError, TimedOut, WorkerPool
from tendigits.read.page import Page
from tendigits.serve.reading import work
from tendigits.serve.reading.pages import NotRead, TooLate

Result = TypeVar("Result")

BATCH_SECONDS = 2.0
"""For a batch, and for each of its pictures where the batch took longer: a picture takes a few milliseconds, one of the
largest a second."""


class DigitPool:
    """A few processes; if one dies or takes too long, only the picture that caused it is lost."""

    def __init__(self, workers: int, source: work.ReaderSource | None = None) -> None:
        """Prepare the pool; no process is started yet.

        Args:
            workers: number of processes.
            source: the reader that each process opens first, if they read.
        """
        self._pool = WorkerPool(workers, work.prepare_reader, (source,), timeout=BATCH_SECONDS)

    def start(self) -> None:
        """Start the processes without waiting for them."""
        self._pool.warm_up()

    async def locate(self, images: Sequence[bytes]) -> list[Found | Exception]:
        """Locate the digit in each picture; a DataError or NotRead says why one has none."""
        return await self._run(work.locate_all, images)

    async def read(self, source: work.ReaderSource, images: Sequence[bytes]) -> list[Page | Exception]:
        """Read each picture; a DataError or NotRead says why one could not be read."""
        return await self._run(partial(work.read_digits, source), images)

    async def _run(
        self, do: Callable[[Sequence[bytes]], Sequence[Result | Exception]], images: Sequence[bytes]
    ) -> list[Result | Exception]:
        try:
            return [*await asyncio.wrap_future(self._pool.submit(do, images))]
        except JobError:
            return await asyncio.gather(*(self._run_alone(do, image) for image in images))

    async def _run_alone(
        self, do: Callable[[Sequence[bytes]], Sequence[Result | Exception]], image: bytes
    ) -> Result | Exception:
        try:
            (result,) = await asyncio.wrap_future(self._pool.submit(do, [image]))
        except TimedOut:
            return TooLate(f"the picture was not read within {BATCH_SECONDS:g} seconds")
        except JobError:
            return NotRead("the process that read the picture has ended")
        return result

    async def close(self) -> None:
        """End the processes, and wait for them."""
        await asyncio.to_thread(self._pool.close)
