"""What the worker processes do: open pictures, which may be hostile, and return what clients get.

Each error of a picture is a DataError: raised, or in a page's `error`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.batch.batch import as_page, attempt, read_located
from tendigits.digits.find import Found, find_digit, open_page
from tendigits.digits.network import from_onnx
from tendigits.errors import DataError
from tendigits.pictures.documents import count_pages, is_document
from tendigits.pictures.image import prepare_for_threads
from tendigits.read.forms import Form, make_form
from tendigits.read.page import Page
from tendigits.read.reader import PACKAGE, Reader, ReaderOptions
from tendigits.serve.schemas import PageResponse
from tendigits.tables.spreadsheet import to_xlsx
from tendigits.tables.table import Table

Result = TypeVar("Result")

PREVIEW_QUALITY = 85
"""JPEG quality, up to 100."""

MAX_READERS = 4
"""Readers that a process keeps: the active one, the one before, and two of runs that are compared."""


@dataclass(frozen=True)
class ReaderSource:
    """What makes the same reader in another process."""

    sha256: str
    """Of the network."""
    options: ReaderOptions = PACKAGE
    data: bytes | None = None
    """The ONNX file of a fine-tuned network; None for the network of the options."""


_readers: dict[str, Reader] = {}


def prepare_reader(source: ReaderSource) -> None:
    """Prepare a process: open the reader that it needs first."""
    prepare_for_threads()
    cv2.setNumThreads(1)  # there is a process for each core
    _reader_of(source)


def locate_all(images: Sequence[bytes]) -> list[Found | DataError]:
    """Locate the digit in each picture of one digit."""
    return [attempt(find_digit, image) for image in images]


def read_digits(source: ReaderSource, images: Sequence[bytes]) -> list[Page | DataError]:
    """Read pictures of one digit each, as one batch."""
    return read_located(_reader_of(source), locate_all(images))


def read_page(source: ReaderSource, image: bytes, number: int, one: bool, crops: bool) -> PageResponse:
    """Read a page of a document or a picture; with `one` a picture of one digit."""
    return _response(image, crops, lambda: _read(_reader_of(source), image, number, one))


def read_form(source: ReaderSource, form: Form, image: bytes, number: int, crops: bool) -> PageResponse:
    """Read a form's fields in a picture of it."""
    return _response(image, crops, lambda: _reader_of(source).read_form(form, image, number))


def open_form(image: bytes, fields: Mapping[str, Sequence[float]], turned: int, number: int) -> Form:
    """Open the picture of an empty form. Raises DataError, UserError."""
    return _checked(lambda: make_form(image, fields, turned, number))


def read_tables(
    source: ReaderSource, image: bytes, number: int, sums: str, expect: str, as_xlsx: bool
) -> tuple[bytes | None, list[bool]]:
    """Read a page's tables as a file, None without a table; and which numbers were accepted. Raises UserError."""
    page = _checked(lambda: _reader_of(source).read(image, number))
    tables = page.checked(sums, expect)
    file = as_file([(None, table) for table in tables], as_xlsx) if tables else None
    return file, [each.accepted for each in page.numbers]


def as_file(tables: Sequence[tuple[str | None, Table]], as_xlsx: bool) -> bytes:
    """Tables with their names, if they have one, as a spreadsheet with a sheet each, or as CSV."""
    if as_xlsx:
        return to_xlsx([(name or f"table {number}", table.rows) for number, (name, table) in enumerate(tables, 1)])
    return "\n".join(table.to_csv() for _, table in tables).encode()


def crop_of(image: bytes) -> NDArray[np.uint8]:
    """The digit in a picture of one, uint8 (28, 28). Raises DataError."""
    return _checked(lambda: find_digit(image)).crop


def preview(image: bytes, number: int) -> bytes:
    """A page as the reader sees it, as a JPEG. Raises DataError."""
    grey, _ = _checked(lambda: open_page(image, number))
    return cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY])[1].tobytes()


def _reader_of(source: ReaderSource) -> Reader:
    if source.sha256 not in _readers:
        if len(_readers) >= MAX_READERS:
            del _readers[next(iter(_readers))]
        if source.data is None:
            _readers[source.sha256] = source.options.open(threads=1)
        else:
            _readers[source.sha256] = Reader(from_onnx(source.data, "the fine-tuned network", threads=1), threads=1)
    return _readers[source.sha256]


def _read(reader: Reader, image: bytes, number: int, one: bool) -> Page:
    if not one:
        return reader.read(image, number)
    found = find_digit(image)
    return as_page(reader.classify_found([found])[0], found.size)


def _response(image: bytes, crops: bool, read: Callable[[], Page]) -> PageResponse:
    sha256, n_pages = hashlib.sha256(image).hexdigest(), 1
    try:
        if is_document(image):
            n_pages = _checked(partial(count_pages, image))
        return PageResponse.of(_checked(read), sha256, crops, n_pages)
    except DataError as error:
        return PageResponse(sha256=sha256, n_pages=n_pages, error=str(error)[:300])


def _checked(work: Callable[[], Result]) -> Result:
    """The result of `work`; any error of the picture is raised as a DataError."""
    result = attempt(lambda _: work(), None)
    if isinstance(result, DataError):
        raise result
    return result
