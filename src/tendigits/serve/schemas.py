"""Requests and responses of the API as pydantic models: strict on the way in, described in the OpenAPI document."""

import base64
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from tendigits.digits.layers import Layer
from tendigits.read.page import Page
from tendigits.read.results import Digit, Number

MAX_DIGITS = 1000
"""Most digits or corrections in one request."""

Row = Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=28, max_length=28), FailFast()]
Rows = Annotated[list[Row], Field(min_length=28, max_length=28), FailFast()]


def _is_crop(text: str) -> str:
    with suppress(ValueError):
        if len(base64.b64decode(text, validate=True)) == 784:
            return text
    raise ValueError("expected 784 bytes in base64: 28 rows of 28 pixels, white digit on black")


def encode(pixels: Any) -> Any:
    """Pixels, uint8, in base64, row by row; anything else as it is."""
    return base64.b64encode(pixels.tobytes()).decode() if isinstance(pixels, np.ndarray) else pixels


Crop = Annotated[
    str,
    Field(
        description="784 bytes in base64: 28 rows of 28 pixels, white digit on black", min_length=1048, max_length=1048
    ),
    AfterValidator(_is_crop),
]
Label = Annotated[int, Field(ge=0, le=9)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Edges = tuple[int, int, int, int]


class Strict(BaseModel):
    """Refuses unknown fields and other types: `true` is not 1, "3" is not 3.

    Lists in it are marked with FailFast, so that one error ends them.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _has_known_fields(cls, content: Any) -> Any:
        """The first unknown field is an error; pydantic would make one of each, a kilobyte for a field of 9 bytes."""
        for name in content if isinstance(content, dict) else ():
            if name not in cls.model_fields:
                detail = InitErrorDetails(type="extra_forbidden", loc=(name,), input=content[name])
                raise ValidationError.from_exception_data(cls.__name__, [detail])
        return content


class DigitResponse(BaseModel):
    """One digit, or what may be one, with its class probabilities."""

    label: Label
    confidence: Share
    is_digit: Share
    accepted: bool
    reason: str | None
    probabilities: list[float]
    box: Edges
    crop: str | None = None

    @classmethod
    def of(cls, digit: Digit, with_crop: bool) -> "DigitResponse":
        """From the library's result."""
        crop = encode(digit.crop) if with_crop else None
        return cls(**digit.as_dict(), crop=crop)


class CharacterResponse(BaseModel):
    """A digit or a sign of a number; an alternative "" is nothing at all."""

    label: str
    confidence: Share
    accepted: bool
    alternatives: list[tuple[str, Share]]
    box: Edges
    crop: str | None = None


class ValueResponse(BaseModel):
    """What stands in a place."""

    value: str
    number: str | None
    """What it means, as a decimal number; null for dates, times and sums."""
    confidence: Share
    accepted: bool
    reason: str | None
    box: Edges


class NumberResponse(ValueResponse):
    """A number, or a date, a time, a sum."""

    characters: list[CharacterResponse]
    strip: str | None = None
    """40 rows of pixels in base64, grey: what the network saw, to correct the number."""
    digit: DigitResponse | None = None
    """In a picture of one digit."""

    @classmethod
    def of(cls, line: Number, with_crops: bool) -> "NumberResponse":
        """From the library's result."""
        content = line.as_dict()
        if with_crops:
            content["strip"] = encode(line.strip)
            for each, character in zip(content["characters"], line.characters, strict=True):
                each["crop"] = encode(character.crop)
            if line.digit is not None:
                content["digit"]["crop"] = encode(line.digit.crop)
        return cls(**content)


class LayerResponse(BaseModel):
    """A layer's outputs as a picture."""

    name: str
    columns: int
    low: float
    """The value of the byte 0."""
    high: float
    """The value of the byte 255."""
    units: str
    """A byte for each place of the picture, row by row, in base64."""

    @classmethod
    def of(cls, layer: Layer) -> "LayerResponse":
        """From a layer; places without a unit are as dark as 0."""
        values = np.nan_to_num(layer.values)
        low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
        scaled = np.rint((values - low) / ((high - low) or 1) * 255).astype(np.uint8)
        return cls(name=layer.name, columns=values.shape[1], low=low, high=high, units=encode(scaled))


class CellResponse(ValueResponse):
    """A cell of a table, or a field of a form.

    `value` is empty where nothing stands; or, if it isn't accepted, where something stands that could not be read.
    """

    index: int | None
    """Which of the page's numbers stands in it, from 0."""


class TableResponse(BaseModel):
    """A table, after its sums were checked."""

    rows: list[list[CellResponse]]
    agreement: str | None
    """What its sums say; null where it has none."""
    row_sums: int | None
    """The column, from 0, from which on the last one is the sum of each row; null if it isn't."""
    column_sums: int | None
    """Likewise, the row from which on the last one is the sum of each column."""
    ruled: bool
    """Whether lines part its rows and its columns."""
    dense: bool
    """Whether it looks like a table, and not like numbers scattered over the page."""


class PageResponse(BaseModel):
    """One picture, or the error if it could not be read."""

    sha256: str
    """Of the picture's bytes. File names that clients send are ignored."""
    n_pages: int = 1
    """How many pages its document has: a PDF or a TIFF."""
    size: tuple[int, int] | None = None
    turned: Annotated[int, Field(ge=0, le=270, multiple_of=90)] = 0
    """Degrees by which the picture is turned clockwise; boxes are those of the picture as it is."""
    notice: str | None = None
    """What a person should know of the page: that not all of it was read."""
    text: str = ""
    numbers: list[NumberResponse] = []
    tables: list[TableResponse] = []
    fields: dict[str, CellResponse] = {}
    """Of a form."""
    error: str | None = None

    @classmethod
    def of(cls, page: Page, sha256: str, with_crops: bool, n_pages: int) -> "PageResponse":
        """From the library's result."""
        return cls(
            sha256=sha256,
            n_pages=n_pages,
            size=page.size,
            turned=page.turned,
            notice=page.notice,
            text="\n".join(line.value for line in page.numbers),
            numbers=[NumberResponse.of(line, with_crops) for line in page.numbers],
            tables=[TableResponse(**table.as_dict(), dense=table.is_dense) for table in page.checked()],
            fields={name: CellResponse(**cell.as_dict()) for name, cell in page.fields.items()},
        )


class ReadResponse(BaseModel):
    """One page per picture, in the order of the request."""

    network: str
    pages: list[PageResponse]


class DigitsRequest(Strict):
    """Digits like MNIST's: 28x28 pixels from 0 to 255, white digit on black."""

    digits: Annotated[list[Rows], Field(min_length=1, max_length=MAX_DIGITS), FailFast()]


class DigitsResponse(BaseModel):
    """The digits, in the order of the request."""

    network: str
    digits: list[DigitResponse]


class NetworkResponse(BaseModel):
    """A fine-tuned network and its evaluation."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    sha256: str
    created: datetime
    accepted: datetime | None
    retired: datetime | None
    report: dict[str, Any]


class NetworksResponse(BaseModel):
    """The fine-tuned networks, newest first, and the active one: its number, or null for the package's own."""

    active: int | None
    sha256: str
    networks: list[NetworkResponse]


class JobResponse(BaseModel):
    """Training or fine-tuning in the background."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: Literal["train", "teach"]
    parameters: dict[str, Any]
    status: Literal["running", "finished", "failed", "stopped"]
    error: str | None
