"""Work beside the main thread: what waits, or leaves Python's lock to others, in a thread; other work in a process.

loading = start(load, path)                         # a Future
...
dataset = loading.result()

with WorkerProcess() as worker:
    worker.submit(write_page, evaluation, folder)       # a module's function
    worker.wait()                                       # raises what it raised
"""

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from typing import IO, Any, TypeVar, cast

Result = TypeVar("Result")


def start(work: Callable[..., Result], *arguments: Any) -> "Future[Result]":
    """Call `work` in a thread of its own; no end of this process waits for it."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work(*arguments))
        except BaseException as error:  # raised again where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


class Worker(AbstractContextManager["Worker"]):
    """Does each job at once."""

    def submit(self, work: Callable[..., object], *arguments: Any) -> None:
        """Do a job, which returns nothing."""
        work(*arguments)

    def wait(self) -> None:
        """Wait until all jobs are done. Raises what the first one raised that failed."""

    def __exit__(self, *_: object) -> None:
        pass


class WorkerProcess(Worker):
    """Does one job after another in a process, which starts at once and ends with this one.

    Should the process be killed, its jobs are done here.
    """

    def __init__(self) -> None:
        command = [sys.executable, "-P", "-m", __name__]
        # In a session of its own: Ctrl-C is for this process.
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self._thread = ThreadPoolExecutor(1)
        self._jobs: list[Future[None]] = []

    def submit(self, work: Callable[..., object], *arguments: Any) -> None:
        """Give the process a job; `work` is a module's function."""
        job = pickle.dumps((work, arguments))  # now: the caller may change them afterwards
        self._jobs.append(self._thread.submit(self._do, job))

    def wait(self) -> None:
        """Wait until all jobs are done. Raises what the first one raised that failed."""
        while self._jobs:
            self._jobs.pop(0).result()

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._process.terminate()
        with suppress(BrokenPipeError), self._process:  # closes the pipes, and flushes what nobody reads any more
            pass

    def _do(self, job: bytes) -> None:
        jobs, answers = cast(tuple[IO[bytes], IO[bytes]], (self._process.stdin, self._process.stdout))
        try:
            jobs.write(job)
            jobs.flush()
            error = pickle.load(answers)  # noqa: S301  # from our own process
        except (OSError, EOFError, pickle.UnpicklingError):
            work, arguments = pickle.loads(job)  # noqa: S301
            work(*arguments)
            return
        if error is not None:
            raise error


def main() -> None:
    """The process: reads jobs from the standard input, and answers each with None or an exception."""
    jobs, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever a job prints is no answer
    with suppress(EOFError, pickle.UnpicklingError, BrokenPipeError):  # the other process has ended
        while True:
            work, arguments = pickle.load(jobs)  # noqa: S301
            try:
                work(*arguments)
                answer = None
            except Exception as error:
                answer = error
            answers.write(pickle.dumps(answer))
            answers.flush()


if __name__ == "__main__":
    main()
