"""The bounded queue in front of the worker processes, and threads with a bounded queue.

queue = ReadingQueue(workers=2, timeout=10, source=source)
response = await queue.run(address, read_page, source, image, 1)    # raises QueueFull, TooLate, NotRead
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import anyio

from tendigits.pool.pool import JobError, TimedOut, WorkerPool
from tendigits.serve.reading.work import ReaderSource, prepare_reader

Result = TypeVar("Result")

MAX_WAITING = 64
"""Pictures that wait while the workers read others; the last of them is then just read before its deadline."""

MAX_WAITING_PER_ADDRESS = 16
"""So that one client does not fill the queue."""


class QueueFull(Exception):
    """Too much is waiting; the client should retry later."""


class NotRead(Exception):
    """The server could not read a picture now; the message says why. The client should retry."""


class TooLate(NotRead):
    """It was not read in time."""


class ReadingQueue:
    """First come, first served; bounded in all, and for each client."""

    def __init__(self, workers: int, timeout: float, source: ReaderSource) -> None:
        """Prepare the worker processes; none is started yet.

        Args:
            workers: number of processes.
            timeout: seconds from the arrival of a picture until it must be read.
            source: the reader that each process opens first.
        """
        self.workers, self.timeout = workers, timeout
        self._pool = WorkerPool(workers, prepare_reader, (source,), timeout=timeout)
        self._addresses: Counter[str] = Counter()
        """How many pictures of each address are read or wait."""

    @property
    def load(self) -> int:
        """Number of pictures that are read or wait."""
        return self._addresses.total()

    def start(self) -> None:
        """Start the processes without waiting for them."""
        self._pool.warm_up()

    async def run(self, address: str, work: Callable[..., Result], *arguments: object) -> Result:
        """Run `work`, a module's function, in a worker process. A cancelled caller ends it.

        Raises:
            QueueFull: too many pictures are waiting, in all or of this address.
            TooLate: the deadline passed.
            NotRead: the process was killed.
        """
        n_waiting, n_same = self.load - self.workers, self._addresses[address] - self.workers
        if n_waiting >= MAX_WAITING or n_same >= MAX_WAITING_PER_ADDRESS:
            raise QueueFull
        self._addresses[address] += 1
        try:
            async with asyncio.timeout(self.timeout):
                return await asyncio.wrap_future(self._pool.submit(work, *arguments))
        except (TimeoutError, TimedOut):
            raise TooLate(f"the picture was not read within {self.timeout:g} seconds") from None
        except JobError:
            raise NotRead("the process that read the picture has ended") from None
        finally:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]

    async def close(self) -> None:
        """End the processes, and wait for them."""
        await asyncio.to_thread(self._pool.close)


class BoundedThreads:
    """Threads for work that would block the event loop, with a bounded queue."""

    def __init__(self, threads: int, max_waiting: int) -> None:
        self._limiter, self._max_waiting = anyio.CapacityLimiter(threads), max_waiting

    async def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Run `work` in a thread. Raises QueueFull at once if too much is waiting."""
        if self._limiter.statistics().tasks_waiting >= self._max_waiting:
            raise QueueFull
        return await anyio.to_thread.run_sync(work, *arguments, limiter=self._limiter)
