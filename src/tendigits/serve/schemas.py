"""What the API takes and gives, as pydantic models: checked strictly on the way in, told in the OpenAPI document."""

import base64
import binascii
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tendigits.read.results import Digit, Line, Page
from tendigits.teach.store import Correction, Taught

MAX_DIGITS = 1000
"""Of one request."""

Row = Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=28, max_length=28)]
Rows = Annotated[list[Row], Field(min_length=28, max_length=28)]


def _is_crop(text: str) -> str:
    try:
        if len(base64.b64decode(text, validate=True)) == 784:
            return text
    except (binascii.Error, ValueError):
        pass
    raise ValueError("expected 784 bytes in base64: 28 rows of 28 pixels, white ink on black")


CROP = base64.b64encode(bytes(784)).decode()
Crop = Annotated[
    str,
    Field(
        description="784 bytes in base64: 28 rows of 28 pixels, white ink on black", min_length=1048, max_length=1048
    ),
    AfterValidator(_is_crop),
]
Label = Annotated[int, Field(ge=0, le=9)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Edges = tuple[int, int, int, int]


class Strict(BaseModel):
    """No other fields, no other types: `true` is no 1 and "3" is no 3."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Failed(BaseModel):
    """Every answer that is not what was asked for."""

    error: str
    status: int
    request_id: str


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: these answers are `Failed`, whatever the operation gives else."""
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/Failed"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": schema} for status in statuses}


class DigitAnswer(BaseModel):
    """One digit, or what may be one."""

    label: Label
    confidence: Share
    is_digit: Share
    accepted: bool
    reason: str | None
    probabilities: list[float]
    box: Edges
    crop: str | None = None

    @classmethod
    def of(cls, digit: Digit, with_crop: bool) -> "DigitAnswer":
        """In JSON's types."""
        crop = base64.b64encode(digit.crop.tobytes()).decode() if with_crop else None
        return cls(**digit.as_dict(), is_digit=round(digit.is_digit, 4), crop=crop)


class LineAnswer(BaseModel):
    """One line of numbers."""

    value: str
    confidence: Share
    accepted: bool
    reason: str | None
    box: Edges
    digits: list[DigitAnswer]

    @classmethod
    def of(cls, line: Line, with_crops: bool) -> "LineAnswer":
        """In JSON's types."""
        digits = [DigitAnswer.of(digit, with_crops) for digit in line.digits]
        return cls(**{**line.as_dict(), "digits": digits})


class PageAnswer(BaseModel):
    """One picture; where it could not be read, why."""

    sha256: str
    """Of the picture's bytes: what a client calls it is not looked at."""
    size: tuple[int, int] | None = None
    text: str = ""
    lines: list[LineAnswer] = []
    rejected: list[DigitAnswer] = []
    error: str | None = None

    @classmethod
    def of(cls, page: Page, sha256: str, with_crops: bool) -> "PageAnswer":
        """In JSON's types."""
        return cls(
            sha256=sha256,
            size=page.size,
            text="\n".join(line.value for line in page.lines),
            lines=[LineAnswer.of(line, with_crops) for line in page.lines],
            rejected=[DigitAnswer.of(digit, with_crops) for digit in page.rejected],
        )


class ReadAnswer(BaseModel):
    """What was read in each picture, in their order."""

    network: str
    pages: list[PageAnswer]


class DigitsQuestion(Strict):
    """Digits as MNIST's are: 28x28 pixels from 0 to 255, white ink on black."""

    digits: Annotated[list[Rows], Field(min_length=1, max_length=MAX_DIGITS)]

    def crops(self) -> np.ndarray[Any, Any]:
        """uint8 (n, 28, 28)."""
        return np.array(self.digits, np.uint8)


class DigitsAnswer(BaseModel):
    """What each digit is, in their order."""

    network: str
    digits: list[DigitAnswer]


class NewCorrection(Strict):
    """A crop and what it is; a label of null is "not a digit"."""

    crop: Crop
    label: Label | None
    said: Label | None = None
    source: Literal["draw", "picture", "api"] = "api"


class NewCorrections(Strict):
    """One or several."""

    corrections: Annotated[list[NewCorrection], Field(min_length=1, max_length=MAX_DIGITS)]


class CorrectionAnswer(BaseModel):
    """A correction as it is stored."""

    id: int
    crop: str
    label: Label | None
    said: Label | None
    source: str
    network: str
    created: datetime

    @classmethod
    def of(cls, item: Correction) -> "CorrectionAnswer":
        """In JSON's types."""
        return cls(
            id=item.id or 0,
            crop=base64.b64encode(item.crop.tobytes()).decode(),
            label=item.label,
            said=item.said,
            source=item.source,
            network=item.network,
            created=item.created,
        )


class ExportedCorrection(Strict):
    """A line of an export."""

    crop: Crop
    label: Label | None
    said: Label | None = None
    source: Literal["draw", "picture", "api", "import"] = "import"
    network: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    created: Annotated[datetime, Field(strict=False)]

    def correction(self) -> Correction:
        """To be stored."""
        created = self.created if self.created.tzinfo else self.created.astimezone()
        return Correction(as_crop(self.crop), self.label, self.said, self.source, self.network, created)


class CorrectionsAnswer(BaseModel):
    """Some of the corrections, newest first, and how many there are."""

    count: int
    corrections: list[CorrectionAnswer]


class Imported(BaseModel):
    """How many corrections there are after an import."""

    read: int
    count: int


class NetworkAnswer(BaseModel):
    """A network that was taught, and what it was worth."""

    id: int
    sha256: str
    created: datetime
    accepted: datetime | None
    retired: datetime | None
    report: dict[str, Any]

    @classmethod
    def of(cls, taught: Taught) -> "NetworkAnswer":
        """In JSON's types."""
        return cls(**{name: getattr(taught, name) for name in cls.model_fields})


class NetworksAnswer(BaseModel):
    """The taught networks, newest first, and which network reads: a number, or null for the package's own."""

    reading: int | None
    sha256: str
    networks: list[NetworkAnswer]


class JobAnswer(BaseModel):
    """A training or a lesson in the background."""

    id: int
    kind: Literal["train", "teach"]
    about: dict[str, Any]
    status: Literal["running", "finished", "failed", "stopped"]
    error: str | None


def as_crop(text: str) -> np.ndarray[Any, Any]:
    """uint8 (28, 28) from a Crop."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(28, 28)
