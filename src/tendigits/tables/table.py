"""A table of numbers, its doubtful cells marked: as text, CSV, a spreadsheet or a data frame.

table = tendigits.Reader().read("marks.jpg").table()
table.rows[6][2].value      # cell C7
table.to_xlsx("marks.xlsx")
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tendigits.errors import MissingExtraError
from tendigits.files import writing
from tendigits.geometry import Box

if TYPE_CHECKING:
    import pandas

DENSE = 0.4
"""Share of a table's cells that hold a number, at least, where no lines show that it is one."""

SHOWN = 10
"""Cells to check that a summary names."""

UNCLEAR = "?"
"""For a doubtful character, or behind a doubtful value, so that no spreadsheet takes it for a number."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
"""How a formula may begin, for some program that opens a CSV."""

BREAKS = r"[\t-\r\x1c-\x1f\x85\u2028\u2029]"
"""Tabs and what some program takes for the end of a line."""

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

LEADING_ZEROS = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09")


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell, and the number in it."""

    box: Box
    """Where it is, in pixels of the picture."""

    value: str = ""
    """As it is written; the most probable reading, even if it isn't accepted; empty where nothing stands, and, not
    accepted, where something stands that could not be read."""

    number: Decimal | None = None
    """What it means; None for dates, times and what has several meanings."""

    confidence: float = 1.0
    """0 to 1: the probability that all of it is right."""

    accepted: bool = True
    """Whether it can be relied on."""

    reason: str | None = None
    """Why it isn't accepted."""

    options: list[tuple[str, float]] = field(default_factory=list, repr=False)
    """What else it may be, and how probable that is, the most probable first."""

    index: int | None = None
    """Which of the page's numbers stands in it, from 0."""

    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    """uint8 (40, width): the number as the reader saw it."""

    @property
    def is_unread(self) -> bool:
        """Whether something stands in it that could not be read."""
        return not self.value and not self.accepted

    @property
    def content(self) -> Decimal | str:
        """What a spreadsheet holds: a number, or text where there is none, or where leading zeros would be lost."""
        is_code = self.value.lstrip("+-").startswith(LEADING_ZEROS)
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


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Rows of cells, each as long as the others. `print(table)` shows them."""

    rows: list[list[Cell]]
    agreement: str | None = None
    """What its sums say, such as "totals agree in 22 of 24 rows"; None where it has none."""
    row_sums: int | None = None
    """The column from which on the last one is the sum of each row; None if it isn't."""
    column_sums: int | None = None
    """Likewise, the row from which on the last one is the sum of each column."""
    ruled: bool = False
    """Whether lines part its rows and its columns."""

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return len(self.rows), len(self.rows[0]) if self.rows else 0

    @property
    def is_dense(self) -> bool:
        """Whether it looks like a table, and not like numbers scattered over a page or in a list."""
        rows, columns = self.shape
        return min(rows, columns) > 1 and (self.ruled or sum(1 for _ in self.cells()) >= DENSE * rows * columns)

    def cells(self) -> Iterator[tuple[str, Cell]]:
        """All cells that hold something, row by row, and their names, such as C7."""
        for row, cells in enumerate(self.rows):
            for column, cell in enumerate(cells):
                if cell.value or cell.is_unread:
                    yield name_of(row, column), cell

    @property
    def doubtful(self) -> list[str]:
        """Names of the cells that a person should look at."""
        return [name for name, cell in self.cells() if not cell.accepted]

    def __repr__(self) -> str:
        return f"{self.summary()}\n{self.text()}"

    def _repr_html_(self) -> str:
        from tendigits.tables.html import table_html

        return table_html(self)

    def summary(self) -> str:
        """Its size, and how much of it can be relied on, in one line."""
        rows, columns = self.shape
        doubtful = self.doubtful
        accepted = sum(1 for _ in self.cells()) - len(doubtful)
        shown = ", ".join(doubtful[:SHOWN]) + (", ..." if len(doubtful) > SHOWN else "")
        check = f"{len(doubtful)} to check" + (f" ({shown})" if doubtful else "")
        parts = [
            f"{rows} rows x {columns} columns",
            f"{accepted} accepted, {check}",
            *([self.agreement] if self.agreement else []),
        ]
        return "   ".join(parts)

    def text(self) -> str:
        """Its values in aligned columns, doubtful ones with a question mark."""
        shown = [[marked(cell) for cell in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
        lines = ["  ".join(value.rjust(width) for value, width in zip(row, widths, strict=True)) for row in shown]
        return "\n".join(line.rstrip() for line in lines)

    def doubts(self) -> str:
        """A line for each doubtful cell: which, what was read, and why it is doubtful."""
        return "\n".join(f"{name:5} {cell.value:12} {cell.reason}" for name, cell in self.cells() if not cell.accepted)

    def to_csv(self, path: str | Path | None = None) -> str:
        """Convert to CSV, and write it to a file if there is a path; see `plain` for what is in the cells.

        Raises:
            DiskError: the file can't be written.
        """
        made = io.StringIO()
        csv.writer(made, lineterminator="\n").writerows([[plain(cell) for cell in row] for row in self.rows])
        if path is not None:
            with writing(Path(path)) as temporary:
                temporary.write_text(made.getvalue(), encoding="utf-8", newline="\n")
        return made.getvalue()

    def to_xlsx(self, path: str | Path) -> None:
        """Write a spreadsheet: numbers as numbers, doubtful cells coloured, with a comment and their pictures.

        Raises:
            DiskError: the file can't be written.
        """
        from tendigits.tables.spreadsheet import write_spreadsheet

        write_spreadsheet(Path(path), [("table", self)])

    def to_dataframe(self) -> "pandas.DataFrame":
        """Convert to a data frame of pandas, with columns A, B, ... and what a spreadsheet would hold in the cells.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("to_dataframe() needs pandas: pip install pandas") from None
        names = [column_name(number) for number in range(self.shape[1])]
        return pandas.DataFrame(
            [[cell.content if cell.value else None for cell in row] for row in self.rows], columns=names
        )

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return {
            "rows": [[cell.as_dict() for cell in row] for row in self.rows],
            "agreement": self.agreement,
            "row_sums": self.row_sums,
            "column_sums": self.column_sums,
            "ruled": self.ruled,
        }


def plain(cell: Cell) -> str:
    """What a CSV holds of a cell: a number with a point before its decimals, or text that is no formula to any program.

    A doubtful value has a question mark behind it, so that nothing is calculated with it unseen.
    """
    content = cell.content
    text = format(content, "f") if isinstance(content, Decimal) else no_formula(content, may_be_number=False)
    return text if cell.accepted else text + UNCLEAR


def no_formula(text: str, may_be_number: bool = True) -> str:
    """Text for a CSV, in one line, with an apostrophe in front where a program may take it for a formula.

    Args:
        may_be_number: -12.50 stays as it is.
    """
    kept = not text.startswith(FORMULA) or (may_be_number and re.fullmatch(r"[-+]?\d+([.,]\d+)?", text) is not None)
    return re.sub(BREAKS, " ", text if kept else f"'{text}")


def column_name(number: int) -> str:
    """A, B, ..., Z, AA, AB, ... for 0, 1, ..."""
    before, last = divmod(number, len(ALPHABET))
    return (column_name(before - 1) if before else "") + ALPHABET[last]


def name_of(row: int, column: int) -> str:
    """The name of a cell in spreadsheets: C7 for the seventh row and the third column, which are 6 and 2."""
    return f"{column_name(column)}{row + 1}"


def marked(cell: Cell) -> str:
    """A value, with a question mark if it is doubtful."""
    return cell.value if cell.accepted else cell.value + UNCLEAR


def doubt_of(cell: Cell) -> str:
    """Why a cell is doubtful, to stand behind its value; empty if it isn't."""
    return "" if cell.accepted else f"   {cell.reason}"
