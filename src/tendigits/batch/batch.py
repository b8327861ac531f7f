"""Read many pictures in order: in bounded memory, on all cores, and a damaged file stops nothing.

for result in read_files(reader, find_pictures(["scans"]).pictures): ...
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from tendigits.batch.sources import content_of
from tendigits.digits.find import Found, find_digit
from tendigits.digits.network import Network
from tendigits.errors import DataError, TendigitsError
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.pool.pool import MEMORY, JobError, WorkerPool
from tendigits.pool.timeout import DeadlineExceeded, run_with_timeout
from tendigits.pool.worker_process import is_out_of_memory
from tendigits.read.page import Page
from tendigits.read.reader import Reader, ReaderOptions
from tendigits.read.results import Character, Digit, Number

log = logging.getLogger("tendigits.batch")

DIGITS_PER_JOB = 32
"""Pictures of one digit that are classified together."""

TIMEOUT = 60.0
"""Seconds for a picture. A page takes at most about two of a processor; the rest is for slow disks and busy machines
(`read --timeout`)."""

ADVICE = "make it smaller, or save it again"

Read = TypeVar("Read")
Error = TypeVar("Error", bound=Exception)

FEW = 16
"""Jobs that one process has finished before others have started."""

Job = tuple[tuple[str, ...], bool]
"""Paths or addresses, and whether each is a picture of one digit: one page, or up to DIGITS_PER_JOB digits."""

_reader: Reader
"""The reader of a worker process."""


@dataclass(frozen=True, eq=False)
class Result:
    """A picture that was read, or the reason why it wasn't."""

    path: str
    """A path or an address."""
    page: Page | None
    error: DataError | None


def read_files(
    reader: Reader,
    paths: Sequence[str],
    *,
    one: bool = False,
    workers: int | None = None,
    timeout: float | None = TIMEOUT,
) -> Iterator[Result]:
    """Read pictures in order.

    Args:
        paths: paths or addresses.
        one: each picture is of one digit.
        workers: number of processes. None takes one for each core if there are more than a FEW jobs; a user's own
            network then stays in this process, because Keras uses all cores by itself.
        timeout: seconds for each picture; None for any. In this process it holds as `within` says.
    """
    few = len(paths) <= FEW * (DIGITS_PER_JOB if one else 1)
    if isinstance(reader.model, Network) or (workers is None and (few or reader.model is not None)):
        for job in _jobs(paths, one):
            yield from _read_job(reader, job, timeout)
        return
    with reader_pool(reader.options, workers, timeout) as pool:
        yield from read_with(pool, paths, one)


def reader_pool(options: ReaderOptions, workers: int | None, timeout: float | None = TIMEOUT) -> WorkerPool:
    """Make a pool of processes with a `Reader` each; `timeout` is for each picture, None for any."""
    return WorkerPool(workers, _make_reader, (options,), timeout=timeout)


def read_with(pool: WorkerPool, paths: Sequence[str], one: bool) -> Iterator[Result]:
    """Read pictures in order in a `reader_pool`; one that takes too long, or kills its process, is a failed result."""
    for (job, _), results in pool.map(_read_in_worker, _jobs(paths, one), split=_single_pictures):
        if isinstance(results, JobError):  # of a single picture
            results = [Result(job[0], None, DataError(f"expected a picture at {job[0]}, it {results}; {ADVICE}"))]
        yield from results


def attempt(read: Callable[[Any], Read], picture: Any, timeout: float | None = None) -> Read | DataError:
    """What `read` returns for a picture, or the DataError that it raises; an error of ours is no end of all others.

    Args:
        timeout: seconds; see `within`.
    """
    name = picture if isinstance(picture, str) else "this one"
    try:
        return run_with_timeout(timeout, read, picture)
    except DataError as error:
        return error
    except TendigitsError:
        raise
    except DeadlineExceeded:
        return DataError(f"expected a picture at {name}, it took longer than {timeout:g} seconds; {ADVICE}")
    except Exception as error:
        log.debug("%s", name, exc_info=True)
        if is_out_of_memory(error):
            return DataError(f"expected a picture, {name} needs more than {MEMORY >> 20:,} MB; {ADVICE}")
        return DataError(f"expected a picture, {name} could not be read ({type(error).__name__}); please report it")


def read_located(reader: Reader, found: Sequence[Found | Error]) -> list[Page | Error]:
    """Classify what was found in pictures of one digit each, as one batch; errors stay in their places."""
    digits = iter(reader.classify_found([one for one in found if isinstance(one, Found)]))
    return [as_page(next(digits), one.size) if isinstance(one, Found) else one for one in found]


def as_page(digit: Digit, size: tuple[int, int]) -> Page:
    """Convert a picture of one digit to a page of one line."""
    label = str(digit.label)
    others = [(str(other), share) for other, share in digit.runners_up() if share >= DEFAULT_OPTIONS.min_alternative]
    character = Character(label, digit.confidence, others, digit.box, digit.crop, digit.accepted)
    line = Number(
        label, Decimal(digit.label), digit.confidence, digit.accepted, digit.reason, digit.box, [character], digit=digit
    )
    return Page([line], size, thumbnail=digit.thumbnail)


def _jobs(paths: Sequence[str], one: bool) -> Iterator[Job]:
    size = DIGITS_PER_JOB if one else 1
    return ((tuple(paths[first : first + size]), one) for first in range(0, len(paths), size))


def _single_pictures(job: Job) -> Iterator[Job]:
    paths, one = job
    return (((path,), one) for path in paths)


def _read_job(reader: Reader, job: Job, timeout: float | None = None) -> list[Result]:
    paths, one = job
    pages: list[Page | DataError]
    if one:
        found = [attempt(lambda source: find_digit(content_of(source)), path, timeout) for path in paths]
        pages = read_located(reader, found)
    else:
        pages = [attempt(lambda source: reader.read(content_of(source)), path, timeout) for path in paths]
    return [
        Result(path, page, None) if isinstance(page, Page) else Result(path, None, page)
        for path, page in zip(paths, pages, strict=True)
    ]


def _make_reader(options: ReaderOptions) -> None:
    """Prepare a worker process."""
    import cv2

    global _reader
    cv2.setNumThreads(1)  # there is a process for each core
    _reader = options.open(threads=1)


def _read_in_worker(job: Job) -> list[Result]:
    return _read_job(_reader, job)
