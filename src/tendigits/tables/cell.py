"""Cells of a table: their names in a spreadsheet, and their values as text, in a CSV and as HTML for notebooks.

cell = Cell(Box(10, 20, 90, 50), "12,50", Decimal("12.50"), confidence=0.98)
cell_name(6, 2)         # "C7"

The HTML has no script and no background colour, so it follows the notebook's theme; every value is escaped.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.errors import printable
from tendigits.geometry import Box

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
UNCLEAR = "?"  # for a doubtful character, or behind a doubtful value: no spreadsheet takes it for a number
DOUBTFUL_COLOUR = "#d25a00"  # in HTML; a dashed outline and a question mark mean the same without colour

# First characters of text that a spreadsheet may run as a formula when it opens a CSV.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001

BREAKS = r"[\t-\r\x1c-\x1f\x85\u2028\u2029]"  # tabs, and what some programs treat as the end of a line


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell, and the number in it.

    Its value is empty if the cell is empty, if it holds a word, of which there is a picture then, or if something in it
    could not be read; then it is not accepted.
    """

    box: Box  # in pixels of the picture
    value: str = ""  # the text as written: the most probable reading, even if it is not accepted
    number: Decimal | None = None  # the value as a number; None for dates, times and ambiguous numbers
    confidence: float = 1.0  # 0 to 1: the probability that the whole value is right
    accepted: bool = True  # whether it needs no check by a person
    reason: str | None = None
    options: list[tuple[str, float]] = field(default_factory=list, repr=False)  # other values, their probabilities
    index: int | None = None  # index of the number in `Page.numbers`
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)  # (40, width): as the network saw it
    checked: bool = False  # whether a person has checked it
    fits: bool = True  # whether the value is one that is expected there; no sum confirms another

    @property
    def is_unread(self) -> bool:
        """Whether the cell holds something that could not be read."""
        return not self.value and not self.accepted

    @property
    def is_word(self) -> bool:
        """Whether the cell holds a word, such as a name or a heading."""
        return not self.value and self.accepted and self.picture is not None

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
            "fits": self.fits,
            "is_word": self.is_word,
            "options": [[value, round(p, 4)] for value, p in self.options],
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


def marked(cell: Cell) -> str:
    """A value, with a question mark if it is doubtful."""
    return cell.value if cell.accepted else cell.value + UNCLEAR


def csv_value(cell: Cell) -> str:
    """The value of a cell in a CSV: a number with a decimal point, or text that no program takes for a formula.

    A doubtful value gets a question mark, so that nobody calculates with it unnoticed.
    """
    content = cell.content
    text = format(content, "f") if isinstance(content, Decimal) else no_formula(content, may_be_number=False)
    return text if cell.accepted else text + UNCLEAR


def no_formula(text: str, may_be_number: bool = True) -> str:
    """Text for a CSV, on one line, with an apostrophe before a formula; -12.50 is one unless it `may_be_number`."""
    is_safe = not text.startswith(FORMULA) or (may_be_number and re.fullmatch(r"[-+]?\d+([.,]\d+)?", text) is not None)
    return re.sub(BREAKS, " ", text if is_safe else f"'{text}")


def table_html(summary: str, rows: Sequence[Sequence[Cell]], doubts: str) -> str:
    """A table with the names of its columns and rows, between its summary and the list of its doubtful cells."""
    columns = "".join(f"<th>{column_name(column)}</th>" for column in range(len(rows[0]) if rows else 0))
    body = "".join(f"<tr><th>{row}</th>{''.join(map(_cell_html, cells))}</tr>" for row, cells in enumerate(rows, 1))
    return f"{text_html(summary)}<table><tr><th></th>{columns}</tr>{body}</table>{text_html(doubts)}"


def text_html(text: str) -> str:
    """Lines of text, preformatted; empty for an empty text."""
    style = "margin: 0.5em 0; max-height: 20em; overflow: auto; background: none; color: inherit"
    return f'<pre style="{style}">{"<br>".join(map(escaped, text.splitlines()))}</pre>' if text else ""


def escaped(text: str) -> str:
    """Any text for HTML or XML, attributes included."""
    return escape(re.sub("[\ufffe\uffff]", "\ufffd", printable(text)))  # XML forbids these two


def _cell_html(cell: Cell) -> str:
    if cell.accepted:
        return f"<td>{escaped(cell.value)}</td>"
    style = f"outline: 2px dashed {DOUBTFUL_COLOUR}; outline-offset: -2px"
    return f'<td title="{escaped(cell.reason or "")}" style="{style}">{escaped(marked(cell))}</td>'
