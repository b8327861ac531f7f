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
from tendigits.numbers.decode import CHARACTERS
from tendigits.numbers.network import GRID
from tendigits.numbers.strips import MAX_WIDTH_PX

MIN_STRIP_WIDTH = 24  # pixels
PIXELS_PER_CHARACTER = 8  # minimum width of a strip for each character of its text; narrower characters cannot be read


@dataclass(frozen=True, eq=False)
class Correction:
    """A crop and the label that a person gave it."""

    crop: NDArray[np.uint8]  # uint8 (28, 28), white digit on black
    label: int | None  # 0 to 9, or None for a non-digit
    predicted: int | None  # what the network had predicted: 0 to 9, or None for a non-digit
    source: str  # draw, picture, api or import
    network: str  # SHA-256 of the network that predicted it
    created: datetime  # with a time zone
    id: int | None = None  # None before it is stored

    @property
    def digest(self) -> str:
        """SHA-256 of the crop; a second correction of the same crop replaces the first."""
        return hashlib.sha256(self.crop.tobytes()).hexdigest()


@dataclass(frozen=True, eq=False)
class NumberCorrection:
    """The strip that a number was read from, and the number that a person sees in it."""

    strip: NDArray[np.uint8]  # uint8 (40, width), as cut out of the page; the width is a multiple of 4, 24 to 4096
    text: str  # the number, of CHARACTERS; empty if there is no number
    predicted: str  # what had been read
    source: str  # picture, api or import
    network: str  # SHA-256 of the network that predicted it
    created: datetime  # with a time zone
    id: int | None = None  # None before it is stored

    @property
    def digest(self) -> str:
        """SHA-256 of the strip; a second correction of the same strip replaces the first."""
        return hashlib.sha256(self.strip.tobytes()).hexdigest()


def is_width(width: int) -> bool:
    """Whether a strip may have this width."""
    return width % GRID == 0 and MIN_STRIP_WIDTH <= width <= MAX_WIDTH_PX


def check_text(text: str, width: int) -> None:
    """Raise UserError for a text with other characters, or too long for a strip of this width."""
    if foreign := sorted(set(text) - set(CHARACTERS)):
        raise UserError(f"expected a number of the characters {CHARACTERS}, received {foreign[0]!r}; leave it out")
    if len(text) > (most := width // PIXELS_PER_CHARACTER):
        raise UserError(
            f"expected at most {most} characters in a strip of {width} pixels, received {len(text)}; "
            "correct only the number in this picture"
        )
