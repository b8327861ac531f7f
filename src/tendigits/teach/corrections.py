"""What a person has corrected: a crop of one digit, or a whole number.

Correction(crop, label=3, predicted=5, ...)
NumberCorrection(strip, text="1350", predicted="1850", ...)
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

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
