"""A process of a `WorkerPool` and the thread that hands it its jobs; killed with a job that must end, and replaced.

slot = Slot((initializer, initargs, memory), timeout=60)
threading.Thread(target=slot.run, args=(tasks,)).start()
"""

import os
import pickle
import queue
import signal
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

from tendigits.pool.worker_process import serve_jobs

Result = TypeVar("Result")

START_SECONDS = 120.0
"""For a process to be ready: on a busy machine a user's own network, which Keras opens, takes half a minute."""


class JobError(Exception):
    """A job was not done."""


class ProcessDied(JobError):
    """Its process was killed, has crashed, or could not be started."""


class TimedOut(JobError):
    """It took too long; its process was killed."""


class Task(Generic[Result]):
    """A job and its future, which stays pending while it runs, so that it can be cancelled."""

    def __init__(self, work: Callable[..., Result], arguments: tuple[Any, ...]) -> None:
        self.work, self.arguments = work, arguments
        self.future: Future[Result] = Future()


class Slot:
    """A process, which is replaced when it ends, and what it does now.

    One thread starts the process and hands it its jobs; others may only kill it.
    """

    def __init__(self, arguments: tuple[Any, ...], timeout: float | None) -> None:
        self._arguments, self._timeout = arguments, timeout
        self.is_kept_ready = False
        """Whether the process is started before there is a job for it."""
        self._process: SpawnProcess | None = None
        self._task: Task[Any] | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        """Held while the process changes, or the task that it does."""

    def run(self, tasks: "queue.SimpleQueue[Task[Any] | None]") -> None:
        """Do jobs until there is None."""
        while (task := self._next(tasks)) is not None:
            try:
                answer = self._do(task)
            except JobError as error:
                answer = False, error
            except Exception as error:  # it could not be pickled, or its answer couldn't
                self._kill()
                answer = False, error
            with suppress(InvalidStateError):  # it was cancelled
                task.future.set_result(answer[1]) if answer[0] else task.future.set_exception(answer[1])
        self._kill()

    def end(self, task: Task[Any]) -> None:
        """Kill the process if it does this job."""
        with self._lock:
            if self._task is task and self._process is not None:
                _kill(self._process)

    def close(self) -> None:
        """Kill the process, and start no other."""
        self._is_closed = True
        with self._lock:
            if self._process is not None:
                _kill(self._process)

    def _next(self, tasks: "queue.SimpleQueue[Task[Any] | None]") -> Task[Any] | None:
        if self.is_kept_ready and not self._is_closed:
            with suppress(Exception):  # what is wrong with the process, the next job will say
                self._start()
        return tasks.get()

    def _start(self) -> None:
        """Start the process if there is none, and wait until it is ready. Raises ProcessDied."""
        if self._process is not None and self._process.is_alive():
            return
        self._kill()
        context = get_context("spawn")
        try:
            self._jobs, theirs = context.Pipe()
            with theirs:
                process = context.Process(target=serve_jobs, args=(theirs, *self._arguments), daemon=True)
                process.start()
            with self._lock:
                self._process = process
            if self._is_closed or not self._jobs.poll(START_SECONDS):
                raise TimeoutError
            is_ready, why = pickle.loads(self._jobs.recv_bytes())  # noqa: S301  # from our own process
        except (OSError, EOFError) as error:
            self._kill()
            raise ProcessDied("a process for it could not be started") from error
        if not is_ready:
            self._kill()
            raise why
        _limit_waiting(self._jobs, self._timeout)

    def _do(self, task: Task[Result]) -> tuple[bool, Any]:
        self._start()
        with self._lock:
            self._task = task
        if task.future.cancelled():
            return False, None
        try:
            self._jobs.send((task.work, task.arguments))
            if not self._jobs.poll(self._timeout):
                raise BlockingIOError
            answer = self._jobs.recv_bytes()
        except BlockingIOError:  # poll, or the connection's own time-out: the process is stopped
            self._kill()
            raise TimedOut(f"took longer than {self._timeout:g} seconds") from None
        except (EOFError, OSError):
            self._kill()
            raise ProcessDied("killed the process that read it") from None
        finally:
            with self._lock:
                self._task = None
            if task.future.cancelled():
                self._kill()
        done: tuple[bool, Any] = pickle.loads(answer)  # noqa: S301  # from our own process
        return done

    def _kill(self) -> None:
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                _kill(process)
        if process is not None:
            process.join()
            self._jobs.close()


def _kill(process: SpawnProcess) -> None:
    """Kill a process and what it has started."""
    if process.pid is not None and hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):  # before it leads its group
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _limit_waiting(connection: Any, seconds: float | None) -> None:
    """Let no write or read of a connection wait longer: a stopped process takes nothing, and ends in mid-answer."""
    if seconds is not None and os.name == "posix":
        import socket

        with socket.socket(fileno=os.dup(connection.fileno())) as both:
            for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
                both.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6)))
