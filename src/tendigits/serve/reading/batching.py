"""Keep slow work off the event loop: a bounded number of threads with a bounded queue, and batches.

threads = BoundedThreads(workers=2, queue_size=64)
page = await threads.run(reader.read, data)         # raises QueueFull at once if the queue is full
digit = await Batcher(read_batch)(data)             # in one batch with requests that arrive at the same time
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from tendigits.serve.reading.fair_queue import QueueFull

Item = TypeVar("Item")
Result = TypeVar("Result")


class BoundedThreads:
    """A thread pool whose queue cannot grow without limit."""

    def __init__(self, workers: int, queue_size: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="reading")
        self._capacity = workers + queue_size
        self._jobs: set[Future[Any]] = set()

    @property
    def load(self) -> int:
        """Number of jobs that run or wait."""
        return len(self._jobs)

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run it in a thread. Raises QueueFull at once if too many jobs wait.

        A cancelled caller's job counts until its thread has finished it.
        """
        if self.load >= self._capacity:
            raise QueueFull
        future: Future[Result] = self._pool.submit(work, *arguments)
        self._jobs.add(future)
        future.add_done_callback(self._jobs.discard)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Wait for running jobs; cancel waiting ones."""
        self._pool.shutdown(cancel_futures=True)


class Batcher(Generic[Item, Result]):
    """Gathers items into batches while earlier batches are being processed.

    It never waits for a batch to fill: what arrives together is shared among the batches that may still be begun.
    """

    def __init__(
        self,
        process: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        max_size: int = 32,
        concurrency: int = 1,
    ) -> None:
        self._process, self._max_size, self._concurrency = process, max_size, concurrency
        self._queue: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._batches: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """Number of batches that are being processed."""
        return len(self._batches)

    async def __call__(self, item: Item) -> Result:
        """The result for one item. Raises QueueFull, or the error that processing gave for this item."""
        if len(self._queue) >= 8 * self._max_size:
            raise QueueFull
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._queue.append((item, future))
        if len(self._queue) == 1:
            loop.call_soon(self._begin)  # after the requests that have arrived with this one
        return await future

    def _begin(self) -> None:
        """Begin as many batches as may run."""
        while self._queue and (idle := self._concurrency - self.running):
            size = min(self._max_size, -(-len(self._queue) // idle))
            batch = [self._queue.popleft() for _ in range(size)]
            self._batches.add(task := asyncio.create_task(self._run(batch)))
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        if not task.cancelled():
            self._begin()

    async def _run(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._process([item for item, _ in batch])
        except Exception as error:  # QueueFull, too: every caller of the batch is told
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue  # its caller was cancelled
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
