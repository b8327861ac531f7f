"""Many pictures in their order: bounded memory, all cores, and a bad file stops nothing.

for result in read_files(reader, find_pictures(["scans"])): ...
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tendigits.errors import DataError
from tendigits.read.crew import Crew
from tendigits.read.find import Found, find_digit
from tendigits.read.page import Digit, Line, Page
from tendigits.read.reader import Reader

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
"""Of the files that are read in a folder; a file that is named is read whatever its ending."""

TOGETHER = 32
"""Pictures of one digit that go through the network at once."""

FEW = 16
"""Jobs, a page or TOGETHER digits each, which one process has done before others have started."""


@dataclass(frozen=True, eq=False)
class Result:
    """A picture that was read, or why it was not."""

    path: Path
    page: Page | None
    error: DataError | None


def find_pictures(places: Iterable[str | Path]) -> list[Path]:
    """The files, and the pictures in the folders and their sub-folders, by name.

    Raises:
        DataError: a place is not there, or a folder holds no picture.
    """
    found: list[Path] = []
    for place in map(Path, places):
        if not place.is_dir():
            found.append(place)
            continue
        inside = [path for path in sorted(place.rglob("*")) if path.suffix.lower() in ENDINGS and path.is_file()]
        if not inside:
            raise DataError(f"expected pictures in the folder {place}, found none; read are {', '.join(ENDINGS)}")
        found += inside
    return found


def read_files(
    reader: Reader, paths: Sequence[Path], *, one: bool = False, workers: int | None = None
) -> Iterator[Result]:
    """Read pictures in their order.

    Args:
        one: each is of one digit.
        workers: processes; None takes one for each core where there are more than a FEW jobs, and a person's own
            network in this process, for Keras takes all cores by itself.
    """
    size = TOGETHER if one else 1
    jobs = ((tuple(job), one) for job in _batched(paths, size))
    if workers is None and (len(paths) <= FEW * size or not reader.is_bundled):
        for job, _ in jobs:
            yield from read_job(reader, (job, one))
        return
    with Crew(read_job, (reader.threshold,), start=_bundled_reader, workers=workers) as crew:
        for (job, _), results in crew.map(jobs, split=_singly):
            yield from [_died(path) for path in job] if results is None else results


def read_job(reader: Reader, job: tuple[tuple[Path, ...], bool]) -> list[Result]:
    """Read some pictures: their paths, and whether each is of one digit."""
    paths, one = job
    found: dict[Path, Found] = {}
    pages: dict[Path, Page] = {}
    errors: dict[Path, DataError] = {}
    for path in paths:
        try:
            if one:
                found[path] = find_digit(path)
            else:
                pages[path] = reader.read(path)
        except DataError as error:
            errors[path] = error
    for path, digit in zip(found, reader.judge(list(found.values())), strict=True):
        pages[path] = as_page(digit, found[path].size)
    return [Result(path, pages.get(path), errors.get(path)) for path in paths]


def as_page(digit: Digit, size: tuple[int, int]) -> Page:
    """A picture of one digit as a page of one line."""
    line = Line(str(digit.label), digit.confidence, digit.accepted, digit.box, [digit])
    return Page([line], size)


def _bundled_reader(threshold: float) -> Reader:
    import cv2

    cv2.setNumThreads(1)  # there is a process for each core
    return Reader(threshold=threshold, threads=1)


def _singly(job: tuple[tuple[Path, ...], bool]) -> Iterator[tuple[tuple[Path, ...], bool]]:
    paths, one = job
    return (((path,), one) for path in paths)


def _died(path: Path) -> Result:
    return Result(path, None, DataError(f"expected a picture at {path}, the process that read it died; save it again"))


def _batched(paths: Iterable[Path], n: int) -> Iterator[tuple[Path, ...]]:
    """As itertools.batched, which Python 3.11 has not."""
    rest = iter(paths)
    while job := tuple(islice(rest, n)):
        yield job
