"""What several routes share of the API: pixels, digits and pages as JSON, described in the OpenAPI document.

The JSON of a result is its `as_dict()`; the classes here only describe it.
"""

import base64
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    model_validator,
)
from pydantic_core import from_json

from tendigits.data.preprocess import FIELD
from tendigits.digits.layers import encode
from tendigits.errors import UserError
from tendigits.geometry import Box
from tendigits.numbers.decode import HEIGHT
from tendigits.numbers.grammar import common_separator, to_decimal
from tendigits.numbers.network import GRID
from tendigits.numbers.strips import MAX_WIDTH_PX
from tendigits.read.page import Page
from tendigits.read.results import Number
from tendigits.read.sheet import (
    MAX_CODE_CHARACTERS,
    MAX_STUDENTS,
    MAX_TITLE_CHARACTERS,
    ROWS_PER_PAGE,
    Code,
    parse_sheet,
)
from tendigits.tables.cell import Cell
from tendigits.tables.checks import check_formulas, parse_formulas
from tendigits.tables.options import Sums
from tendigits.tables.sums import find_sums
from tendigits.tables.table import Table
from tendigits.teach.store import MIN_STRIP_WIDTH

MAX_REASON_CHARACTERS = 300  # of an error's sentence
MAX_DIGITS = 1000  # digits or corrections in one request
MAX_SHEETS = 100  # tables in one request
MAX_DOUBTFUL_CELLS = 5000  # in one request; each has a comment and a row with its picture in a spreadsheet
MAX_ROWS = 1000  # of a table
MAX_COLUMNS = 200
MAX_CELL_OPTIONS = 20
MAX_FORMULAS = 100  # of a table
# Content types; the bytes decide what a picture is.
PICTURES = (
    "image/png", "image/jpeg", "image/webp", "image/tiff", "image/bmp", "image/gif", "image/heic", "image/avif",
    "application/pdf", "application/octet-stream",
)  # fmt: skip

DECIMAL = r"^-?[0-9]+([.][0-9]+)?(E[-+][0-9]{1,2})?$"
"""A `Decimal` of bounded size, as text."""

NO_BOX = Box(0, 0, 0, 0)  # of a cell that a client sends
BINARY = {"type": "string", "format": "binary"}
ANY_PICTURE = {PICTURES[-1]: {"schema": BINARY}}  # as a body of any content type; generators of clients know no others
PICTURE_CONTENT = {kind: {"schema": BINARY} for kind in PICTURES}

CROP = "784 bytes in base64: 28 rows of 28 pixels, white digit on black"
STRIP = "40 rows of pixels in base64, as a number was read with ?crops=true"


def _decoder(expected: str, height: int, widths: range) -> PlainValidator:
    """Reads uint8 (height, width) from base64; pixels from the store stay as they are."""

    def decode(value: Any) -> NDArray[np.uint8]:
        if isinstance(value, np.ndarray):
            return value
        with suppress(TypeError, ValueError):
            pixels = np.frombuffer(base64.b64decode(value, validate=True), np.uint8).reshape(height, -1)
            if pixels.shape[1] in widths:
                return pixels
        raise ValueError(f"expected {expected}")

    shortest, longest = (-(-height * width // 3) * 4 for width in (widths[0], widths[-1]))
    return PlainValidator(decode, Annotated[str, Field(description=expected, min_length=shortest, max_length=longest)])


Encoded = PlainSerializer(encode, str)
Crop = Annotated[NDArray[np.uint8], _decoder(CROP, FIELD, range(FIELD, FIELD + 1)), Encoded]
Strip = Annotated[NDArray[np.uint8], _decoder(STRIP, HEIGHT, range(MIN_STRIP_WIDTH, MAX_WIDTH_PX + 1, GRID)), Encoded]
Row = Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=28, max_length=28), FailFast()]
Rows = Annotated[list[Row], Field(min_length=28, max_length=28), FailFast()]
Label = Annotated[int, Field(ge=0, le=9)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Edges = tuple[int, int, int, int]
Value = Annotated[str, Field(max_length=100)]
Option = Annotated[tuple[Value, Probability], Field(strict=False)]
FormulaText = Annotated[str, Field(max_length=500)]


class Strict(BaseModel):
    """A request that refuses unknown fields and other types: `true` is not 1, "3" is not 3.

    Its lists are marked with FailFast; otherwise a small body could cause many errors.
    """

    model_config = ConfigDict(extra="forbid", strict=True)


Model = TypeVar("Model", bound=Strict)


class InvalidBody(Exception):
    """A body that is not JSON, or does not fit its model; its only argument is pydantic's first error."""


def parse(model: type[Model], body: bytes) -> Model:
    """Parse JSON by pydantic's parser, which refuses lists nested deeper than 200. Raises InvalidBody."""
    try:
        return model.model_validate(from_json(body))
    except ValidationError as error:
        raise InvalidBody(error.errors(include_url=False)[0]) from None
    except ValueError as error:
        raise InvalidBody({"type": "json_invalid", "loc": (), "ctx": {"error": str(error)}}) from None


class DigitsRequest(Strict):
    """Digits like MNIST's: 28x28 pixels from 0 to 255, white digit on black."""

    digits: Annotated[list[Rows], Field(min_length=1, max_length=MAX_DIGITS), FailFast()]


class CellRequest(Strict):
    """A cell that a person has checked."""

    value: Value
    number: Annotated[str, Field(pattern=DECIMAL, max_length=100)] | None = None  # as it was read; else from the value
    accepted: bool = True
    confidence: Probability = 1.0  # as it was read
    fits: bool = True  # whether the value is one that is expected there; no sum confirms another
    reason: Annotated[str, Field(max_length=500)] | None = None
    options: Annotated[list[Option], Field(max_length=MAX_CELL_OPTIONS), FailFast()] = []  # as of a CellResponse
    strip: Strip | None = None  # of a word
    checked: bool = False  # whether a person has checked it: no sum doubts it then


class TableRequest(Strict):
    """A table that a person has checked: rows of the same length."""

    name: Annotated[str, Field(max_length=100)] | None = None  # of its sheet in a spreadsheet
    rows: Annotated[
        list[Annotated[list[CellRequest], Field(min_length=1, max_length=MAX_COLUMNS), FailFast()]],
        Field(min_length=1, max_length=MAX_ROWS),
        FailFast(),
    ]
    formulas: Annotated[list[FormulaText], Field(max_length=MAX_FORMULAS)] | None = []
    """As of a TableResponse; null finds its sums anew."""
    find_sums: bool = False  # whether to look for other sums, too: its rows or columns have changed

    @model_validator(mode="after")
    def _is_rectangular(self) -> "TableRequest":
        if len({len(row) for row in self.rows}) > 1:
            raise ValueError("expected rows of the same length")
        try:
            parse_formulas(self.formulas or [])
        except UserError as error:
            raise ValueError(str(error)) from None
        return self

    def table(self) -> Table:
        """As the library's, checked by its formulas; one decimal separator fits all values."""
        separator = common_separator(cell.value for row in self.rows for cell in row)

        def convert(cell: CellRequest) -> Cell:
            number = to_decimal(cell.value, separator) if cell.number is None else Decimal(cell.number)
            how_sure = cell.confidence, cell.accepted, cell.reason, cell.options
            return Cell(NO_BOX, cell.value, number, *how_sure, picture=cell.strip, checked=cell.checked, fits=cell.fits)

        rows = [[convert(cell) for cell in row] for row in self.rows]
        formulas = parse_formulas(self.formulas or [])
        if self.find_sums or self.formulas is None:
            targets = {each.target.name for each in formulas}
            formulas += [each for each in find_sums(rows, Sums.AUTO) if each.target.name not in targets]
        return check_formulas(Table(rows, formulas=[each.text for each in formulas]), formulas)


class TablesRequest(Strict):
    """Tables that a person has checked, such as those of a document's pages."""

    tables: Annotated[list[TableRequest], Field(min_length=1, max_length=MAX_SHEETS), FailFast()]

    @model_validator(mode="after")
    def _is_checked(self) -> "TablesRequest":
        if sum(not cell.accepted for table in self.tables for row in table.rows for cell in row) > MAX_DOUBTFUL_CELLS:
            raise ValueError(f"expected at most {MAX_DOUBTFUL_CELLS:,} doubtful cells; check the others first")
        return self


class DigitResponse(BaseModel):
    """One digit, or what may be one, with its class probabilities."""

    label: Label
    confidence: Probability
    is_digit: Probability
    accepted: bool
    reason: str | None
    probabilities: list[float]
    box: Edges
    crop: str | None = None


class CharacterResponse(BaseModel):
    """A digit or a sign of a number; an alternative "" means that there is no character."""

    label: str
    confidence: Probability
    accepted: bool
    alternatives: list[tuple[str, Probability]]
    box: Edges
    crop: str | None = None


class ValueResponse(BaseModel):
    """What is written in a box."""

    value: str
    number: str | None
    confidence: Probability
    accepted: bool
    reason: str | None
    fits: bool  # whether it is one of the values that are expected there
    box: Edges


class NumberResponse(ValueResponse):
    """A number, or a date, a time, a sum; its `value` is its `text` without a closing mark as in `500.-`."""

    text: str
    characters: list[CharacterResponse]
    strip: str | None = None  # 40 rows of pixels in base64, grey: the input of the network, to correct the number
    digit: DigitResponse | None = None


class CellResponse(ValueResponse):
    """A cell of a table, or a field of a form.

    An empty `value` that is accepted is an empty cell or a word; one that isn't could not be read.
    """

    is_word: bool  # whether the cell holds a word, such as a name or a heading
    strip: str | None = None  # the picture of a word, with ?crops=true
    options: list[tuple[str, Probability]]  # other values that it may have, the best first
    index: int | None  # position of its number in the page's `numbers`, from 0


class TableResponse(BaseModel):
    """A table, after its sums were checked."""

    rows: list[list[CellResponse]]
    agreement: str | None
    formulas: list[str]  # by which it was checked, such as "G = sum B-F"
    wrong: list[str]  # what does not agree, such as "row 3 adds up to 20, not 20.5"
    ruled: bool
    dense: bool  # whether it looks like a table, and not like numbers scattered over the page


class SumResponse(BaseModel):
    """A calculation that somebody has written with its result."""

    text: str  # in one line
    numbers: list[int]  # indices of its numbers
    agrees: bool


class MarksResponse(BaseModel):
    """What an answer key says about the fields of a form."""

    right: dict[str, bool]  # of the fields that have an answer
    points: str
    max_points: str


class SheetResponse(Strict):
    """Which page of a printed sheet it is; its table has the names of the columns on top."""

    title: Annotated[str, Field(max_length=MAX_TITLE_CHARACTERS)]
    columns: Annotated[str, Field(max_length=MAX_CODE_CHARACTERS)]
    page: Annotated[int, Field(ge=1)]  # counted from 1
    n_pages: Annotated[int, Field(ge=1, le=MAX_ROWS)]
    student: Annotated[int, Field(ge=0)]  # whose sheet it is, counted from 1; 0 for a sheet of all of them
    n_students: Annotated[int, Field(ge=0, le=MAX_STUDENTS)]
    name: Annotated[str, Field(max_length=MAX_CODE_CHARACTERS)]  # of that student

    @model_validator(mode="after")
    def _is_of_a_sheet(self) -> "SheetResponse":
        try:
            self.code()
        except UserError as error:
            raise ValueError(str(error)) from None
        if self.page > self.n_pages or self.student > self.n_students:
            raise ValueError("expected a page and a student of the sheet")
        return self

    def code(self) -> Code:
        """As the library's; how many rows the last page has is not known here."""
        sheet = parse_sheet(self.columns, (self.n_pages - 1) * ROWS_PER_PAGE + 1, self.title)
        return Code(sheet, self.page, self.student, self.n_students, self.name)


class PageResponse(BaseModel):
    """One picture, or the error if it could not be read."""

    sha256: str  # of the picture's bytes; file names that clients send are ignored
    n_pages: int = 1
    size: tuple[int, int] | None = None
    turned: Annotated[int, Field(ge=0, le=270, multiple_of=90)] = 0  # degrees clockwise; boxes are not turned
    notice: str | None = None  # what a person should know of the page: that not all of it was read
    text: str = ""
    numbers: list[NumberResponse] = []
    tables: list[TableResponse] = []
    sums: list[SumResponse] = []
    fields: dict[str, CellResponse] = {}
    marks: MarksResponse | None = None
    sheet: SheetResponse | None = None
    error: str | None = None

    @classmethod
    def of(cls, page: Page, sha256: str, with_crops: bool, n_pages: int) -> "PageResponse":
        """A page that was read."""
        content = page.as_dict()
        if with_crops:
            content["numbers"] = [with_pictures(number) for number in page.numbers]
        content["tables"] = [table_content(table, with_crops) for table in page.tables]
        text = "\n".join(number.value for number in page.numbers)
        return cls(sha256=sha256, n_pages=n_pages, text=text, **content)


def table_content(table: Table, with_crops: bool) -> dict[str, Any]:
    """A table as JSON, perhaps with the pictures of its words."""
    content = table.as_dict() | {"dense": table.is_dense}
    for entries, cells in zip(content["rows"], table.rows, strict=True) if with_crops else ():
        for entry, cell in zip(entries, cells, strict=True):
            if cell.is_word and cell.picture is not None:
                entry["strip"] = encode(cell.picture)
    return content


def with_pictures(number: Number) -> dict[str, Any]:
    """A number as JSON, with the pixels that the network saw, in base64."""
    content = number.as_dict() | {"strip": None if number.strip is None else encode(number.strip)}
    for entry, character in zip(content["characters"], number.characters, strict=True):
        entry["crop"] = encode(character.crop)
    if number.digit is not None:
        content["digit"]["crop"] = encode(number.digit.crop)
    return content


@dataclass(frozen=True)
class LayerResponse:
    """A layer's outputs as a picture."""

    name: str
    columns: int
    low: float
    high: float
    units: str  # a byte for each pixel of the picture, row by row, in base64: 0 for `low`, 255 for `high`
