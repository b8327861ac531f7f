"""What a worker process does: it reads a page, or several pictures of one digit as one batch.

`tendigits.batch.reading` starts the processes. This module imports all that reading needs; that one does not.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import cv2

from tendigits.batch.sources import content_of
from tendigits.digits.find import Found, find_digit
from tendigits.errors import DataError, TendigitsError
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.pool.pool import MAX_JOB_BYTES
from tendigits.pool.worker_process import is_out_of_memory
from tendigits.read.page import Page
from tendigits.read.reader import Reader
from tendigits.read.results import Character, Digit, Number

log = logging.getLogger("tendigits.batch")

Read = TypeVar("Read")
Error = TypeVar("Error", bound=Exception)

_reader: Reader  # of this process


def make_reader(settings: Mapping[str, Any], threads: int | None) -> None:
    """Prepare this process; see `reading.reader_pool`."""
    global _reader
    if threads is not None:
        cv2.setNumThreads(threads)
    _reader = Reader(**settings, threads=threads)


def read_job(paths: Sequence[str], one: bool) -> list[Page | DataError]:
    """Read pictures, in order; if `one`, each is of one digit. Paths may be addresses."""
    if one:
        return read_located(_reader, [attempt(lambda path: find_digit(content_of(path)), path) for path in paths])
    return [attempt(lambda path: _reader.read(content_of(path)), path) for path in paths]


def attempt(read: Callable[..., Read], picture: Any, *arguments: Any) -> Read | DataError:
    """Read a picture. An unexpected error becomes a DataError and stops nothing; other TendigitsErrors are raised."""
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
    """Classify the digits that were found in pictures of one digit each, as one batch; errors stay in their places."""
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
