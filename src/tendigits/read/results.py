"""What was read: a digit in a picture of one, or the numbers of a page and their characters.

line.value        "12.50"
line.number       Decimal("12.50")
line.text()       its value, with the reason why it is doubtful
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.thumbnail import Thumbnail
from tendigits.geometry import Box
from tendigits.tables.table import UNCLEAR

VALUE_WIDTH = 12
"""Columns of a text before a reason."""


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit, or something that may be a digit, in a picture of one."""

    label: int
    """0 to 9: the most probable digit, even if it isn't accepted."""

    probabilities: NDArray[np.float32] = field(repr=False)
    """float32 (10,), summing to 1: the probability of each digit, given that it is a digit."""

    is_digit: float
    """0 to 1: the probability of being a digit at all."""

    box: Box
    """Where it is, in pixels of the picture."""

    crop: NDArray[np.uint8] = field(repr=False)
    """uint8 (28, 28): what the network saw, white on black."""

    accepted: bool
    """Whether the confidence reaches the threshold."""

    reason: str | None
    """Why it isn't accepted."""

    thumbnail: Thumbnail | None = field(default=None, repr=False)
    """The picture, for notebooks; None if it was read in another process."""

    @property
    def confidence(self) -> float:
        """0 to 1: the probability that it is a digit and has this label."""
        return float(self.probabilities[self.label]) * self.is_digit

    def runners_up(self, n: int = 2) -> list[tuple[int, float]]:
        """The next most probable digits and their probabilities."""
        order = np.argsort(-self.probabilities, kind="stable")
        return [(int(label), float(self.probabilities[label])) for label in order if label != self.label][:n]

    def text(self) -> str:
        """The label, its confidence, the runners-up, and why it isn't accepted."""
        others = ", ".join(f"{label} {share:.1%}" for label, share in self.runners_up())
        doubt = "" if self.accepted else f"    <- {self.reason}"
        return f"{self.label}  {self.confidence:.1%}  ({others}){doubt}"

    def _repr_html_(self) -> str:
        from tendigits.read.html import digit_html

        return digit_html(self)

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON, without the pictures."""
        return {
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "reason": self.reason,
            "is_digit": round(self.is_digit, 4),
            "probabilities": [round(float(p), 4) for p in self.probabilities],
            "box": list(self.box),
        }


@dataclass(frozen=True, eq=False)
class Character:
    """A digit or a sign of a number."""

    label: str
    """One of 0123456789.,-/:+=()%x"""

    confidence: float
    """0 to 1: the probability that it is this character."""

    alternatives: list[tuple[str, float]]
    """What else it may be, most probable first; "" is nothing at all."""

    box: Box
    """Where it is, in pixels of the picture."""

    crop: NDArray[np.uint8] = field(repr=False)
    """uint8 (28, 28), white on black, like MNIST's digits."""

    accepted: bool
    """Whether the number is doubtful for other reasons, if at all."""

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON, without the crop."""
        return {
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "alternatives": [[label, round(share, 4)] for label, share in self.alternatives],
            "box": list(self.box),
        }


@dataclass(frozen=True, eq=False)
class Number:
    """A number, or a date, a time, a sum."""

    value: str
    """As it is written, with signs and leading zeros; the most probable reading, even if it isn't accepted."""

    number: Decimal | None
    """What it means; None for dates, times, sums, and where a mark may part decimals or thousands."""

    confidence: float
    """0 to 1: the probability that all of it is right."""

    accepted: bool
    """Whether the confidence reaches the threshold."""

    reason: str | None
    """Why it isn't accepted."""

    box: Box
    """Where it is, in pixels of the picture."""

    characters: list[Character] = field(repr=False)

    options: list[tuple[str, float]] = field(default_factory=list, repr=False)
    """What else it may be, with one character read otherwise, and how probable that is; the most probable first."""

    strip: NDArray[np.uint8] | None = field(default=None, repr=False)
    """uint8 (40, width): what the line network saw; None in a picture of one digit."""

    digit: Digit | None = field(default=None, repr=False)
    """In a picture of one digit: what was read."""

    def text(self) -> str:
        """The value; if it isn't accepted, with `?` for doubtful characters, and the reason."""
        if self.accepted:
            return self.value
        shown = "".join(each.label if each.accepted else UNCLEAR for each in self.characters)
        return f"{shown:{VALUE_WIDTH}} {self.reason}"

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON, without the strip."""
        return {
            "value": self.value,
            "number": None if self.number is None else str(self.number),
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "reason": self.reason,
            "box": list(self.box),
            "characters": [character.as_dict() for character in self.characters],
            **({} if self.digit is None else {"digit": self.digit.as_dict()}),
        }
