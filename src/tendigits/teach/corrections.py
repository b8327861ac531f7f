"""What a person has corrected: a crop of one digit, or a whole number.

Correction(crop, label=3, predicted=5, ...)
NumberCorrection(strip, text="1350", predicted="1850", ...)
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tendigits.errors import UserError
from tendigits.numbers.decode import CHARACTERS, HEIGHT
from tendigits.numbers.network import GRID
from tendigits.numbers.strips import MAX_WIDTH_PX

NARROWEST = 24
"""Pixels: the least width of a strip."""

PIXELS_PER_CHARACTER = 8
"""Width of a strip for each character of its text, at least: where there is less, nothing could be read."""


@dataclass(frozen=True, eq=False)
class Correction:
    """A crop and the label that a person gave it."""

    crop: NDArray[np.uint8]
    """uint8 (28, 28), white digit on black."""
    label: int | None
    """0 to 9, or None for a non-digit."""
    predicted: int | None
    """What the network had predicted: 0 to 9, or None for a non-digit."""
    source: str
    """draw, picture, api or import."""
    network: str
    """SHA-256 of the network that predicted it."""
    created: datetime
    """With a time zone."""
    id: int | None = None
    """The row's number; None before it is stored."""

    @property
    def digest(self) -> str:
        """SHA-256 of the crop, so that a second correction of the same crop replaces the first."""
        return hashlib.sha256(self.crop.tobytes()).hexdigest()


@dataclass(frozen=True, eq=False)
class NumberCorrection:
    """A strip that a number was read in, and what a person says stands there."""

    strip: NDArray[np.uint8]
    """uint8 (40, width), grey, as it was cut out of the page; the width is a multiple of 4, 24 to 4096."""
    text: str
    """What stands there, of CHARACTERS; empty where there is no number."""
    predicted: str
    """What had been read."""
    source: str
    """picture, api or import."""
    network: str
    """SHA-256 of the network that predicted it."""
    created: datetime
    """With a time zone."""
    id: int | None = None
    """The row's number; None before it is stored."""

    def __post_init__(self) -> None:
        check_strip(self.strip)
        check_text(self.text, self.strip.shape[1])
        check_text(self.predicted, self.strip.shape[1])

    @property
    def digest(self) -> str:
        """SHA-256 of the strip, so that a second correction of the same strip replaces the first."""
        return hashlib.sha256(self.strip.tobytes()).hexdigest()


def check_strip(strip: NDArray[np.uint8]) -> None:
    """Raise UserError for what is no strip."""
    width = strip.shape[-1]
    if strip.dtype != np.uint8 or strip.shape != (HEIGHT, width) or not is_width(width):
        raise UserError(
            f"expected a strip as uint8 ({HEIGHT}, width), the width a multiple of {GRID} from {NARROWEST} to "
            f"{MAX_WIDTH_PX}, received {strip.dtype} {strip.shape}; take it from what was read"
        )


def is_width(width: int) -> bool:
    """Whether a strip may be so wide."""
    return width % GRID == 0 and NARROWEST <= width <= MAX_WIDTH_PX


def check_text(text: str, width: int) -> None:
    """Raise UserError for a text that cannot stand in a strip of this width."""
    if foreign := sorted(set(text) - set(CHARACTERS)):
        raise UserError(f"expected a number of the characters {CHARACTERS}, received {foreign[0]!r}; leave it out")
    if len(text) > width // PIXELS_PER_CHARACTER:
        raise UserError(
            f"expected at most {width // PIXELS_PER_CHARACTER} characters in a strip of {width} pixels, "
            f"received {len(text)}; correct what stands in this picture only"
        )
