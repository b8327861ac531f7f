"""What runs in a process of a `WorkerPool`: it does one job after another, within a limit of memory.

It leads a process group of its own, so that what it has started, such as the drawing of a PDF, ends with it.
"""

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

NO_MEMORY = ("insufficient memory", "bad_alloc", "bad alloc", "failed to allocate")
"""What libraries say that have no MemoryError: OpenCV, onnxruntime and other C++."""


def serve_jobs(
    jobs: "Connection[Any, Any]", initializer: Callable[..., None] | None, initargs: tuple[Any, ...], memory: int
) -> None:
    """Answer each (function, arguments) with (True, result) or (False, exception); the first answer is: ready.

    Args:
        memory: bytes that jobs may take beyond what the process has after its initializer.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer = _attempt(initializer or _nothing, initargs)
    limit_memory(memory)
    while True:
        try:
            jobs.send_bytes(answer)
            work, arguments = jobs.recv()
        except (EOFError, OSError):
            return
        answer = _attempt(work, arguments)


def limit_memory(more: int) -> None:
    """Let this process take so many bytes more than it has; beyond that, allocations fail.

    By RLIMIT_DATA, which Linux counts for all private memory that can be written. RLIMIT_AS would also count what the
    thread pools of numeric libraries only reserve. Without /proc, as on macOS and Windows, nothing is limited.
    """
    with suppress(ImportError, OSError, ValueError):
        import resource

        (has,) = (
            int(line.split()[1]) << 10
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmData:")
        )
        resource.setrlimit(resource.RLIMIT_DATA, (has + more, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a library could not allocate memory."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(words in said for words in NO_MEMORY)


def _nothing() -> None:
    pass


def _attempt(work: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    try:
        return pickle.dumps((True, work(*arguments)), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:
        with suppress(Exception):
            error.add_note("".join(traceback.format_exception(error)))
            return pickle.dumps((False, error))
        return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)
