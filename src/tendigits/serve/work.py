"""The jobs of the worker processes: they open pictures and large JSON, which may be hostile, and return responses.

An error of a picture is raised as a DataError, or returned in a page's `error`.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import cv2
import numpy as np

from tendigits.batch.output import as_file
from tendigits.batch.worker import attempt, read_located
from tendigits.digits.find import find_digit, open_page
from tendigits.digits.layers import ShowLayers
from tendigits.digits.network import from_onnx
from tendigits.errors import DataError, UserError
from tendigits.pictures.documents import count_pages_of
from tendigits.pictures.image import prepare_for_threads
from tendigits.read.answer_key import Key
from tendigits.read.expectations import Expectations
from tendigits.read.forms import Corners, Form
from tendigits.read.page import Page
from tendigits.read.reader import PACKAGE, Reader, ReaderOptions
from tendigits.read.results import Digit
from tendigits.serve.schemas import (
    MAX_REASON_CHARACTERS,
    DigitsRequest,
    PageResponse,
    TableRequest,
    TablesRequest,
    parse,
)
from tendigits.tables.checks import parse_formulas
from tendigits.tables.suggestions import suggest
from tendigits.tables.table import Table

Result = TypeVar("Result")

PREVIEW_SIDE = 2048  # pixels
PREVIEW_QUALITY = 85  # of a JPEG, up to 100
MAX_SUGGESTIONS = 3  # of other values for a doubtful cell: what a person sees at a glance
_page_seconds: float | None = None  # of this process
MAX_READERS = 4  # that a process keeps: the active one, the one before, and two of runs that are compared


@dataclass(frozen=True)
class ReaderSource:
    """What is needed to make the same reader in another process."""

    sha256: str  # of the network
    options: ReaderOptions = PACKAGE
    data: bytes | None = field(default=None, compare=False)  # an ONNX file; None for the network of the options


@dataclass(frozen=True, eq=False)
class ReadingNetwork:
    """A network that reads, here and in the worker processes."""

    reader: Reader
    source: ReaderSource
    number: int | None = None  # of the fine-tuned network in the store; None for any other network

    @property
    def sha256(self) -> str:
        """Of the network's file."""
        return self.source.sha256

    @cached_property
    def layers(self) -> ShowLayers:
        """Its hidden layers, opened when they are first shown. Raises TendigitsError."""
        if self.reader.network.open_layers is None:
            raise UserError(f"expected a network with layers, {self.reader.network.name} gives only its answers")
        return self.reader.network.open_layers()


def prepare_process(source: ReaderSource, seconds: float) -> None:
    """Prepare a worker process, in which a page may take so long: open the reader that it needs first."""
    global _page_seconds
    _page_seconds = seconds
    prepare_for_threads()
    cv2.setNumThreads(1)  # there is a process for each core
    _reader_of(source)


@lru_cache(MAX_READERS)
def _reader_of(source: ReaderSource) -> Reader:
    if source.data is None:
        reader = source.options.open(threads=1)
    else:
        network = from_onnx(source.data, "the fine-tuned network", threads=1)
        reader = Reader(network, source.options.threshold, threads=1)
    reader.seconds = _page_seconds
    return reader


def with_reader(source: ReaderSource, job: Callable[..., Result], *arguments: Any) -> Result:
    """Do one of the jobs below with this process's reader of a source."""
    return job(_reader_of(source), *arguments)


def read_digits(reader: Reader, pictures: Sequence[tuple[bytes, bool]]) -> list[PageResponse]:
    """Read pictures of one digit each, as one batch; the flag of each says whether its answer includes crops."""
    pages = read_located(reader, [attempt(find_digit, image) for image, _ in pictures])
    return [_response(image, page, crops) for (image, crops), page in zip(pictures, pages, strict=True)]


def classify(reader: Reader, body: bytes) -> list[Digit]:
    """Classify the digits of a `DigitsRequest`, which are cropped already. Raises InvalidBody."""
    return reader.classify(list(np.array(parse(DigitsRequest, body).digits, np.uint8)))


def read_page(reader: Reader, image: bytes, number: int, expected: Expectations, crops: bool) -> PageResponse:
    """Read a picture, or a page of a document."""
    return _response(image, attempt(reader.read, image, number, expected), crops)


def read_form(
    reader: Reader,
    form: Form,
    key: Key | None,
    image: bytes,
    number: int,
    expected: Expectations,
    crops: bool,
    corners: Corners | None,
) -> PageResponse:
    """Read a form's fields in a picture of it, and mark them."""
    page = attempt(reader.read_form, form, image, number, expected, corners)
    return _response(image, page if key is None or isinstance(page, DataError) else key.marked(page), crops)


def read_tables(
    reader: Reader, image: bytes, number: int, expected: Expectations, as_xlsx: bool
) -> tuple[bytes | None, list[bool]]:
    """Read a page's tables as a file, None without a table; and which numbers were accepted. Raises DataError."""
    page = reader.read(image, number, expected)
    tables = [(f"table {number}", table) for number, table in enumerate(page.tables, 1)]
    return as_file(tables, as_xlsx) if tables else None, [each.accepted for each in page.numbers]


def export_tables(body: bytes, as_xlsx: bool) -> bytes:
    """The tables of a `TablesRequest` as one file. Raises InvalidBody."""
    tables = enumerate(parse(TablesRequest, body).tables, 1)
    return as_file([(each.name or f"table {number}", each.table()) for number, each in tables], as_xlsx)


def check_table(body: bytes) -> tuple[Table, dict[str, list[tuple[str, str]]]]:
    """A `TableRequest` after a check by its formulas, and `suggest` for its doubtful cells. Raises InvalidBody."""
    table = parse(TableRequest, body).table()
    return table, suggest(table, parse_formulas(table.formulas), MAX_SUGGESTIONS)


def preview(image: bytes, number: int) -> bytes:
    """A page as the reader sees it, as a JPEG. Raises DataError."""
    grey, _ = open_page(image, number, PREVIEW_SIDE)
    return cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY])[1].tobytes()


def _response(image: bytes, page: Page | DataError, crops: bool) -> PageResponse:
    n_pages = attempt(count_pages_of, image)
    if isinstance(n_pages, DataError):
        page, n_pages = n_pages, 1
    sha256 = hashlib.sha256(image).hexdigest()
    if isinstance(page, DataError):
        return PageResponse(sha256=sha256, n_pages=n_pages, error=str(page)[:MAX_REASON_CHARACTERS])
    return PageResponse.of(page, sha256, crops, n_pages)
