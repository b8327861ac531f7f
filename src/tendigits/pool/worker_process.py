"""The loop of a worker process of a `WorkerPool`: one job after another, within a memory limit."""

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

OUT_OF_MEMORY_MESSAGES = ("insufficient memory", "bad_alloc", "bad alloc", "failed to allocate")
"""Parts of the messages of libraries that raise no MemoryError, such as OpenCV and onnxruntime."""


def serve_jobs(
    jobs: "Connection[Any, Any]", initializer: Callable[..., None] | None, initargs: tuple[Any, ...], memory: int
) -> None:
    """Answer each (function, arguments) with (True, result) or (False, exception).

    The first answer, before any job, is that of the initializer.

    Args:
        memory: bytes that jobs may allocate beyond what the process uses after its initializer.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    answer = _attempt(initializer, initargs) if initializer else pickle.dumps((True, None))
    limit_memory(memory)
    while True:
        try:
            jobs.send_bytes(answer)
            work, arguments = jobs.recv()
        except (EOFError, OSError):
            return
        answer = _attempt(work, arguments)


def limit_memory(n_bytes: int) -> None:
    """Let this process allocate `n_bytes` more than it has now; further allocations fail.

    It sets RLIMIT_DATA, which on Linux counts private writable memory. RLIMIT_AS would also count the address space
    that thread pools only reserve. Without /proc, as on macOS and Windows, there is no limit.
    """
    with suppress(ImportError, OSError, ValueError):
        import resource

        status = Path("/proc/self/status").read_text()
        (used,) = (int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmData:"))
        resource.setrlimit(resource.RLIMIT_DATA, (used + n_bytes, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a library raised this because it could not allocate memory."""
    message = str(error).lower()
    return isinstance(error, MemoryError) or any(words in message for words in OUT_OF_MEMORY_MESSAGES)


def _attempt(work: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    try:
        return pickle.dumps((True, work(*arguments)), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:
        with suppress(Exception):
            error.add_note("".join(traceback.format_exception(error)))
            return pickle.dumps((False, error))
        return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))


def _exit_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
