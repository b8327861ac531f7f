"""Small pictures of one digit: one that is alone is read in a thread of this process, others in batches in the workers.

digits = DigitReader(queue, threads)
if is_small_png(picture):
    page = await digits(active, picture)
"""

import asyncio
from collections import deque
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from tendigits.batch.batch import read_located
from tendigits.read.page import Page
from tendigits.read.reader import Reader
from tendigits.serve.active_model import ActiveReader
from tendigits.serve.reading.queue import NotRead, ReadingQueue, queue_full
from tendigits.serve.reading.work import ReaderSource, locate_all, read_digits

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"

MAX_PIXELS = 2**19
MAX_BYTES = 2**18
"""Of a picture that this process decodes itself; a drawing on the page has 313,600 pixels."""

MAX_BATCH = 32
"""Pictures that are read together."""

MAX_WAITING = 256
"""Pictures that wait for a batch."""


class DigitReader:
    """Sends pictures to the workers in batches, because sending one takes longer than reading it."""

    def __init__(self, queue: ReadingQueue, threads: CapacityLimiter) -> None:
        self._queue, self._threads = queue, threads
        self._waiting: deque[tuple[ReaderSource, bytes, asyncio.Future[Page]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._n_reading = 0

    async def __call__(self, active: ActiveReader, picture: bytes) -> Page:
        """Read a picture for which `is_small_png` is true. Raises DataError, NotRead."""
        self._n_reading += 1
        try:
            if self._n_reading == 1:
                return await run_sync(_read_one, active.reader, picture, limiter=self._threads)
            if len(self._waiting) >= MAX_WAITING:
                raise queue_full()
            page: asyncio.Future[Page] = asyncio.get_running_loop().create_future()
            self._waiting.append((active.source, picture, page))
            if len(self._tasks) < self._queue.workers:
                task = asyncio.create_task(self._read_batches())  # begins after the requests that have arrived with it
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            async with asyncio.timeout(self._queue.timeout):
                return await page
        except TimeoutError:
            raise NotRead(f"the picture was not read within {self._queue.timeout:g} seconds") from None
        finally:
            self._n_reading -= 1

    async def _read_batches(self) -> None:
        while self._waiting:
            source = self._waiting[0][0]
            batch: list[tuple[ReaderSource, bytes, asyncio.Future[Page]]] = []
            n = min(MAX_BATCH, -(-len(self._waiting) // self._queue.workers))
            while self._waiting and len(batch) < n and self._waiting[0][0] is source:  # the active network may change
                batch.append(self._waiting.popleft())
            try:
                pages: list[Any] = await self._queue.run("", read_digits, source, [picture for _, picture, _ in batch])
            except Exception as error:
                pages = [error] * len(batch)
            for (*_, future), page in zip(batch, pages, strict=True):
                if future.done():
                    continue  # its client has gone
                if isinstance(page, Exception):
                    future.set_exception(page)
                else:
                    future.set_result(page)


def is_small_png(picture: bytes) -> bool:
    """Whether a picture is quick to decode: a PNG of few pixels, and no second header contradicts the first."""
    width, height = int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])
    is_small = width * height <= MAX_PIXELS and len(picture) <= MAX_BYTES
    return picture.startswith(PNG) and is_small and picture.count(b"IHDR") == 1


def _read_one(reader: Reader, picture: bytes) -> Page:
    (page,) = read_located(reader, locate_all([picture]))
    if isinstance(page, Exception):
        raise page
    return page
