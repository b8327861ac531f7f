"""Read pictures in order: one in this process, several in worker processes, which a damaged file may crash.

with read_files(ReadOptions(one=True), find_pictures(["scans"]).pictures) as results:
    for path, page in results: ...      # the page, or the DataError why it could not be read
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from tendigits.batch.options import ReadOptions
from tendigits.errors import DataError
from tendigits.machine import cores
from tendigits.pictures.documents import split_address
from tendigits.pool.pool import MAX_JOB_BYTES, JobError, WorkerPool
from tendigits.pool.worker_process import watched

if TYPE_CHECKING:
    from tendigits.read.page import Page

# The path or address of each picture, and its page, or why it could not be read.
Results = Iterator[tuple[str, "Page | DataError"]]

DIGITS_PER_JOB = 32  # pictures of one digit that are classified together
MIN_JOBS_PER_PROCESS = 16  # with fewer jobs, starting another process takes longer than it saves


def read_here(options: ReadOptions, path: str, stop: Callable[[DataError], None]) -> Results:
    """Read one picture in this process: starting another one would take longer.

    `stop` is called in another thread if the picture exceeds the limits of a worker process; it should end the process.
    """
    _make_reader(options, None)
    with watched(MAX_JOB_BYTES, options.timeout, lambda reason: stop(failed(path, reason))):
        (page,) = _read_job([(path, math.inf)])
    yield path, cast("Page", page)


@contextmanager
def read_files(options: ReadOptions, paths: Sequence[str]) -> Iterator[Results]:
    """Start to read the pictures at paths or addresses, and yield the results in order.

    Raises:
        TendigitsError: the settings are wrong; perhaps only when the first result is asked for.
    """
    workers = options.workers
    if workers is None:
        n_jobs = len(paths) / (DIGITS_PER_JOB if options.one else 1)
        workers = min(cores(), 1 + int(n_jobs / MIN_JOBS_PER_PROCESS))
        if options.settings.get("model") is not None:  # Keras, which may run it, uses all cores by itself
            workers = 1
    with reader_pool(options, workers, threads=None if workers == 1 else 1) as pool:
        pool.warm_up()
        yield read_with(pool, options, paths)


def reader_pool(options: ReadOptions, workers: int | None, threads: int | None = 1) -> WorkerPool:
    """Make a pool of processes with a `Reader` each, which uses `threads` threads; None takes all cores."""
    return WorkerPool(workers, _make_reader, (options, threads), timeout=options.timeout)


def read_with(
    pool: WorkerPool, options: ReadOptions, paths: Sequence[str], deadlines: dict[str, float] | None = None
) -> Results:
    """Read pictures in order in a `reader_pool`; one that takes too long, or kills its process, is a DataError.

    A document's time begins with its first page; calls that share its pages share `deadlines`.
    """
    size = DIGITS_PER_JOB if options.one else 1
    deadlines = {} if deadlines is None else deadlines
    late: dict[str, DataError] = {}

    def with_deadline(path: str) -> tuple[str, float]:
        document = split_address(path)[0]
        if document == path or options.document_timeout is None:
            return path, math.inf
        return path, deadlines.setdefault(document, time.monotonic() + options.document_timeout)

    jobs = ([*map(with_deadline, paths[first : first + size])] for first in range(0, len(paths), size))
    for job, pages in pool.map(_read_job, jobs):
        if isinstance(pages, JobError):
            pages = [failed(job[0][0], pages)]
        for (path, _), page in zip(job, pages, strict=True):
            document = split_address(path)[0]
            if page is None and document not in late:
                late[document] = _not_read(path, paths, options.document_timeout)
            yield path, late.get(document) or cast("Page", page)


def _not_read(path: str, paths: Sequence[str], document_timeout: float | None) -> DataError:
    """The error of the pages of a document, from `path` on, that were not read because its time was up."""
    document, first = split_address(path)
    last = max(page for other, page in map(split_address, paths) if other == document)
    return DataError(
        f"expected to read {document} within {document_timeout:g} seconds, did not read pages {first} to {last}; "
        "give it more with --document-timeout"
    )


def failed(path: str, reason: object) -> DataError:
    """The error of a picture that exceeds the limits of a worker process."""
    return DataError(f"expected a picture at {path}, it {reason}; make it smaller, or save it again")


def _make_reader(options: ReadOptions, threads: int | None) -> None:
    from tendigits.batch.worker import make_reader  # imports onnxruntime and OpenCV: only where pictures are read

    make_reader(options, threads)


def _read_job(pictures: Sequence[tuple[str, float]]) -> "list[Page | DataError | None]":
    from tendigits.batch.worker import read_job

    return read_job(pictures)
