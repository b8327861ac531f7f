"""What was read: a page of lines of digits, as text, JSON and rows of a CSV.

page.lines[0].value        "0427"
page.text()                one line for each, with the reason why it is doubtful
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.read.segment import Box

COLUMNS = ("path", "line", "value", "confidence", "accepted", "reason", "left", "top", "right", "bottom")
"""The columns of the CSV."""

UNREAD = "?"
"""In a value: a non-digit between digits."""

PRINTED = 10
"""Lines that the representation of a page shows."""


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit, or something that may be a digit."""

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

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON, without the crop."""
        return {
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "reason": self.reason,
            "probabilities": [round(float(p), 4) for p in self.probabilities],
            "box": list(self.box),
        }


@dataclass(frozen=True, eq=False)
class Line:
    """A line of digits: one number, or several separated by spaces."""

    value: str
    """Its digits with leading zeros; `?` for something that couldn't be read."""

    confidence: float
    """0 to 1: the probability that all of it is right."""

    accepted: bool
    """Whether every digit is accepted, and nothing unread is beside them."""

    box: Box
    digits: list[Digit] = field(repr=False)

    unread: tuple[str, ...] = ()
    """Where something unread, as tall as a digit, is close to the number: "before", "behind"."""

    @property
    def reason(self) -> str | None:
        """Why it isn't accepted."""
        doubts = [
            f"digit {number}: {digit.reason}" for number, digit in enumerate(self.digits, 1) if not digit.accepted
        ]
        doubts += [f"something {place} it could not be read" for place in self.unread]
        return "; ".join(doubts) or None

    def text(self) -> str:
        """The value, and why it isn't accepted."""
        return self.value if self.accepted else f"{self.value}    <- {self.reason}"

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return {
            "value": self.value,
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "reason": self.reason,
            "box": list(self.box),
            "digits": [digit.as_dict() for digit in self.digits],
        }


@dataclass(frozen=True, eq=False, repr=False)
class Page:
    """What was read in a picture. `print(page)` shows its size and first lines."""

    lines: list[Line]
    """From top to bottom."""

    size: tuple[int, int]
    """Width and height of the picture."""

    rejected: list[Digit] = field(default_factory=list)
    """Non-digits outside the lines."""

    def __repr__(self) -> str:
        width, height = self.size
        shown = ["  " + line.text() for line in self.lines[:PRINTED]]
        if more := len(self.lines) - len(shown):
            shown.append(f"  ... and {more} more")
        return "\n".join([f"Page of {width}x{height} pixels, {len(self.lines)} lines", *shown])

    def text(self) -> str:
        """One line for each, with the reason why it is doubtful."""
        return "\n".join(line.text() for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return {"size": list(self.size), "lines": [line.as_dict() for line in self.lines]}

    def rows(self, path: str) -> list[tuple[Any, ...]]:
        """Convert to rows for a CSV, one for each line; see COLUMNS."""
        return [
            (
                path, number, line.value, f"{line.confidence:.4f}", "yes" if line.accepted else "no",
                line.reason or "", *line.box,
            )
            for number, line in enumerate(self.lines, 1)
        ]  # fmt: skip
