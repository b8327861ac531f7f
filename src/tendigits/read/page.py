"""A page of numbers: as text, JSON, rows of a CSV, and with its picture in a notebook.

page.numbers[0].value        "12.50"
page.text()                its tables, and the other numbers, with the reasons why they are doubtful
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tendigits.digits.thumbnail import Thumbnail
from tendigits.errors import printable
from tendigits.read.results import Number
from tendigits.tables.checks import check
from tendigits.tables.table import Cell, Table, column_name, doubt_of, marked, no_formula
from tendigits.tables.totals import Sums

COLUMNS = (
    "path", "order", "table", "row", "column", "value", "number", "confidence", "accepted", "reason",
    "left", "top", "right", "bottom",
)  # fmt: skip
"""The columns of the CSV; table and row count from 1, columns are A, B, ..."""

SHOWN = 10
"""Lines of text that the representation of a page shows."""

LEFT_OUT = "more to read than one picture may cost: some was left out"
"""The notice of a page whose `Budget` was spent before all was read."""


@dataclass(frozen=True, eq=False, repr=False)
class Page:
    """What was read in a picture. `print(page)` shows its size and first lines, a notebook its picture with boxes."""

    numbers: list[Number]
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

    thumbnail: Thumbnail | None = None
    """The picture, for notebooks; None if it was read in another process."""

    def table(self, sums: str = Sums.AUTO, expect: str = "") -> Table:
        """The largest table, checked; without rows if there is none.

        Args:
            sums: where sums stand: "auto", "last-column", "last-row", "both" or "none"; see `check_sums`.
            expect: what the columns hold, such as "A: 0..100, B: date"; see `tables.checks.parse`.

        Raises:
            UserError: an argument has another form.
        """
        return max(self.checked(sums, expect), key=lambda table: np.prod(table.shape), default=Table([]))

    def checked(self, sums: str = Sums.AUTO, expect: str = "") -> list[Table]:
        """All tables, checked as `table` does it."""
        return [check(table, sums, expect) for table in self.tables]

    def __repr__(self) -> str:
        lines = self.text().splitlines()
        shown = [f"  {line}".rstrip() for line in lines[:SHOWN]]
        if more := len(lines) - len(shown):
            shown.append(f"  ... and {more} more")
        return "\n".join([self.summary(), *shown])

    def _repr_html_(self) -> str:
        from tendigits.read.html import page_html

        return page_html(self)

    def summary(self) -> str:
        """Its size, how much was read, and the notice, in one line."""
        width, height = self.size
        counts = {"number": len(self.numbers), "table": len(self.parts()[0]), "field": len(self.fields)}
        read = [f"{n} {name}{'s' * (n != 1)}" for name, n in counts.items() if n or name == "number"]
        return ", ".join([f"Page of {width}x{height} pixels", *read, *([self.notice] if self.notice else [])])

    def text(self) -> str:
        """Tables of several rows and columns, and a line for each other number, with the reason why it is doubtful."""
        if self.fields:
            return "\n".join(f"{name}: {marked(cell)}{doubt_of(cell)}" for name, cell in self.fields.items())
        tables, others = self.parts()
        parts = [f"turned by {self.turned} degrees"] if self.turned else []
        parts += [f"{table.text()}\n{table.doubts()}".rstrip("\n") for table in tables]
        parts += [line.text() for line in others]
        return "\n".join(parts)

    def parts(self) -> tuple[list[Table], list[Number]]:
        """Its tables of several rows and columns, checked, and the lines that stand in none of them."""
        tables = [table for table in self.checked() if table.is_dense]
        in_tables = {cell.index for table in tables for _, cell in table.cells()}
        return tables, [line for n, line in enumerate(self.numbers) if n not in in_tables]

    def cells(self) -> dict[int, tuple[int, int, str]]:
        """In which table, row and column the lines stand that are in one: the first two from 1, then A, B, ..."""
        return {
            cell.index: (n, row, column_name(column))
            for n, table in enumerate(self.tables, 1)
            for row, cells in enumerate(table.rows, 1)
            for column, cell in enumerate(cells)
            if cell.index is not None
        }

    def as_dict(self) -> dict[str, Any]:
        """Convert to a dictionary for JSON."""
        return {
            "size": list(self.size),
            "turned": self.turned,
            "notice": self.notice,
            "numbers": [line.as_dict() for line in self.numbers],
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
            for number, line in enumerate(self.numbers, 1)
        ]  # fmt: skip
