"""Processes that do jobs in order: a few at a time, and one that dies takes nothing with it.

with Crew(work, arguments, start=make_tool) as crew:
    for job, result in crew.map(jobs, split): ...      # result = work(make_tool(*arguments), job)
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
from typing import Any, Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

AHEAD = 3
"""Jobs for each process that are handed out before their results are taken."""

_tool: Any = None
"""What the work is done with, in a process of the crew."""


class Crew(AbstractContextManager["Crew[Job, Result]"], Generic[Job, Result]):
    """Processes that each make a tool once and then do jobs with it."""

    def __init__(
        self,
        work: Callable[[Any, Job], Result],
        arguments: tuple[Any, ...],
        *,
        start: Callable[..., Any],
        workers: int | None = None,
    ) -> None:
        """Prepare; the processes start with the first job.

        Args:
            work: done in a process; must be a function of a module, as `start` must.
            arguments: of `start`.
            start: makes the tool.
            workers: processes; None takes one for each core that this process may use.
        """
        self.workers = workers or cores()
        self._work = work
        self._start = (start, arguments)
        self._pool: ProcessPoolExecutor | None = None

    def map(self, jobs: Iterable[Job], split: Callable[[Job], Iterable[Job]]) -> Iterator[tuple[Job, Result | None]]:
        """Do the jobs.

        Args:
            split: a job in its smallest parts, which are tried one by one where a process has died.

        Yields:
            Each job or part of one, in order, with its result; None where its process died of it.
        """
        rest = iter(jobs)
        while True:
            handed: deque[Job] = deque()
            try:
                yield from self._together(rest, handed)
                return
            except BrokenProcessPool:  # which of the jobs it was is not known
                self._close()
                yield from self._one_by_one(part for job in handed for part in split(job))

    def _together(self, rest: Iterator[Job], handed: deque[Job]) -> Iterator[tuple[Job, Result]]:
        """Do what is left of the jobs; in `handed` are those of which no result was taken."""
        futures: deque[Future[Result]] = deque()
        while True:
            for job in islice(rest, AHEAD * self.workers - len(handed)):
                handed.append(job)
                futures.append(self._submit(job))
            if not handed:
                return
            result = futures[0].result()
            futures.popleft()
            yield handed.popleft(), result

    def _one_by_one(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Result | None]]:
        for job in jobs:
            try:
                yield job, self._submit(job).result()
            except BrokenProcessPool:
                self._close()
                yield job, None

    def _submit(self, job: Job) -> Future[Result]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.workers, get_context("spawn"), _begin, self._start)
        return self._pool.submit(_do, self._work, job)

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def __exit__(self, *_: object) -> None:
        self._close()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin(start: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """In a process of the crew: ready for jobs. Ctrl-C is for the process that called, and when that ends, so do we."""
    global _tool
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _tool = start(*arguments)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _do(work: Callable[[Any, Job], Result], job: Job) -> Result:
    return work(_tool, job)
