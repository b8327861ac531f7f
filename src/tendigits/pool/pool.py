"""A pool of worker processes with a deadline and a memory limit for each job.

with WorkerPool(2, initializer, timeout=60) as pool:
    for job, result in pool.map(work, jobs, split): ...     # in order, a few jobs ahead
    pool.submit(work, job).result()                         # cancel() also stops a running job

Each process has its own thread and connection, so a process that crashes or hangs cannot block the others.
"""

import pickle
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import AbstractContextManager, suppress
from itertools import islice
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

from tendigits.machine import cores
from tendigits.pool.worker_process import serve_jobs

Job = TypeVar("Job")
Result = TypeVar("Result")

JOBS_AHEAD = 3
"""Jobs per process that `map` submits before it waits for their results."""

MAX_JOB_BYTES = 768 << 20
"""Default memory limit of a job: a picture of 50 million pixels needs about 400 MB."""

START_SECONDS = 120.0
"""Time limit for the start of a process: Keras needs half a minute on a busy machine."""


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
        self._tasks: queue.SimpleQueue[_Task[Any] | None] = queue.SimpleQueue()
        self._slots = [_Slot((initializer, initargs, memory), timeout) for _ in range(self.workers)]
        self._threads: list[threading.Thread] = []

    def warm_up(self) -> None:
        """Start all processes now, without waiting for them, and restart each as soon as it is lost.

        Call it before the first job.
        """
        for slot in self._slots:
            slot.is_kept_ready = True
            # In this thread: a new process gets this one's sys.path, which imports in other threads may change.
            slot.launch()
        self._start()

    def submit(self, work: Callable[..., Result], *arguments: Any) -> "Future[Result]":
        """Run a job in one of the processes; `work` is a function of a module.

        The future raises JobError, or what `work` raises. Cancelling it stops the job even while it runs.
        """
        self._start()
        task = _Task(work, arguments)
        task.future.add_done_callback(lambda future: self._stop(task) if future.cancelled() else None)
        self._tasks.put(task)
        return task.future

    def map(
        self, work: Callable[[Job], Result], jobs: Iterable[Job], split: Callable[[Job], Iterable[Job]]
    ) -> Iterator[tuple[Job, Result | JobError]]:
        """Run jobs in order, submitting a few ahead.

        Args:
            work: a function of a module.
            split: the smallest parts of a job; they run one by one after the whole job failed.

        Yields:
            Each job, or part of one, with its result or its error. A job whose process died is tried twice.
        """
        rest = iter(jobs)
        pending: deque[tuple[Job, Future[Result]]] = deque()
        while True:
            for job in islice(rest, JOBS_AHEAD * self.workers - len(pending)):
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
                    yield from ((part, self._result_of(work, part)) for part in parts)

    def close(self) -> None:
        """Kill all processes, and cancel waiting jobs."""
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

    def _result_of(self, work: Callable[[Job], Result], job: Job) -> Result | JobError:
        try:
            return self.submit(work, job).result()
        except JobError as error:
            return error

    def _stop(self, task: "_Task[Any]") -> None:
        for slot in self._slots:
            slot.stop(task)


class _Task(Generic[Result]):
    """A job and its future, which stays pending while the job runs, so that it can be cancelled."""

    def __init__(self, work: Callable[..., Result], arguments: tuple[Any, ...]) -> None:
        self.work, self.arguments = work, arguments
        self.future: Future[Result] = Future()
        self.is_stopped = False


class _Slot:
    """One process of the pool, which is replaced when it ends, and its current job.

    One thread starts the process and sends it jobs; other threads may only kill it.
    """

    def __init__(self, arguments: tuple[Any, ...], timeout: float | None) -> None:
        self._arguments, self._timeout = arguments, timeout
        self.is_kept_ready = False
        """Whether the process is started before a job arrives."""
        self._process: SpawnProcess | None = None
        self._is_ready = False
        self._task: _Task[Any] | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        """Held while `_process` or `_task` changes."""

    def run(self, tasks: "queue.SimpleQueue[_Task[Any] | None]") -> None:
        """Run jobs until a None arrives."""
        while (task := self._next(tasks)) is not None:
            with suppress(InvalidStateError):  # the future was cancelled
                try:
                    is_done, answer = self._do(task)
                except Exception as error:  # a JobError, or the job cannot be pickled
                    is_done, answer = False, error
                task.future.set_result(answer) if is_done else task.future.set_exception(answer)
        self._kill()

    def stop(self, task: _Task[Any]) -> None:
        """Kill the process if it runs this job."""
        with self._lock:
            if self._task is task and self._process is not None:
                task.is_stopped = True
                self._process.kill()

    def close(self) -> None:
        """Kill the process, and start no other."""
        self._is_closed = True
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _next(self, tasks: "queue.SimpleQueue[_Task[Any] | None]") -> _Task[Any] | None:
        if self.is_kept_ready and not self._is_closed:
            with suppress(Exception):  # the next job reports the error
                self._start()
        return tasks.get()

    def launch(self) -> None:
        """Start the process, without waiting until it is ready."""
        context = get_context("spawn")
        with suppress(OSError):  # then there is no process, and the next job fails
            self._connection, theirs = context.Pipe()
            with theirs:
                process = context.Process(target=serve_jobs, args=(theirs, *self._arguments), daemon=True)
                process.start()
            with self._lock:
                self._process, self._is_ready = process, False

    def _start(self) -> None:
        """Start the process if it is not running, and wait until it is ready. Raises what its initializer raised."""
        if self._process is None or not self._process.is_alive():
            self._kill()
            self.launch()
        if self._process is None or self._is_ready:
            return
        try:
            if self._is_closed or not self._connection.poll(START_SECONDS):
                raise TimeoutError
            self._is_ready, error = self._receive()
        except (OSError, EOFError):
            self._kill()
            return
        if not self._is_ready:
            self._kill()
            raise error

    def _do(self, task: _Task[Any]) -> tuple[bool, Any]:
        """Run a job: whether it succeeded, and its result or what it raised. Raises JobError."""
        self._start()
        if self._process is None:
            raise ProcessDied("could not be read: its process did not start")
        with self._lock:
            if task.future.cancelled():
                return True, None
            self._task = task
        # Killing the process also ends a send or receive that blocks because the process is stopped.
        deadline = threading.Timer(self._timeout or 0, self.stop, (task,))
        if self._timeout is not None:
            deadline.start()
        try:
            self._connection.send((task.work, task.arguments))
            return self._receive()
        except (EOFError, OSError):
            self._kill()
            if task.is_stopped:
                raise TimedOut(f"took longer than {self._timeout:g} seconds") from None
            raise ProcessDied("killed the process that read it") from None
        finally:
            deadline.cancel()
            with self._lock:
                self._task = None
            if task.is_stopped:
                self._kill()

    def _receive(self) -> tuple[bool, Any]:
        answer: tuple[bool, Any] = pickle.loads(self._connection.recv_bytes())  # noqa: S301  # from our own process
        return answer

    def _kill(self) -> None:
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                process.kill()
        if process is not None:
            process.join()
            self._connection.close()
