"""The bounded queue in front of the worker processes that read pictures, and the limits of this process's threads.

queue = ReadingQueue(workers=2, timeout=10, source=source)
page = await queue.run(address, work.with_reader, source, work.read_page, image, 1, False)  # raises NotRead
page = await queue.read_digit(network, image, False)                        # a small picture of one digit
layers = await queue.compute(address, network.layers, crop)                 # some milliseconds in a thread
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from math import inf
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from tendigits.pool.pool import JobError, TimedOut, WorkerPool
from tendigits.read.reader import TIME_FOR_A_PAGE
from tendigits.serve import work
from tendigits.serve.schemas import PageResponse
from tendigits.serve.work import ReaderSource, ReadingNetwork

Result = TypeVar("Result")

MAX_WAITING = 64  # pictures that wait for a worker; the last of them is then just read before its deadline
MAX_WAITING_PER_ADDRESS = 16  # so that one client does not fill the queue
MAX_WAITING_DIGITS = 256  # small pictures of one digit that wait for a batch
MAX_BATCH = 32  # pictures of one digit that are read together
MAX_ROUTES = 4  # that run in threads at once; most wait for the store

QUEUE_FULL = "too many requests are waiting"

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
MAX_SMALL_PNG_PIXELS = 2**19  # of a picture that this process decodes itself; a drawing on the page has 313,600
MAX_SMALL_PNG_BYTES = 2**18


class NotRead(HTTPException):
    """The server could not do this now; the client should retry."""

    def __init__(self, reason: str, seconds: int = 5) -> None:
        when = "a second" if seconds == 1 else "a few seconds"
        super().__init__(503, f"{reason}; try again in {when}", {"retry-after": str(seconds)})


class FairTurns:
    """Lets `n` clients work at a time. Addresses take turns; clients of one address are served in order."""

    def __init__(self, n: int, max_waiting: float = inf, max_waiting_per_address: float = inf) -> None:
        """When `max_waiting` clients wait, only an address with fewer than `n` waiting clients may add one."""
        self._n = self._n_free = n
        self._max_waiting, self._max_waiting_per_address = max_waiting, max_waiting_per_address
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}  # the address that is next comes first

    @property
    def load(self) -> int:
        """Number of clients that work or wait."""
        waiting = (future for waiting in self._waiting.values() for future in waiting if not future.done())
        return self._n - self._n_free + len([*waiting])

    @asynccontextmanager
    async def turn(self, address: str, timeout: float) -> AsyncIterator[None]:
        """Wait for a turn, which lasts until the block ends.

        Raises NotRead if too many are waiting, or after `timeout` seconds.
        """
        # Those that are done have been cancelled.
        waiting = [future for future in self._waiting.get(address, ()) if not future.done()]
        is_full = self.load - self._n >= self._max_waiting
        if len(waiting) >= (self._n if is_full else self._max_waiting_per_address):
            raise NotRead(QUEUE_FULL, seconds=1)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[address] = [*waiting, future]
        self._start_next()
        try:
            try:
                async with asyncio.timeout(timeout):
                    await future
            except TimeoutError:
                raise NotRead(QUEUE_FULL) from None
            yield
        finally:
            if not future.cancelled():
                self._n_free += 1
                self._start_next()

    def _start_next(self) -> None:
        while self._waiting and self._n_free:
            address = next(iter(self._waiting))
            waiting = [future for future in self._waiting.pop(address) if not future.done()]
            if waiting:
                self._n_free -= 1
                waiting.pop(0).set_result(None)
            if waiting:
                self._waiting[address] = waiting


class ReadingQueue:
    """Bounded in total and for each client, and fair across the clients' addresses."""

    def __init__(self, workers: int, timeout: float, source: ReaderSource) -> None:
        """Prepare `workers` processes, which open the reader of `source` first; none is started yet.

        A picture must be read within `timeout` seconds from its arrival.
        """
        self.workers, self.timeout = workers, timeout
        self._in_processes = FairTurns(workers, MAX_WAITING, MAX_WAITING_PER_ADDRESS)
        self._in_threads = FairTurns(workers)
        self._routes = FairTurns(MAX_ROUTES)
        self._pool = WorkerPool(workers, work.prepare_process, (source, TIME_FOR_A_PAGE * timeout), timeout=timeout)
        self._waiting_digits: deque[tuple[ReadingNetwork, tuple[bytes, bool], asyncio.Future[PageResponse]]] = deque()
        self._batches: set[object] = set()  # the tasks that read them

    @property
    def load(self) -> int:
        """Number of pictures that are read or wait."""
        return self._in_processes.load

    def start(self) -> None:
        """Start the processes without waiting for them."""
        self._pool.warm_up()

    async def close(self) -> None:
        """End the processes, and wait for them."""
        await asyncio.to_thread(self._pool.close)

    async def run(self, address: str, job: Callable[..., Result], *arguments: object) -> Result:
        """Run `job`, a module's function, in a worker process. A cancelled caller ends it.

        Raises NotRead if too many jobs are waiting, the deadline passed, or the process was killed.
        """
        try:
            async with self._deadline(), self._in_processes.turn(address, self.timeout):
                return await asyncio.wrap_future(self._pool.submit(job, *arguments))
        except JobError:
            raise NotRead("the process that worked on this has ended") from None

    async def compute(self, address: str, function: Callable[..., Result], *arguments: Any) -> Result:
        """Run a function of some milliseconds in a thread of this process. Raises NotRead if that begins too late."""
        async with self._in_threads.turn(address, self.timeout):
            return await run_in_threadpool(function, *arguments)

    def turn(self, address: str) -> AbstractAsyncContextManager[None]:
        """A turn for a route whose function runs in a thread. Raises NotRead if it comes too late."""
        return self._routes.turn(address, self.timeout)

    async def read_digit(self, network: ReadingNetwork, image: bytes, crops: bool) -> PageResponse:
        """Read a picture for which `is_small_png` is true: in a thread if it is the only one, else in a batch.

        Sending one to a worker process takes longer than reading it. Raises NotRead as `run`.
        """
        if len(self._waiting_digits) >= MAX_WAITING_DIGITS:
            raise NotRead(QUEUE_FULL, seconds=1)
        future: asyncio.Future[PageResponse] = asyncio.get_running_loop().create_future()
        self._waiting_digits.append((network, (image, crops), future))
        if len(self._batches) < self.workers:
            # It begins after the requests that arrived with this one.
            self._batches.add(asyncio.create_task(self._read_batches()))
        async with self._deadline():
            return await future

    async def _read_batches(self) -> None:
        waiting = self._waiting_digits
        while waiting:
            network, batch = waiting[0][0], [waiting.popleft()]
            n = min(MAX_BATCH, -(-(len(waiting) + 1) // self.workers))
            while waiting and len(batch) < n and waiting[0][0] is network:  # the active network may change
                batch.append(waiting.popleft())
            try:
                pictures = [picture for _, picture, _ in batch]
                pages: list[Any]
                if len(pictures) == len(self._batches) == 1:
                    pages = await self.compute("", work.read_digits, network.reader, pictures)
                else:
                    pages = await self.run("", work.with_reader, network.source, work.read_digits, pictures)
            except Exception as error:
                pages = [error] * len(batch)
            for (*_, future), page in zip(batch, pages, strict=True):
                if future.done():
                    continue  # its client has gone
                if isinstance(page, Exception):
                    future.set_exception(page)
                else:
                    future.set_result(page)
        # Not in a callback of the task: a digit that arrives before the callback runs would start no task.
        self._batches.discard(asyncio.current_task())

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.timeout):
                yield
        except (TimeoutError, TimedOut):
            raise NotRead(f"this was not done within {self.timeout:g} seconds") from None


def is_small_png(picture: bytes) -> bool:
    """Whether a picture is quick to decode: a PNG of few pixels, and no second header contradicts the first."""
    width, height = int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])
    is_small = width * height <= MAX_SMALL_PNG_PIXELS and len(picture) <= MAX_SMALL_PNG_BYTES
    return picture.startswith(PNG) and is_small and picture.count(b"IHDR") == 1
