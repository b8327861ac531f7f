"""Many pictures in their order: bounded memory, all cores, and a bad file stops nothing.

for result in read_files(reader, find_pictures(["scans"])): ...
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from tendigits.batch.sources import content_of
from tendigits.batch.workers import Crew
from tendigits.errors import DataError
from tendigits.read.find import Found, find_digit
from tendigits.read.reader import Reader
from tendigits.read.results import Digit, Line, Page

TOGETHER = 32
"""Pictures of one digit that go through the network at once."""

Job = tuple[tuple[str, ...], bool]
"""Paths or addresses, and whether each is a picture of one digit."""

FEW = 16
"""Jobs, a page or TOGETHER digits each, which one process has done before others have started."""


@dataclass(frozen=True, eq=False)
class Result:
    """A picture that was read, or why it was not."""

    path: str
    """Or its address."""
    page: Page | None
    error: DataError | None


def read_files(
    reader: Reader, paths: Sequence[str], *, one: bool = False, workers: int | None = None
) -> Iterator[Result]:
    """Read pictures in their order.

    Args:
        one: each is of one digit.
        workers: processes; None takes one for each core where there are more than a FEW jobs, and a person's own
            network in this process, for Keras takes all cores by itself.
    """
    few = len(paths) <= FEW * (TOGETHER if one else 1)
    if workers is None and (few or not reader.is_bundled):
        for job in jobs_of(paths, one):
            yield from read_job(reader, job)
        return
    with crew_of(None, reader.threshold, workers) as crew:
        yield from read_with(crew, paths, one)


def crew_of(model: str | None, threshold: float | None, workers: int | None) -> "Crew[Job, list[Result]]":
    """Processes that read; see `Reader` for the model and the threshold."""
    return Crew(read_job, (model, threshold), start=_reader, workers=workers)


def read_with(crew: "Crew[Job, list[Result]]", paths: Sequence[str], one: bool) -> Iterator[Result]:
    """Read pictures in their order; one of which a process dies is a failed result."""
    for (job, _), results in crew.map(jobs_of(paths, one), split=_singly):
        yield from [_died(path) for path in job] if results is None else results


def jobs_of(paths: Sequence[str], one: bool) -> Iterator[Job]:
    """A page each, or some pictures of one digit."""
    return ((job, one) for job in _batched(paths, TOGETHER if one else 1))


def read_job(reader: Reader, job: Job) -> list[Result]:
    """Read some pictures: their paths, and whether each is of one digit."""
    paths, one = job
    found: dict[str, Found] = {}
    pages: dict[str, Page] = {}
    errors: dict[str, DataError] = {}
    for path in paths:
        try:
            if one:
                found[path] = find_digit(content_of(path))
            else:
                pages[path] = reader.read(content_of(path))
        except DataError as error:
            errors[path] = error
    for path, digit in zip(found, reader.classify_found(list(found.values())), strict=True):
        pages[path] = as_page(digit, found[path].size)
    return [Result(path, pages.get(path), errors.get(path)) for path in paths]


def as_page(digit: Digit, size: tuple[int, int]) -> Page:
    """A picture of one digit as a page of one line."""
    line = Line(str(digit.label), digit.confidence, digit.accepted, digit.box, [digit])
    return Page([line], size)


def _reader(model: str | None, threshold: float | None) -> Reader:
    import cv2

    cv2.setNumThreads(1)  # there is a process for each core
    return Reader(model, threshold, threads=1)


def _singly(job: Job) -> Iterator[Job]:
    paths, one = job
    return (((path,), one) for path in paths)


def _died(path: str) -> Result:
    return Result(path, None, DataError(f"expected a picture at {path}, the process that read it died; save it again"))


def _batched(paths: Iterable[str], n: int) -> Iterator[tuple[str, ...]]:
    """As itertools.batched, which Python 3.11 has not."""
    rest = iter(paths)
    while job := tuple(islice(rest, n)):
        yield job
