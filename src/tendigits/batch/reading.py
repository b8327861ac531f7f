"""Read pictures in order: one in this process, more in worker processes, where a damaged file stops nothing.

with read_files({}, find_pictures(["scans"]).pictures) as results:
    for path, page in results: ...      # the page, or the DataError why it could not be read
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tendigits.errors import DataError
from tendigits.machine import cores
from tendigits.pool.pool import MAX_JOB_BYTES, JobError, WorkerPool
from tendigits.pool.worker_process import watched

if TYPE_CHECKING:
    from tendigits.read.page import Page

# The path or address of each picture, and its page, or why it could not be read.
Results = Iterator[tuple[str, "Page | DataError"]]

DIGITS_PER_JOB = 32  # pictures of one digit that are classified together
TIMEOUT = 60.0  # seconds for a picture; a page takes about two, the rest is for slow disks and busy machines
MIN_JOBS_PER_PROCESS = 16  # with fewer jobs, starting another process takes longer than it saves


def read_here(
    settings: Mapping[str, Any], path: str, one: bool, timeout: float | None, stop: Callable[[DataError], None]
) -> Results:
    """Read one picture in this process, which starts sooner than another. The arguments are those of `read_files`.

    `stop` is called in another thread if the picture exceeds the limits of a worker process; it should end the process.
    """
    _make_reader(settings, None)
    with watched(MAX_JOB_BYTES, timeout, lambda reason: stop(_failed(path, reason))):
        pages = _read_job([path], one)
    yield path, pages[0]


@contextmanager
def read_files(
    settings: Mapping[str, Any],
    paths: Sequence[str],
    *,
    one: bool = False,
    workers: int | None = None,
    timeout: float | None = TIMEOUT,
) -> Iterator[Results]:
    """Start to read pictures, and yield the results in order.

    Args:
        settings: keyword arguments of `Reader`.
        paths: paths or addresses.
        one: each picture is of one digit.
        workers: number of processes; None chooses it by the number of pictures and cores.
        timeout: seconds for each picture; None for no limit.

    Raises:
        TendigitsError: the settings are wrong; perhaps only when the first result is asked for.
    """
    if workers is None:
        n_jobs = len(paths) / (DIGITS_PER_JOB if one else 1)
        workers = min(cores(), 1 + int(n_jobs / MIN_JOBS_PER_PROCESS))
        if settings.get("model") is not None:  # Keras, which may run it, uses all cores by itself
            workers = 1
    with reader_pool(settings, workers, timeout, threads=None if workers == 1 else 1) as pool:
        pool.warm_up()
        yield read_with(pool, paths, one)


def reader_pool(
    settings: Mapping[str, Any], workers: int | None, timeout: float | None = TIMEOUT, threads: int | None = 1
) -> WorkerPool:
    """Make a pool of processes with a `Reader` each, which uses `threads` threads; None takes all cores."""
    return WorkerPool(workers, _make_reader, (settings, threads), timeout=timeout)


def read_with(pool: WorkerPool, paths: Sequence[str], one: bool) -> Results:
    """Read pictures in order in a `reader_pool`; one that takes too long, or kills its process, is a DataError."""
    size = DIGITS_PER_JOB if one else 1
    jobs = (paths[first : first + size] for first in range(0, len(paths), size))
    for job, pages in pool.map(partial(_read_job, one=one), jobs, split=lambda job: [[path] for path in job]):
        if isinstance(pages, JobError):
            pages = [_failed(job[0], pages)]
        yield from zip(job, pages, strict=True)


def _failed(path: str, reason: object) -> DataError:
    return DataError(f"expected a picture at {path}, it {reason}; make it smaller, or save it again")


def _make_reader(settings: Mapping[str, Any], threads: int | None) -> None:
    from tendigits.batch.batch import make_reader  # imports onnxruntime and OpenCV: only where pictures are read

    make_reader(settings, threads)


def _read_job(paths: Sequence[str], one: bool) -> "list[Page | DataError]":
    from tendigits.batch.batch import read_job

    return read_job(paths, one)
