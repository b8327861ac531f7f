"""The bounded queue in front of the worker processes.

queue = ReadingQueue(workers=2, timeout=10, source=source)
response = await queue.run(address, read_page, source, image, 1)    # raises NotRead
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from starlette.exceptions import HTTPException

from tendigits.pool.pool import JobError, TimedOut, WorkerPool
from tendigits.serve.reading.work import ReaderSource, prepare_reader

Result = TypeVar("Result")

MAX_WAITING = 64
"""Pictures that wait while the workers read others; the last of them is then just read before its deadline."""

MAX_WAITING_PER_ADDRESS = 16
"""So that one client does not fill the queue."""


class NotRead(HTTPException):
    """The server could not read a picture now; the client should retry."""

    def __init__(self, reason: str) -> None:
        super().__init__(503, f"{reason}; try again in a few seconds", {"retry-after": "5"})


def queue_full() -> HTTPException:
    """Too much is waiting."""
    return HTTPException(503, "too many requests are waiting; try again in a second", {"retry-after": "1"})


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
            HTTPException: 503, too many pictures are waiting, in all or of this address.
            NotRead: the deadline passed, or the process was killed.
        """
        n_waiting, n_same = self.load - self.workers, self._addresses[address] - self.workers
        if n_waiting >= MAX_WAITING or n_same >= MAX_WAITING_PER_ADDRESS:
            raise queue_full()
        self._addresses[address] += 1
        try:
            async with asyncio.timeout(self.timeout):
                return await asyncio.wrap_future(self._pool.submit(work, *arguments))
        except (TimeoutError, TimedOut):
            raise NotRead(f"the picture was not read within {self.timeout:g} seconds") from None
        except JobError:
            raise NotRead("the process that read the picture has ended") from None
        finally:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]

    async def close(self) -> None:
        """End the processes, and wait for them."""
        await asyncio.to_thread(self._pool.close)
