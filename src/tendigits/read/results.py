"""What was read: a page of numbers, as text, JSON and rows of a CSV.

page.lines[0].value        "12.50"
page.lines[0].number       Decimal("12.50")
page.text()                one line for each, with the reason why it is doubtful
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.segment import Box
from tendigits.errors import printable
from tendigits.tables.checks import check
from tendigits.tables.table import UNCLEAR, Cell, Table, column_name, doubt_of, marked, no_formula
from tendigits.tables.totals import Sums

COLUMNS = (
    "path", "line", "table", "row", "column", "value", "number", "confidence", "accepted", "reason",
    "left", "top", "right", "bottom",
)  # fmt: skip
"""The columns of the CSV; table and row count from 1, columns are A, B, ..."""

SHOWN = 10
"""Lines that the representation of a page shows."""

LEFT_OUT = "more to read than one picture may cost: some was left out"
"""The notice of a page whose `Budget` was spent before all was read."""

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
class Line:
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


@dataclass(frozen=True, eq=False, repr=False)
class Page:
    """What was read in a picture. `print(page)` shows its size and first lines."""

    lines: list[Line]
    """The numbers, in reading order."""

    size: tuple[int, int]
    """Width and height of the picture."""

    tables: list[Table] = field(default_factory=list)
    """As they were found, in reading order; see `table`."""

    turned: int = 0
    """Degrees by which the picture is turned clockwise: 0, 90, 180 or 270. Boxes are those of the picture as it is."""

    fields: dict[str, Cell] = field(default_factory=dict)
    """With a form: what stands in its fields."""

    notice: str | None = None
    """What a person should know of the page as a whole: that not all of it was read."""

    def table(self, sums: str = Sums.AUTO, expect: str = "") -> Table:
        """The largest table, checked; without rows if there is none.

        Args:
            sums: where sums stand: "auto", "last-column", "last-row", "both" or "none"; see `check_sums`.
            expect: what the columns hold, such as "A: 0..100, B: date"; see `tables.expectations.parse`.

        Raises:
            UserError: an argument has another form.
        """
        return max(self.checked(sums, expect), key=lambda table: np.prod(table.shape), default=Table([]))

    def checked(self, sums: str = Sums.AUTO, expect: str = "") -> list[Table]:
        """All tables, checked as `table` does it."""
        return [check(table, sums, expect) for table in self.tables]

    def __repr__(self) -> str:
        width, height = self.size
        shown = ["  " + line.text() for line in self.lines[:SHOWN]]
        if more := len(self.lines) - len(shown):
            shown.append(f"  ... and {more} more")
        notice = f", {self.notice}" if self.notice else ""
        return "\n".join([f"Page of {width}x{height} pixels, {len(self.lines)} lines{notice}", *shown])

    def text(self) -> str:
        """Tables of several rows and columns, and a line for each other number, with the reason why it is doubtful."""
        if self.fields:
            return "\n".join(f"{name}: {marked(cell)}{doubt_of(cell)}" for name, cell in self.fields.items())
        parts = [f"turned by {self.turned} degrees"] if self.turned else []
        shown = [table for table in self.checked() if table.is_dense]
        in_tables = {cell.line for table in shown for _, cell in table.cells()}
        parts += [f"{table.text()}\n{table.doubts()}".rstrip("\n") for table in shown]
        parts += [line.text() for n, line in enumerate(self.lines) if n not in in_tables]
        return "\n".join(parts)

    def cells(self) -> dict[int, tuple[int, int, str]]:
        """In which table, row and column the lines stand that are in one: the first two from 1, then A, B, ..."""
        return {
            cell.line: (n, row, column_name(column))
            for n, table in enumerate(self.tables, 1)
            for row, cells in enumerate(table.rows, 1)
            for column, cell in enumerate(cells)
            if cell.line is not None
        }

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return {
            "size": list(self.size),
            "turned": self.turned,
            "notice": self.notice,
            "lines": [line.as_dict() for line in self.lines],
            "fields": {name: cell.as_dict() for name, cell in self.fields.items()},
            "tables": [table.as_dict() for table in self.checked()],
        }

    def rows(self, path: str) -> list[tuple[Any, ...]]:
        """Convert to rows for a CSV, one for each line; see COLUMNS."""
        cells = self.cells()
        return [
            (
                no_formula(printable(path)), number, *cells.get(number - 1, ("", "", "")), no_formula(line.value),
                "" if line.number is None else str(line.number), f"{line.confidence:.4f}",
                "yes" if line.accepted else "no", line.reason or "", *line.box,
            )
            for number, line in enumerate(self.lines, 1)
        ]  # fmt: skip
