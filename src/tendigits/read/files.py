"""Many pictures, one after the other: bounded memory, all cores, and a bad file stops nothing.

for result in read_files(reader, find_pictures(["scans"])): ...
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tendigits.errors import DataError
from tendigits.read.find import find_digit
from tendigits.read.page import Digit, Line, Page
from tendigits.read.reader import Reader

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
"""Of the files that are read in a folder; a file that is named is read whatever its ending."""

TOGETHER = 32
"""Pictures of one digit that go through the network at once."""


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
    reader: Reader, paths: Iterable[Path], *, one: bool = False, workers: int | None = None
) -> Iterator[Result]:
    """Read pictures in their order.

    Args:
        one: each is of one digit.
        workers: threads; None takes one for each core.
    """
    workers = workers or os.cpu_count() or 1
    jobs = _batched(paths, TOGETHER if one else 1)
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[list[Result]]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(_read_job, reader, job, one))
                if len(waiting) > 2 * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def as_page(digit: Digit, size: tuple[int, int]) -> Page:
    """A picture of one digit as a page of one line."""
    line = Line(str(digit.label), digit.confidence, digit.accepted, digit.box, [digit])
    return Page([line], size)


def _read_job(reader: Reader, paths: tuple[Path, ...], one: bool) -> list[Result]:
    if one:
        return _read_ones(reader, paths)
    return [_attempt(path, lambda path=path: reader.read(path)) for path in paths]


def _read_ones(reader: Reader, paths: tuple[Path, ...]) -> list[Result]:
    found: dict[Path, Any] = {}
    errors: dict[Path, DataError] = {}
    for path in paths:
        try:
            found[path] = find_digit(path)
        except DataError as error:
            errors[path] = error
    digits = dict(zip(found, reader.judge(list(found.values())), strict=True))
    return [
        Result(path, None, errors[path])
        if path in errors
        else Result(path, as_page(digits[path], found[path].size), None)
        for path in paths
    ]


def _attempt(path: Path, read: Any) -> Result:
    try:
        return Result(path, read(), None)
    except DataError as error:
        return Result(path, None, error)


def _batched(paths: Iterable[Path], n: int) -> Iterator[tuple[Path, ...]]:
    """As itertools.batched, which Python 3.11 has not."""
    rest = iter(paths)
    while job := tuple(islice(rest, n)):
        yield job
