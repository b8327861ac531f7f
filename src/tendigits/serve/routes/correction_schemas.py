"""Requests and responses about corrections: of single digits as crops, of whole numbers as strips."""

import base64
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, FailFast, Field, model_validator

from tendigits.errors import UserError
from tendigits.numbers.decode import CHARACTERS, HEIGHT
from tendigits.numbers.strips import MAX_WIDTH_PX
from tendigits.serve.schemas import MAX_DIGITS, Crop, Label, Strict, encode
from tendigits.teach.corrections import MIN_STRIP_WIDTH, Correction, NumberCorrection, check_text, is_width

STRIP = "40 rows of pixels in base64, as a number was read with ?crops=true"


def _is_strip(text: str) -> str:
    with suppress(ValueError):
        n = len(base64.b64decode(text, validate=True))
        if n % HEIGHT == 0 and is_width(n // HEIGHT):
            return text
    raise ValueError(f"expected {STRIP}")


def _of_characters(text: str) -> str:
    if set(text) <= set(CHARACTERS):
        return text
    raise ValueError(f"expected a number of the characters {CHARACTERS}, or nothing where there is none")


def _in_utc(time: datetime) -> datetime:
    """A time without a zone is local time."""
    try:
        return time.astimezone(UTC)
    except (OverflowError, ValueError, OSError):  # 0001-01-01T00:00+01:00; whatever the C library can't place
        raise ValueError("expected a time from the years 1 to 9999, in UTC, too") from None


Strip = Annotated[
    str,
    Field(
        description=STRIP, min_length=MIN_STRIP_WIDTH * HEIGHT * 4 // 3, max_length=-(-MAX_WIDTH_PX * HEIGHT // 3) * 4
    ),
    AfterValidator(_is_strip),
]
Text = Annotated[
    str,
    Field(description=f"A number of the characters {CHARACTERS}, or nothing where there is none", max_length=512),
    AfterValidator(_of_characters),
]
Encoded = Annotated[str, BeforeValidator(encode)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Created = Annotated[datetime, Field(strict=False), AfterValidator(_in_utc)]


class NewCorrection(Strict):
    """A crop and its label; null is "not a digit"."""

    crop: Crop
    label: Label | None
    predicted: Label | None = None
    source: Literal["draw", "picture", "api"] = "api"


class CorrectionsRequest(Strict):
    """One or more corrections."""

    corrections: Annotated[list[NewCorrection], Field(min_length=1, max_length=MAX_DIGITS), FailFast()]


class CorrectionResponse(BaseModel):
    """A stored correction."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    crop: Encoded
    label: Label | None
    predicted: Label | None
    source: str
    network: str
    created: datetime


class ExportedCorrection(Strict):
    """A line of an export."""

    crop: Crop
    label: Label | None
    predicted: Label | None = None
    source: Literal["draw", "picture", "api", "import"] = "import"
    network: Sha256
    created: Created

    def correction(self) -> Correction:
        """For the store."""
        return Correction(as_crop(self.crop), self.label, self.predicted, self.source, self.network, self.created)


class CorrectionsResponse(BaseModel):
    """Some of the corrections of single digits, newest first, and the number of all of them."""

    count: int
    corrections: list[CorrectionResponse]


class ImportResponse(BaseModel):
    """Corrections read from the import, and the number in the store now."""

    read: int
    count: int


class _NumberFields(Strict):
    strip: Strip
    text: Text
    predicted: Text = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        width = as_strip(self.strip).shape[1]
        for text in (self.text, self.predicted):
            try:
                check_text(text, width)
            except UserError as error:
                raise ValueError(str(error)) from None
        return self


class NewNumber(_NumberFields):
    """A strip and the number that stands in it."""

    source: Literal["picture", "api"] = "api"


class NumbersRequest(Strict):
    """One or more corrections of numbers."""

    numbers: Annotated[list[NewNumber], Field(min_length=1, max_length=MAX_DIGITS), FailFast()]


class NumberResponse(BaseModel):
    """A stored correction of a number."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    strip: Encoded
    text: str
    predicted: str
    source: str
    network: str
    created: datetime


class NumbersResponse(BaseModel):
    """Some of the corrections of numbers, newest first, and the number of all of them."""

    count: int
    numbers: list[NumberResponse]


class ExportedNumber(_NumberFields):
    """A line of an export with a number."""

    source: Literal["picture", "api", "import"] = "import"
    network: Sha256
    created: Created

    def correction(self) -> NumberCorrection:
        """For the store."""
        strip = as_strip(self.strip)
        return NumberCorrection(strip, self.text, self.predicted, self.source, self.network, self.created)


def as_crop(text: str) -> np.ndarray[Any, Any]:
    """uint8 (28, 28) from a `Crop` field."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(28, 28)


def as_strip(text: str) -> np.ndarray[Any, Any]:
    """uint8 (40, width) from a `Strip` field."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(HEIGHT, -1)
