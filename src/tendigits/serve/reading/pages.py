"""The processes that read pages: each sender in turn, each picture within a time, and none of them ends the others'.

pages = PagePool(workers=2, timeout=10, prepare=(prepare_reader, source))
response = await pages.run(sender, read_page, source, image, 1)     # raises QueueFull, TooLate, NotRead
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from tendigits.pool.pool import ProcessDied, TimedOut, WorkerPool
from tendigits.serve.reading.fair_queue import FairQueue, Sender

Result = TypeVar("Result")

CAPACITY, PER_ADDRESS = 64, 16
"""Pictures that may wait, in all and of one address, each with up to 32 MB."""

RESTART_SECONDS = 1.0
"""What a new process costs, which its sender pays: about a second of a processor. A picture that nobody waits for any
more may be read for as long; most are read by then."""


class NotRead(Exception):
    """The server could not read a picture now; the message says why. The client should retry."""


class TooLate(NotRead):
    """It was not read in time."""


@dataclass(eq=False)
class _Job:
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    answer: asyncio.Future[Any]
    running: asyncio.Future[Any] | None = None
    started: float = 0.0


class PagePool:
    """Processes, and who may use them next."""

    def __init__(
        self, workers: int, timeout: float, prepare: tuple[Callable[..., None], *tuple[Any, ...]] | None = None
    ) -> None:
        """Prepare the pool; no process is started yet.

        Args:
            workers: number of processes.
            timeout: seconds from the arrival of a picture until it must be read.
            prepare: a module's function that each process calls first, and its arguments.
        """
        initializer, *initargs = prepare or (None,)
        self.timeout = timeout
        self.workers = workers
        self._pool = WorkerPool(workers, initializer, tuple(initargs), timeout=timeout)
        self._idle = workers
        self._queue: FairQueue[_Job] = FairQueue(CAPACITY, PER_ADDRESS)
        self._jobs: set[_Job] = set()
        self._is_stopped = False

    @property
    def load(self) -> int:
        """Number of pictures that are read or wait."""
        return len(self._jobs)

    def start(self) -> None:
        """Start the processes without waiting for them."""
        self._pool.warm_up()

    async def run(self, sender: Sender, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do a job when it is its sender's turn; `work` is a module's function.

        A caller who is cancelled ends it, also while it runs, but not before it has run for RESTART_SECONDS.

        Raises:
            QueueFull: at once, if too many wait.
            TooLate: the time was over.
            NotRead: its process has died, or the server ends.
        """
        if self._is_stopped:
            raise NotRead("the server ends")
        job = _Job(work, arguments, asyncio.get_running_loop().create_future())
        self._queue.put(sender, job)
        self._jobs.add(job)
        self._dispatch()
        try:
            async with asyncio.timeout(self.timeout):
                result: Result = await job.answer
                return result
        except TimeoutError:
            raise TooLate(f"the picture was not read within {self.timeout:g} seconds") from None
        finally:
            self._jobs.discard(job)
            self._queue.remove(sender, job)
            if job.running is not None:
                asyncio.get_running_loop().call_at(job.started + RESTART_SECONDS, job.running.cancel)

    def stop(self) -> None:
        """End what runs or waits: each caller is told that the server ends."""
        self._is_stopped = True
        for job in self._jobs:
            if not job.answer.done():
                job.answer.set_exception(NotRead("the server ends"))

    async def close(self) -> None:
        """End the processes, and wait for them."""
        self.stop()
        await asyncio.to_thread(self._pool.close)

    def _dispatch(self) -> None:
        while self._idle and len(self._queue):
            sender, job = self._queue.take()
            self._idle -= 1
            job.started = asyncio.get_running_loop().time()
            job.running = asyncio.wrap_future(self._pool.submit(job.work, *job.arguments))
            job.running.add_done_callback(partial(self._end, job, sender))

    def _end(self, job: _Job, sender: Sender, done: "asyncio.Future[Any]") -> None:
        self._idle += 1
        error = None if done.cancelled() else done.exception()
        is_lost = done.cancelled() or isinstance(error, ProcessDied | TimedOut)
        seconds = asyncio.get_running_loop().time() - job.started
        self._queue.done(sender, seconds + (RESTART_SECONDS if is_lost else 0.0))
        if not job.answer.done():
            if isinstance(error, TimedOut):
                error = TooLate(f"the picture was not read within {self.timeout:g} seconds")
            elif isinstance(error, ProcessDied):
                error = NotRead("the process that read the picture has ended")
            if error is not None:
                job.answer.set_exception(error)
            elif not done.cancelled():
                job.answer.set_result(done.result())
        self._dispatch()
