"""The work of a worker process: it reads a page, or several pictures of one digit as one batch.

`tendigits.batch.reading` starts the processes. It imports little; this module imports everything that reading needs.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import cv2

from tendigits.batch.options import ReadOptions
from tendigits.batch.output import ShownPage
from tendigits.batch.sources import content_of
from tendigits.digits.find import Found, find_digit, open_page
from tendigits.errors import DataError, TendigitsError
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.pool.pool import MAX_JOB_BYTES
from tendigits.pool.worker_process import is_out_of_memory
from tendigits.read.expectations import NOTHING
from tendigits.read.page import Page
from tendigits.read.reader import TIME_FOR_A_PAGE, Reader
from tendigits.read.results import Character, Digit, Number

log = logging.getLogger("tendigits.batch")

Read = TypeVar("Read")
Error = TypeVar("Error", bound=Exception)

MAX_KEPT_PAGES = 16  # results that a process keeps for pages that look the same: blank ones, copies

_reader: Reader  # of this process
_options: ReadOptions
_kept_pages: dict[tuple[object, ...], Page] = {}  # by their pixels


def make_reader(options: ReadOptions, threads: int | None) -> None:
    """Prepare this process; see `reading.reader_pool`."""
    global _reader, _options
    if threads is not None:
        cv2.setNumThreads(threads)
    _reader, _options = Reader(**options.settings, threads=threads), options
    _reader.seconds = None if options.timeout is None else TIME_FOR_A_PAGE * options.timeout
    _kept_pages.clear()


def read_job(pictures: Sequence[tuple[str, float]]) -> list[Page | DataError | None]:
    """Read pictures, in order; None for the pages of a document whose time is up.

    Each comes as its path or address, with the `time.monotonic` at which it is too late to begin.
    """

    def read(path: str) -> Any:
        return find_digit(content_of(path)) if _options.one else read_page(path)

    def with_picture(path: str, page: Page) -> ShownPage:
        return ShownPage(**vars(page), picture=open_page(content_of(path))[0])

    results = [attempt(read, path) if time.monotonic() <= until else None for path, until in pictures]
    pages = read_located(_reader, results) if _options.one else results
    if _options.show:
        pages = [
            attempt(with_picture, path, page) if isinstance(page, Page) else page
            for (path, _), page in zip(pictures, pages, strict=True)
        ]
    return pages


def read_page(path: str) -> Page:
    """Read a page, unless its pixels are those of an earlier one, whose result is then returned. Raises DataError."""
    grey, size = open_page(content_of(path))
    pixels = hashlib.sha256(grey.data).digest(), grey.shape, size
    if pixels not in _kept_pages:
        if len(_kept_pages) == MAX_KEPT_PAGES:
            _kept_pages.clear()
        _kept_pages[pixels] = _reader.read_opened(grey, size, _options.expected or NOTHING)
    return _kept_pages[pixels]


def attempt(read: Callable[..., Read], picture: Any, *arguments: Any) -> Read | DataError:
    """Read a picture. An unexpected error becomes a DataError; other TendigitsErrors are raised."""
    name = picture if isinstance(picture, str) else "this one"
    try:
        return read(picture, *arguments)
    except DataError as error:
        return error
    except TendigitsError:
        raise
    except Exception as error:
        log.debug("%s", name, exc_info=True)
        reason = f"could not be read ({type(error).__name__}); please report it"
        if is_out_of_memory(error):
            reason = f"needs more than {MAX_JOB_BYTES >> 20:,} MB; make it smaller, or save it again"
        return DataError(f"expected a picture, {name} {reason}")


def read_located(reader: Reader, found: Sequence[Found | Error]) -> list[Page | Error]:
    """Classify the digits found in pictures of one digit each, as one batch; errors keep their positions."""
    digits = iter(reader.classify_found([one for one in found if isinstance(one, Found)]))
    return [as_page(next(digits), one.size) if isinstance(one, Found) else one for one in found]


def as_page(digit: Digit, size: tuple[int, int]) -> Page:
    """Convert a picture of one digit to a page with one number."""
    label = str(digit.label)
    others = [
        (str(other), probability)
        for other, probability in digit.runners_up()
        if probability >= DEFAULT_OPTIONS.min_alternative
    ]
    character = Character(label, digit.confidence, others, digit.box, digit.crop, digit.accepted)
    number = Number(
        label, Decimal(digit.label), digit.confidence, digit.accepted, digit.reason, digit.box, [character], digit=digit
    )
    return Page([number], size, thumbnail=digit.thumbnail)
