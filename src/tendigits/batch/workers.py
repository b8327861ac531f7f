"""A pool of processes that survives the death of one: only the job that killed it is lost.

with WorkerPool(2, initializer) as pool:
    for job, result in pool.map(work, jobs, split): ...     # in order, a few ahead
    pool.submit(work, job).result()

On the standard library's ProcessPoolExecutor, which is broken for good, with all of its jobs, as soon as one process
dies. Here it is replaced, and the jobs are tried again one at a time in a process of their own.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Any, TypeVar

from tendigits.model.environment import cores

Job = TypeVar("Job")
Result = TypeVar("Result")

AHEAD = 3
"""Jobs per process that `map` submits before it takes their results."""


class WorkerPool(AbstractContextManager["WorkerPool"]):
    """Processes that start with the first jobs, ignore Ctrl-C, and end with the parent however it ends."""

    def __init__(
        self, workers: int | None = None, initializer: Callable[..., None] | None = None, initargs: tuple[Any, ...] = ()
    ) -> None:
        """Prepare the pool; no process is started yet.

        Args:
            workers: number of processes; None takes one for each core that this process may use.
            initializer: called in each process before its first job; a module's function.
            initargs: its arguments.
        """
        self.workers = workers or cores()
        self._start = (initializer, initargs)
        self._shared = self._executor(self.workers)
        self._isolated = self._executor(1)
        self._isolation = threading.Lock()

    def warm_up(self) -> None:
        """Start all processes now, without waiting for them."""
        for _ in range(self.workers):
            self.submit(os.getpid)

    def submit(self, work: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Do a job in one of the processes; `work` is a module's function.

        The future raises BrokenProcessPool if any process died in the meantime. The next call replaces the pool.
        """
        try:
            return self._shared.submit(work, *arguments)
        except BrokenProcessPool:
            self._shared.shutdown(wait=False)
            self._shared = self._executor(self.workers)
            return self._shared.submit(work, *arguments)

    def run_isolated(self, work: Callable[..., Result], *arguments: Any) -> Result | None:
        """Do a job in a process that no other job shares; may be called from several threads.

        Returns the result; None if the job killed its process.
        """
        with self._isolation:
            try:
                return self._isolated.submit(work, *arguments).result()
            except BrokenProcessPool:
                self._isolated.shutdown()
                self._isolated = self._executor(1)
                return None

    def map(
        self, work: Callable[[Job], Result], jobs: Iterable[Job], split: Callable[[Job], Iterable[Job]]
    ) -> Iterator[tuple[Job, Result | None]]:
        """Do jobs in order, submitting a few ahead.

        Args:
            work: a module's function.
            split: the smallest parts of a job, which are tried one by one after a process has died.

        Yields:
            Each job, or part of one, with its result; None if it killed its process.
        """
        rest = iter(jobs)
        while True:
            pending: deque[tuple[Job, Future[Result]]] = deque()
            try:
                while True:
                    for job in islice(rest, AHEAD * self.workers - len(pending)):
                        pending.append((job, self.submit(work, job)))
                    if not pending:
                        return
                    result = pending[0][1].result()
                    yield pending.popleft()[0], result
            except BrokenProcessPool:  # which of the jobs caused it is unknown
                for part in [part for job, _ in pending for part in split(job)]:
                    yield part, self.run_isolated(work, part)

    def close(self) -> None:
        """End all processes; jobs that have not started are dropped."""
        self._shared.shutdown(cancel_futures=True)
        self._isolated.shutdown(cancel_futures=True)

    def __exit__(self, *_: object) -> None:
        self.close()

    def _executor(self, workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(workers, get_context("spawn"), _initialize, self._start)


def _initialize(initializer: Callable[..., None] | None, initargs: tuple[Any, ...]) -> None:
    """Prepare a process of the pool: Ctrl-C is for the parent, and its end is ours."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if initializer is not None:
        initializer(*initargs)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
