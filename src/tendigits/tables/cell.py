"""Cells of a table, and their names in a spreadsheet.

cell = Cell(Box(10, 20, 90, 50), "12,50", Decimal("12.50"), confidence=0.98)
cell_name(6, 2)         # "C7"
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.geometry import Box

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell, and the number in it.

    Its value is empty if the cell is empty, or if something in it could not be read; then it is not accepted.
    """

    box: Box  # in pixels of the picture
    value: str = ""  # the text as written: the most probable reading, even if it is not accepted
    number: Decimal | None = None  # the value as a number; None for dates, times and ambiguous numbers
    confidence: float = 1.0  # 0 to 1: the probability that the whole value is right
    accepted: bool = True  # whether it needs no check by a person
    reason: str | None = None
    options: list[tuple[str, float]] = field(default_factory=list, repr=False)  # other values, their probabilities
    index: int | None = None  # index of the number in `Page.numbers`
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)  # (40, width): what the network saw

    @property
    def is_unread(self) -> bool:
        """Whether the cell holds something that could not be read."""
        return not self.value and not self.accepted

    @property
    def content(self) -> Decimal | str:
        """What a spreadsheet holds: a number, or text if it is not a number or would lose its leading zeros."""
        is_code = re.match(r"[+-]*0[0-9]", self.value)
        return self.value if self.number is None or is_code else self.number

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return {
            "value": self.value,
            "number": None if self.number is None else str(self.number),
            "confidence": round(self.confidence, 4),
            "accepted": self.accepted,
            "reason": self.reason,
            "box": list(self.box),
            "index": self.index,
        }


def filled_cells(rows: Sequence[Sequence[Cell]]) -> Iterator[tuple[str, Cell]]:
    """The cells that are not empty, row by row, with their names."""
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            if cell.value or cell.is_unread:
                yield cell_name(row, column), cell


def cell_name(row: int, column: int) -> str:
    """The name of a cell in a spreadsheet: C7 for row 6 and column 2, counted from 0."""
    return f"{column_name(column)}{row + 1}"


def column_name(index: int) -> str:
    """A, B, ..., Z, AA, AB, ... for 0, 1, ..."""
    before, last = divmod(index, len(ALPHABET))
    return (column_name(before - 1) if before else "") + ALPHABET[last]


def column_index(name: str) -> int:
    """0, 1, ... for A, B, ...; the inverse of `column_name`."""
    index = 0
    for letter in name.upper():
        index = index * len(ALPHABET) + ALPHABET.index(letter) + 1
    return index - 1
