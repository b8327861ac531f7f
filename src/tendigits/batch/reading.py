"""Read pictures in order: one in this process, more in worker processes, where a damaged file stops nothing.

with read_files({}, find_pictures(["scans"]).pictures) as results:
    for result in results: ...
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tendigits.batch.jobs import ADVICE, Job, Result
from tendigits.errors import DataError
from tendigits.machine import cores
from tendigits.pool.pool import MAX_JOB_BYTES, JobError, WorkerPool
from tendigits.pool.worker_process import watched

DIGITS_PER_JOB = 32
"""Pictures of one digit that are classified together."""

TIMEOUT = 60.0
"""Seconds for a picture. A page takes about two; the rest is for slow disks and busy machines (`read --timeout`)."""

MIN_JOBS_PER_PROCESS = 16
"""With fewer jobs, starting another process takes longer than it saves."""


def read_here(
    settings: Mapping[str, Any], path: str, one: bool, timeout: float | None, stop: Callable[[DataError], None]
) -> Iterator[Result]:
    """Read one picture in this process, which starts sooner than another. The arguments are those of `read_files`.

    `stop` is called in another thread if the picture exceeds the limits of a worker process; it should end the process.
    """
    _make_reader(settings, None)
    with watched(MAX_JOB_BYTES, timeout, lambda reason: stop(_failed(path, reason))):
        results = _read_job(Job((path,), one))
    yield from results


@contextmanager
def read_files(
    settings: Mapping[str, Any],
    paths: Sequence[str],
    *,
    one: bool = False,
    workers: int | None = None,
    timeout: float | None = TIMEOUT,
) -> Iterator[Iterator[Result]]:
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


def read_with(pool: WorkerPool, paths: Sequence[str], one: bool) -> Iterator[Result]:
    """Read pictures in order in a `reader_pool`; one that takes too long, or kills its process, is a failed result."""
    size = DIGITS_PER_JOB if one else 1
    jobs = (Job(tuple(paths[first : first + size]), one) for first in range(0, len(paths), size))
    for job, results in pool.map(_read_job, jobs, split=lambda job: [Job((path,), job.one) for path in job.paths]):
        if isinstance(results, JobError):
            (path,) = job.paths
            results = [Result(path, None, _failed(path, results))]
        yield from results


def _failed(path: str, reason: object) -> DataError:
    return DataError(f"expected a picture at {path}, it {reason}; {ADVICE}")


def _make_reader(settings: Mapping[str, Any], threads: int | None) -> None:
    from tendigits.batch.batch import make_reader  # imports onnxruntime and OpenCV: only where pictures are read

    make_reader(settings, threads)


def _read_job(job: Job) -> list[Result]:
    from tendigits.batch.batch import read_job

    return read_job(job)
