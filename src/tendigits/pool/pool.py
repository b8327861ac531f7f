"""A pool of processes that can be killed: what a job costs is bounded, and what happens to it happens to no other.

with WorkerPool(2, initializer, timeout=60) as pool:
    for job, result in pool.map(work, jobs, split): ...     # in order, a few ahead
    pool.submit(work, job).result()                         # cancel() ends it, also while it runs

Each process has a thread and a connection of its own. In ProcessPoolExecutor and pebble's ProcessPool all share a pipe
and its lock: a process that dies or is stopped while it holds the lock holds up all others, and pebble's deadlines too.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from itertools import islice
from typing import Any, TypeVar

from tendigits.machine import cores
from tendigits.pool.slot import JobError, ProcessDied, Slot, Task, TimedOut

Job = TypeVar("Job")
Result = TypeVar("Result")

__all__ = ["JobError", "ProcessDied", "TimedOut", "WorkerPool"]

AHEAD = 3
"""Jobs per process that `map` submits before it takes their results."""

MEMORY = 1 << 30
"""Bytes that a job may take: a picture of 50 million pixels needs up to 0.4 GB, a page of a PDF is drawn elsewhere."""


class WorkerPool(AbstractContextManager["WorkerPool"]):
    """Processes that start with the first jobs, ignore Ctrl-C, and end with the parent however it ends."""

    def __init__(
        self,
        workers: int | None = None,
        initializer: Callable[..., None] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        timeout: float | None = None,
        memory: int = MEMORY,
    ) -> None:
        """Prepare the pool; no process is started yet.

        Args:
            workers: number of processes; None takes one for each core that this process may use.
            initializer: called in each process before its first job; a module's function.
            initargs: its arguments.
            timeout: seconds that a job may take; None for any.
            memory: bytes that a job may take.
        """
        self.workers = workers or cores()
        self._tasks: queue.SimpleQueue[Task[Any] | None] = queue.SimpleQueue()
        self._slots = [Slot((initializer, initargs, memory), timeout) for _ in range(self.workers)]
        self._threads: list[threading.Thread] = []

    def warm_up(self) -> None:
        """Start all processes now, without waiting for them, and from now on each again as soon as it was lost.

        To be called before the first job.
        """
        for slot in self._slots:
            slot.is_kept_ready = True
        self._start()

    def submit(self, work: Callable[..., Result], *arguments: Any) -> "Future[Result]":
        """Do a job in one of the processes; `work` is a module's function.

        The future raises JobError, or what `work` raises. Cancelled, it ends the job, also one that runs.
        """
        self._start()
        task = Task(work, arguments)
        task.future.add_done_callback(lambda future: self._end_cancelled(task) if future.cancelled() else None)
        self._tasks.put(task)
        return task.future

    def map(
        self, work: Callable[[Job], Result], jobs: Iterable[Job], split: Callable[[Job], Iterable[Job]]
    ) -> Iterator[tuple[Job, Result | JobError]]:
        """Do jobs in order, submitting a few ahead.

        Args:
            work: a module's function.
            split: the smallest parts of a job, which are done one by one after the whole failed.

        Yields:
            Each job, or part of one, with its result, or why it has none: a process that dies by chance is forgiven.
        """
        rest = iter(jobs)
        pending: deque[tuple[Job, Future[Result]]] = deque()
        while True:
            for job in islice(rest, AHEAD * self.workers - len(pending)):
                pending.append((job, self.submit(work, job)))
            if not pending:
                return
            job, future = pending.popleft()
            try:
                yield job, future.result()
            except JobError as error:
                parts = [*split(job)]
                if len(parts) == 1 and isinstance(error, TimedOut):
                    yield job, error
                else:
                    yield from ((part, self._again(work, part)) for part in parts)

    def close(self) -> None:
        """End all processes, and the jobs that run or wait."""
        with suppress(queue.Empty):
            while True:
                if (task := self._tasks.get_nowait()) is not None:
                    task.future.cancel()
        for _ in self._threads:
            self._tasks.put(None)
        for slot in self._slots:
            slot.close()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        if not self._threads:
            self._threads = [
                threading.Thread(target=slot.run, args=(self._tasks,), daemon=True) for slot in self._slots
            ]
            for thread in self._threads:
                thread.start()

    def _again(self, work: Callable[[Job], Result], job: Job) -> Result | JobError:
        try:
            return self.submit(work, job).result()
        except JobError as error:
            return error

    def _end_cancelled(self, task: Task[Any]) -> None:
        for slot in self._slots:
            slot.end(task)
