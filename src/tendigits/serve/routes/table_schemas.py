"""Tables as a person left them: what POST /v1/tables/export takes."""

from typing import Annotated

from pydantic import FailFast, Field, model_validator

from tendigits.geometry import Box
from tendigits.numbers.grammar import common_separator, to_decimal
from tendigits.pictures.documents import MAX_PAGES
from tendigits.serve.schemas import Strict
from tendigits.tables.cell import Cell
from tendigits.tables.table import Table

MAX_CELLS = 200_000
"""Of all tables in one request."""


class CellRequest(Strict):
    """A cell as a person left it."""

    value: Annotated[str, Field(max_length=100)]
    accepted: bool = True
    reason: Annotated[str, Field(max_length=500)] | None = None


class TableRequest(Strict):
    """A table as a person left it: rows of the same length."""

    name: Annotated[str, Field(max_length=100)] | None = None
    """Of its sheet in a spreadsheet."""
    rows: Annotated[
        list[Annotated[list[CellRequest], Field(min_length=1, max_length=200), FailFast()]],
        Field(min_length=1, max_length=1000),
        FailFast(),
    ]

    @model_validator(mode="after")
    def _is_rectangular(self) -> "TableRequest":
        if len({len(row) for row in self.rows}) > 1:
            raise ValueError("expected rows of the same length")
        return self

    def table(self) -> Table:
        """As the library has it; what the values mean is told by all of them."""
        mark = common_separator(cell.value for row in self.rows for cell in row)
        nowhere = Box(0, 0, 0, 0)
        return Table(
            [
                [Cell(nowhere, one.value, to_decimal(one.value, mark), 1.0, one.accepted, one.reason) for one in row]
                for row in self.rows
            ]
        )


class TablesRequest(Strict):
    """Tables as a person left them, such as those of a document's pages."""

    tables: Annotated[list[TableRequest], Field(min_length=1, max_length=MAX_PAGES), FailFast()]

    @model_validator(mode="after")
    def _is_small(self) -> "TablesRequest":
        if sum(len(table.rows) * len(table.rows[0]) for table in self.tables) > MAX_CELLS:
            raise ValueError(f"expected at most {MAX_CELLS:,} cells in all; send fewer tables")
        return self
