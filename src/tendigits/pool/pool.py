"""A pool of worker processes with a deadline and a memory limit for each job.

with WorkerPool(2, initializer, timeout=60) as pool:
    for job, result in pool.map(work, jobs): ...            # lists of items, in order, a few jobs ahead
    pool.submit(work, job).result()                         # cancel() also stops a running job

A thread waits for each process, so a process that crashes or hangs cannot block the others.
"""

import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from itertools import islice
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

from tendigits.machine import cores
from tendigits.pool.worker_process import serve_jobs

Item = TypeVar("Item")
Result = TypeVar("Result")

JOBS_AHEAD = 3  # jobs per process that `map` submits before it waits for their results
MAX_JOB_BYTES = 768 << 20  # default memory limit of a job: a picture of 50 million pixels needs about 400 MB
START_SECONDS = 120.0  # time limit for the start of a process: Keras needs half a minute on a busy machine


class JobError(Exception):
    """A job was not finished."""


class ProcessDied(JobError):
    """The job's process was killed, crashed, or could not be started."""


class TimedOut(JobError):
    """The job took too long; its process was killed."""


class WorkerPool(AbstractContextManager["WorkerPool"]):
    """Worker processes that start with the first job, ignore Ctrl-C, and end with their parent."""

    def __init__(
        self,
        workers: int | None = None,
        initializer: Callable[..., None] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        timeout: float | None = None,
        memory: int = MAX_JOB_BYTES,
    ) -> None:
        """Prepare the pool; no process is started yet.

        Args:
            workers: number of processes; None takes one for each core that this process may use.
            initializer: called in each process before its first job; a function of a module.
            initargs: its arguments.
            timeout: seconds that a job may take; None for no limit.
            memory: bytes that a job may allocate.
        """
        self.workers = workers or cores()
        self._slots = [_Slot((initializer, initargs, memory), timeout) for _ in range(self.workers)]
        self._idle = [*self._slots]
        self._threads = ThreadPoolExecutor(self.workers)

    def warm_up(self) -> None:
        """Start all processes now, without waiting for them. Call it before the first job."""
        # In this thread: a new process gets this one's sys.path, which imports in other threads may change.
        for slot in self._slots:
            slot.launch()

    def submit(self, work: Callable[..., Result], *arguments: Any) -> "Future[Result]":
        """Run a job in one of the processes; `work` is a function of a module.

        The future raises JobError, or what `work` raises. Cancelling it stops the job even while it runs.
        """
        # Unlike the executor's future, this one is pending while the job runs, so that it can be cancelled.
        future: Future[Result] = Future()
        waiting = self._threads.submit(self._run, future, work, arguments)
        waiting.add_done_callback(lambda waiting: future.cancel() if waiting.cancelled() else None)
        return future

    def map(
        self, work: Callable[[list[Item]], Result], jobs: Iterable[list[Item]]
    ) -> Iterator[tuple[list[Item], Result | JobError]]:
        """Run jobs in order, submitting a few ahead; `work` is a function of a module.

        Yields:
            Each job with its result. If a job fails, its items are run and yielded one by one, each with its result or
            its error; an item whose process died is tried twice.
        """
        rest = iter(jobs)
        pending: deque[tuple[list[Item], Future[Result]]] = deque()
        while True:
            for job in islice(rest, JOBS_AHEAD * self.workers - len(pending)):
                pending.append((job, self.submit(work, job)))
            if not pending:
                return
            job, future = pending.popleft()
            result = _result_or_job_error(future)
            if not isinstance(result, JobError) or (len(job) == 1 and isinstance(result, TimedOut)):
                yield job, result
            else:
                for item in job:
                    yield [item], _result_or_job_error(self.submit(work, [item]))

    def close(self) -> None:
        """Kill all processes, and cancel waiting jobs."""
        for slot in self._slots:
            slot.close()
        self._threads.shutdown(cancel_futures=True)
        for slot in self._slots:
            slot.kill()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, future: "Future[Any]", work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        if future.cancelled():
            return
        slot = self._idle.pop()  # there is one for each thread
        try:
            is_done, answer = slot.run(future, work, arguments)
        except Exception as error:  # a JobError, or the job cannot be pickled
            is_done, answer = False, error
        try:
            future.set_result(answer) if is_done else future.set_exception(answer)
        except InvalidStateError:  # it was cancelled
            slot.kill()
        slot.launch()
        self._idle.append(slot)


def _result_or_job_error(future: "Future[Result]") -> Result | JobError:
    try:
        return future.result()
    except JobError as error:
        return error


class _Slot:
    """A process of the pool, which is replaced when it ends. One thread at a time starts it and sends it jobs."""

    def __init__(self, arguments: tuple[Any, ...], timeout: float | None) -> None:
        self._arguments, self._timeout = arguments, timeout
        self._process: SpawnProcess | None = None
        self._is_ready = self._is_closed = False

    def launch(self) -> None:
        """Start the process unless there is one, without waiting until it is ready; never in a closed pool."""
        if self._process is not None or self._is_closed:
            return
        context = get_context("spawn")
        with suppress(OSError):  # then there is no process, and the next job fails
            self._connection, theirs = context.Pipe()
            with theirs:
                process = context.Process(target=serve_jobs, args=(theirs, *self._arguments), daemon=True)
                process.start()
            self._process, self._is_ready = process, False

    def run(self, future: "Future[Any]", work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        """Run a job: whether it succeeded, and its result or what it raised. Raises JobError."""
        process, is_late = self._start(), threading.Event()

        def stop() -> None:
            is_late.set()
            process.kill()

        # Killing the process also ends a send or receive that blocks because the process is stopped.
        future.add_done_callback(lambda future: process.kill() if future.cancelled() else None)
        deadline = threading.Timer(threading.TIMEOUT_MAX if self._timeout is None else self._timeout, stop)
        deadline.start()
        try:
            self._connection.send((work, arguments))
            return self._receive()
        except (EOFError, OSError):
            self.kill()
            if is_late.is_set():
                raise TimedOut(f"took longer than {self._timeout:g} seconds") from None
            raise ProcessDied("killed the process that read it") from None
        finally:
            deadline.cancel()
            deadline.join()
            if is_late.is_set():
                self.kill()

    def close(self) -> None:
        """Kill the process from another thread; none is started afterwards."""
        self._is_closed = True
        if (process := self._process) is not None:
            process.kill()

    def kill(self) -> None:
        """Kill the process and wait for its end."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None

    def _start(self) -> SpawnProcess:
        """Start the process if it is not running, and wait until it is ready. Raises what its initializer raised."""
        if self._process is None or not self._process.is_alive():
            self.kill()
            self.launch()
        process = self._process
        try:
            if process is None or self._is_closed:
                raise EOFError
            if self._is_ready:
                return process
            if not self._connection.poll(START_SECONDS):
                raise TimeoutError
            self._is_ready, error = self._receive()
        except (OSError, EOFError):
            self.kill()
            raise ProcessDied("could not be read: its process did not start") from None
        if not self._is_ready:
            self.kill()
            raise error
        return process

    def _receive(self) -> tuple[bool, Any]:
        answer: tuple[bool, Any] = pickle.loads(self._connection.recv_bytes())  # noqa: S301  # from our own process
        return answer
