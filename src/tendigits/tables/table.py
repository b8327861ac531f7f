"""A table of numbers, its doubtful cells marked: as text, CSV, a spreadsheet or a data frame.

table = tendigits.Reader().read("marks.jpg").table()
table.rows[6][2].value      # cell C7
table.to_xlsx("marks.xlsx")
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tendigits.errors import MissingExtraError
from tendigits.files import writing
from tendigits.tables.cell import Cell, column_name, csv_value, filled_cells, marked, table_html
from tendigits.tables.options import MIN_FILLED_FRACTION
from tendigits.tables.spreadsheet import write_spreadsheet

if TYPE_CHECKING:
    import pandas

MAX_CELLS_IN_SUMMARY = 10  # doubtful cells that a summary names
MAX_WRONG_IN_SUMMARY = 3  # and rows or columns that do not add up


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Rows of cells, all of the same length. `print(table)` shows them."""

    rows: list[list[Cell]]
    agreement: str | None = None  # of its sums, such as "totals agree in 22 of 24 rows"; None if it has none
    formulas: list[str] = field(default_factory=list)  # by which it was checked, such as "G = sum B-F"
    wrong: list[str] = field(default_factory=list)  # what does not agree, such as "row 3 adds up to 20, not 20.5"
    ruled: bool = False  # whether ruled lines separate its rows and its columns

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return len(self.rows), len(self.rows[0]) if self.rows else 0

    @property
    def is_dense(self) -> bool:
        """Whether it looks like a table, and not like a list or like numbers scattered over a page."""
        rows, columns = self.shape
        is_filled = len([*self.cells()]) >= MIN_FILLED_FRACTION * rows * columns
        return min(rows, columns) > 1 and (self.ruled or is_filled)

    def cells(self) -> Iterator[tuple[str, Cell]]:
        """The cells that are not empty, row by row, with their names, such as C7."""
        return filled_cells(self.rows)

    @property
    def doubtful(self) -> list[str]:
        """Names of the cells that a person should check."""
        return [name for name, cell in self.cells() if not cell.accepted]

    def __repr__(self) -> str:
        return f"{self.summary()}\n{self.text()}"

    def _repr_html_(self) -> str:
        return table_html(self.summary(), self.rows, self.doubts())

    def summary(self) -> str:
        """Its size, how many cells are accepted, which ones to check, and the agreement of its sums, in one line."""
        rows, columns = self.shape
        doubtful = self.doubtful
        accepted = len([*self.cells()]) - len(doubtful)
        names = ", ".join(doubtful[:MAX_CELLS_IN_SUMMARY]) + (", ..." if len(doubtful) > MAX_CELLS_IN_SUMMARY else "")
        check = f"{len(doubtful)} to check" + (f" ({names})" if doubtful else "")
        size = f"{rows} row{'s' * (rows != 1)} x {columns} column{'s' * (columns != 1)}"
        wrong = "; ".join(self.wrong[:MAX_WRONG_IN_SUMMARY]) + "; ..." * (len(self.wrong) > MAX_WRONG_IN_SUMMARY)
        return "   ".join(filter(None, [size, f"{accepted} accepted, {check}", self.agreement, wrong]))

    def text(self) -> str:
        """Its values in aligned columns under the columns' names, doubtful ones with a question mark."""
        names = [column_name(column) for column in range(self.shape[1])]
        values = [names, *([marked(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*values, strict=True)]
        lines = ["  ".join(value.rjust(width) for value, width in zip(row, widths, strict=True)) for row in values]
        return "\n".join(line.rstrip() for line in lines)

    def doubts(self) -> str:
        """A line for each doubtful cell: its name, its value, and why it is doubtful."""
        return "\n".join(f"{name:5} {cell.value:12} {cell.reason}" for name, cell in self.cells() if not cell.accepted)

    def to_csv(self, path: str | Path | None = None) -> str:
        """Convert to CSV, and write it to a file if there is a path; see `csv_value` for the cells.

        Raises:
            DiskError: the file can't be written.
        """
        content = io.StringIO()
        csv.writer(content, lineterminator="\n").writerows([[csv_value(cell) for cell in row] for row in self.rows])
        if path is not None:
            with writing(Path(path)) as temporary:
                temporary.write_text(content.getvalue(), encoding="utf-8", newline="\n")
        return content.getvalue()

    def to_xlsx(self, path: str | Path) -> None:
        """Write a spreadsheet: numbers as numbers, doubtful cells coloured, with a comment and their pictures.

        Raises:
            DiskError: the file can't be written.
        """
        write_spreadsheet(Path(path), [("table", self.rows)])

    def to_dataframe(self) -> "pandas.DataFrame":
        """Convert to a pandas data frame with columns A, B, ... and the content that a spreadsheet would have.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("to_dataframe() needs pandas: pip install pandas") from None
        rows = [[cell.content if cell.value else None for cell in row] for row in self.rows]
        return pandas.DataFrame(rows, columns=[*map(column_name, range(self.shape[1]))])

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return {
            "rows": [[cell.as_dict() for cell in row] for row in self.rows],
            "agreement": self.agreement,
            "formulas": self.formulas,
            "wrong": self.wrong,
            "ruled": self.ruled,
        }
