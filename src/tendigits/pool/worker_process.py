"""The main loop of a `WorkerPool`'s processes, and limits of memory and time for it and for other work."""

import mmap
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

# Parts of the messages of libraries that raise no MemoryError, such as OpenCV and onnxruntime.
OUT_OF_MEMORY_MESSAGES = ("insufficient memory", "bad_alloc", "bad alloc", "failed to allocate")

CHECK_SECONDS = 0.02  # interval of `watched`


def serve_jobs(
    jobs: "Connection[Any, Any]", initializer: Callable[..., None] | None, initargs: tuple[Any, ...], memory: int
) -> None:
    """Answer each (function, arguments) with (True, result) or (False, exception), and the initializer first of all.

    Jobs may allocate `memory` bytes beyond what the process uses after its initializer.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # C++ libraries write to stderr before they abort
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

        if used := data_size():
            resource.setrlimit(resource.RLIMIT_DATA, (used + n_bytes, resource.getrlimit(resource.RLIMIT_DATA)[1]))


@contextmanager
def watched(memory: int, timeout: float | None, stop: Callable[[str], None]) -> Iterator[None]:
    """Call `stop` in another thread, with the reason, when the block takes more bytes of memory or seconds than that.

    `stop` should end the process: work in C code cannot be interrupted, and PDFium aborts when an allocation fails.
    """
    is_done, started, before = threading.Event(), time.monotonic(), data_size()

    def watch() -> None:
        while not is_done.wait(CHECK_SECONDS):
            if timeout is not None and time.monotonic() - started > timeout:
                stop(f"took longer than {timeout:g} seconds")
            elif data_size() - before > memory:
                stop(f"needs more than {memory >> 20:,} MB")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()


def data_size() -> int:
    """Bytes of private writable memory that this process has; 0 without /proc."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text("ascii").split()[5]) * mmap.PAGESIZE
    return 0


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
