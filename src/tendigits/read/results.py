"""What was read: a page of lines of digits, and how it is said as text, JSON and CSV.

page.lines[0].value        "0427"
page.text()                a line for each, doubtful digits marked
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.read.segment import Box

COLUMNS = ("path", "line", "value", "confidence", "accepted", "left", "top", "right", "bottom")
"""Of the CSV."""

UNREAD = "?"
"""In a value: what stands between digits and is none."""


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit, or what may be one."""

    label: int
    """0 to 9: the likeliest, also where it is not accepted."""

    probabilities: NDArray[np.float32]
    """float32 (10,), summing to 1: how likely each digit is, where it is one."""

    is_digit: float
    """0 to 1: how likely it is a digit at all."""

    box: Box
    """Where it is, in pixels of the picture."""

    crop: NDArray[np.uint8]
    """uint8 (28, 28): what the network saw, white ink on black."""

    accepted: bool
    """The confidence reaches the threshold."""

    reason: str | None
    """Why it is not accepted."""

    @property
    def confidence(self) -> float:
        """0 to 1: how likely it is a digit and this one."""
        return float(self.probabilities[self.label]) * self.is_digit

    def runners_up(self, n: int = 2) -> list[tuple[int, float]]:
        """The next likeliest digits and their probabilities."""
        order = np.argsort(-self.probabilities, kind="stable")
        return [(int(label), float(self.probabilities[label])) for label in order if label != self.label][:n]

    def text(self) -> str:
        """The label, how sure it is, the runners-up, and why it is not accepted."""
        others = ", ".join(f"{label} {share:.1%}" for label, share in self.runners_up())
        doubt = "" if self.accepted else f"    <- {self.reason}"
        return f"{self.label}  {self.confidence:.1%}  ({others}){doubt}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON; without the crop."""
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
    """A line of digits: one number, or several with a space between."""

    value: str
    """Its digits; leading zeros are kept, `?` is what could not be read."""

    confidence: float
    """0 to 1: how likely all of it is right."""

    accepted: bool
    """Each of its digits is accepted, and nothing beside it may be one."""

    box: Box
    digits: list[Digit]

    unread: tuple[str, ...] = ()
    """Where something as tall as a digit stands close to it that could not be read: "before", "behind"."""

    @property
    def reason(self) -> str | None:
        """Why it is not accepted."""
        doubts = [
            f"digit {number}: {digit.reason}" for number, digit in enumerate(self.digits, 1) if not digit.accepted
        ]
        doubts += [f"something {place} it could not be read" for place in self.unread]
        return "; ".join(doubts) or None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "value": self.value,
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "reason": self.reason,
            "box": list(self.box),
            "digits": [digit.as_dict() for digit in self.digits],
        }


@dataclass(frozen=True, eq=False)
class Page:
    """What was read in a picture."""

    lines: list[Line]
    """From top to bottom."""

    size: tuple[int, int]
    """Width and height of the picture."""

    rejected: list[Digit] = field(default_factory=list)
    """What stands outside the lines and is not a digit."""

    def text(self) -> str:
        """A line for each; behind one with doubtful digits stands which, and what else they may be."""
        return "\n".join(_line_text(line) for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"size": list(self.size), "lines": [line.as_dict() for line in self.lines]}

    def rows(self, path: str) -> list[tuple[Any, ...]]:
        """For CSV, a row for each line; see COLUMNS."""
        return [
            (path, number, line.value, f"{line.confidence:.4f}", "yes" if line.accepted else "no", *line.box)
            for number, line in enumerate(self.lines, 1)
        ]


def _line_text(line: Line) -> str:
    return line.value if line.accepted else f"{line.value}    <- {line.reason}"
