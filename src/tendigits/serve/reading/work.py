"""What the processes that read pages do: open pictures, which may harm them, and give back what is sent to clients.

An error of a picture, whatever it is, is a DataError, in a page's `error` or raised.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

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
"""Of a JPEG, to 100."""

KEPT = 4
"""Readers that a process keeps: the active one, the one before, with which some requests have begun, and two of runs
that are shown beside each other."""


@dataclass(frozen=True)
class ReaderSource:
    """What makes the same reader in another process."""

    sha256: str
    """Of the network."""
    options: ReaderOptions = PACKAGE
    data: bytes | None = None
    """The ONNX file of a fine-tuned network; None for the one of the options."""

    @property
    def is_package(self) -> bool:
        """Whether the package's own networks read, which every process can open cheaply."""
        return self.data is None and self.options.model is None


_readers: dict[str, Reader] = {}


def prepare_reader(source: ReaderSource | None) -> None:
    """Prepare a process: open the reader that it needs first, if it needs one."""
    prepare_for_threads()
    cv2.setNumThreads(1)  # there is a process for each core
    if source is not None:
        _reader_of(source)


def locate_all(images: Sequence[bytes]) -> list[Found | DataError]:
    """Locate the digit in each picture of one."""
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
    """Open a form's own picture. Raises DataError, UserError."""
    return _or_error(lambda: make_form(image, fields, turned, number), image)


def read_tables(
    source: ReaderSource, image: bytes, number: int, sums: str, expect: str, as_xlsx: bool
) -> tuple[bytes | None, list[bool]]:
    """Read a page's tables as a file, None if there is none; and which numbers were accepted. Raises UserError."""
    page = _or_error(lambda: _reader_of(source).read(image, number), image)
    tables = page.checked(sums, expect)
    file = as_file([(None, table) for table in tables], as_xlsx) if tables else None
    return file, [line.accepted for line in page.numbers]


def as_file(tables: Sequence[tuple[str | None, Table]], as_xlsx: bool) -> bytes:
    """Tables with their names, if they have one, as a spreadsheet with a sheet each, or as CSV."""
    if as_xlsx:
        return to_xlsx([(name or f"table {number}", table.rows) for number, (name, table) in enumerate(tables, 1)])
    return "\n".join(table.to_csv() for _, table in tables).encode()


def crop_of(image: bytes) -> NDArray[np.uint8]:
    """The digit in a picture of one, uint8 (28, 28). Raises DataError."""
    return _or_error(lambda: find_digit(image), image).crop


def preview(image: bytes, number: int) -> bytes:
    """A page as the reader sees it, as a JPEG. Raises DataError."""
    grey, _ = _or_error(lambda: open_page(image, number), image)
    return cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY])[1].tobytes()


def _reader_of(source: ReaderSource) -> Reader:
    if source.sha256 not in _readers:
        if len(_readers) >= KEPT:
            del _readers[next(iter(_readers))]
        network = None if source.data is None else from_onnx(source.data, "the fine-tuned network", threads=1)
        _readers[source.sha256] = source.options.open(threads=1) if network is None else Reader(network, threads=1)
    return _readers[source.sha256]


def _read(reader: Reader, image: bytes, number: int, one: bool) -> Page:
    if not one:
        return reader.read(image, number)
    found = find_digit(image)
    return as_page(reader.classify_found([found])[0], found.size)


def _response(image: bytes, crops: bool, read: Callable[[], Page]) -> PageResponse:
    sha256 = hashlib.sha256(image).hexdigest()
    n_pages: Any = attempt(lambda _: count_pages(image) if is_document(image) else 1, image)
    page = n_pages if isinstance(n_pages, DataError) else attempt(lambda _: read(), image)
    if isinstance(page, DataError):
        return PageResponse(sha256=sha256, n_pages=n_pages if isinstance(n_pages, int) else 1, error=str(page)[:300])
    return PageResponse.of(page, sha256, crops, n_pages)


def _or_error(work: Callable[[], Result], image: bytes) -> Result:
    done = attempt(lambda _: work(), image)
    if isinstance(done, DataError):
        raise done
    return done
