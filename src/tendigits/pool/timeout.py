"""A deadline for work in this very process, where starting another one would take longer than the work.

page = run_with_timeout(60, reader.read, picture)     # raises DeadlineExceeded
"""

import signal
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


AGAIN = 1.0
"""Seconds after which the alarm comes again: an exception in a destructor is lost."""


class DeadlineExceeded(BaseException):
    """The time is over; no Exception, so that no handler of errors on the way takes it for one."""


def run_with_timeout(seconds: float | None, work: Callable[..., Result], *arguments: Any) -> Result:
    """Do some work; raise DeadlineExceeded in it if it runs longer, as soon as it is back in Python.

    By the process's alarm: in the main thread only, and not on Windows; elsewhere, or with None, nothing is limited.
    """
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return work(*arguments)

    def end(number: int, frame: object) -> None:
        raise DeadlineExceeded

    before = signal.signal(signal.SIGALRM, end)
    try:  # no context manager: the alarm may come at any point, also between the beginning of one and its block
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
            return work(*arguments)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
