"""Photos of the pages of printed sheets, perhaps checked by a person, as one table for each sheet.

gather_pile(body)       # a job of the worker processes: a PileRequest as JSON becomes the content of a PileResponse
"""

from dataclasses import replace
from itertools import count
from typing import Annotated, Any

from pydantic import BaseModel, FailFast, Field, field_validator

from tendigits.batch.piles import gather
from tendigits.read.page import Page
from tendigits.read.sheet import Code
from tendigits.serve.schemas import MAX_SHEETS, CellResponse, SheetResponse, Strict, TableRequest, parse, table_content
from tendigits.tables.cell import Cell
from tendigits.tables.table import Table


class PilePageRequest(Strict):
    """A photo of a page."""

    picture: Annotated[str, Field(max_length=300)]  # its name, for notices
    sheet: SheetResponse
    table: TableRequest  # with the names of the columns on top


class PileRequest(Strict):
    """Photos of pages, in any order."""

    pages: Annotated[list[PilePageRequest], Field(min_length=1, max_length=MAX_SHEETS), FailFast()]

    @field_validator("pages")
    @classmethod
    def _have_the_same_columns(cls, pages: list[PilePageRequest]) -> list[PilePageRequest]:
        widths: dict[tuple[str, str], int] = {}
        for each in pages:
            width = len(each.table.rows[0])
            if widths.setdefault((each.sheet.title, each.sheet.columns), width) != width:
                raise ValueError("expected of the same width: leave out the same columns on all pages of a sheet")
        return pages


class JoinedTableResponse(BaseModel):
    """The pages of a sheet. The `index` of a cell counts the cells of all tables of the request, row by row."""

    title: str
    rows: list[list[CellResponse]]
    agreement: str | None
    wrong: list[str]  # what does not agree, such as "row 3 adds up to 20, not 20.5"


class PileResponse(BaseModel):
    """A table for each sheet."""

    tables: list[JoinedTableResponse]
    notices: list[str]  # which pages are missing, or there twice


def gather_pile(body: bytes) -> dict[str, Any]:
    """Join pages as `tendigits read` does; what a person has checked in one of two photos holds. Raises InvalidBody."""
    places, checked, n_rows = count(), dict[tuple[Code, int, int], Cell](), dict[Code, int]()
    photos: list[tuple[str, Code, Table]] = []
    for each in parse(PileRequest, body).pages:
        code, table = each.sheet.code(), each.table.table()
        rows = [[replace(cell, index=next(places)) for cell in row] for row in table.rows]
        photos.append((each.picture, code, replace(table, rows=rows)))
        n_rows[code] = max(n_rows.get(code, 0), len(rows))
        for place, cell in _by_place(code, rows):
            if cell.checked:
                checked.setdefault(place, cell)
    for _, code, table in photos:
        rows = table.rows
        rows += [[Cell(cell.box) for cell in rows[0]] for _ in range(n_rows[code] - len(rows))]
        for (_, row, column), cell in _by_place(code, rows):
            rows[row][column] = replace(checked.get((code, row, column), cell), index=cell.index)
    read = [(picture, Page([], (1, 1), [table], sheet=code)) for picture, code, table in photos]
    tables, notices = gather(read)
    joined = [{"title": title, **table_content(table, False)} for title, table in tables]
    return {"tables": joined, "notices": notices}


def _by_place(code: Code, rows: list[list[Cell]]) -> list[tuple[tuple[Code, int, int], Cell]]:
    return [((code, r, c), cell) for r, row in enumerate(rows) for c, cell in enumerate(row)]
