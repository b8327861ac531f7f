"""Work that must not hold up the event loop: in a bounded number of threads, with a bounded queue, digits in batches.

crew = Crew(workers=2, waiting=64)
page = await crew.run(reader.read, data)          # raises Busy where the queue is full
digit = await Batcher(read_together)(data)        # together with what others ask at the same time
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Busy(Exception):
    """The queue is full: ask again later."""


class Crew:
    """Threads, and a queue before them that does not grow without end."""

    def __init__(self, workers: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="reading")
        self._places = workers + waiting
        self._taken = 0

    @property
    def load(self) -> int:
        """Jobs that are done or wait now."""
        return self._taken

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do it in a thread. Raises Busy at once where too many wait; a caller that goes away leaves no gap."""
        if self._taken >= self._places:
            raise Busy
        self._taken += 1
        loop = asyncio.get_running_loop()
        future: Future[Result] = self._threads.submit(work, *arguments)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
        return await asyncio.wrap_future(future)

    def _done(self) -> None:
        self._taken -= 1

    def close(self) -> None:
        """Wait for what is being done; what waits is given up."""
        self._threads.shutdown(cancel_futures=True)


class Batcher(Generic[Item, Result]):
    """Asks together what is asked at the same time: while so many batches are worked at, the next one gathers.

    Nobody waits for company: where less is being worked at, a batch is of one.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        most: int = 32,
        at_a_time: int = 1,
    ) -> None:
        self._work, self._most, self._free = work, most, at_a_time
        self._queue: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, item: Item) -> Result:
        """The result for one item. Raises Busy, or what the work says of this item."""
        if len(self._queue) >= 8 * self._most:
            raise Busy
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future))
        if self._free:
            self._free -= 1
            task = asyncio.create_task(self._go_on())
            self._tasks.add(task)  # nobody else holds it
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _go_on(self) -> None:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
            try:
                results = await self._work([item for item, _ in batch])
            except Exception as error:  # also Busy: whoever asked is told
                results = [error] * len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue  # who asked has gone
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        self._free += 1
