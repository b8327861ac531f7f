"""/v1/tables: the tables of a picture, and those that a person has changed, checked or as a spreadsheet or CSV."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Body, Query, Request, Response
from starlette.exceptions import HTTPException

from tendigits.serve import work
from tendigits.serve.errors import error_responses
from tendigits.serve.routes.bodies import (
    PICTURE_BODY,
    Expect,
    JsonRoute,
    PageNumber,
    expected_of,
    in_pool,
    picture_of,
    run_in_pool,
    unparsed,
)
from tendigits.serve.schemas import BINARY, TableRequest, TablesRequest
from tendigits.serve.state import State
from tendigits.tables.options import Sums

router = APIRouter(prefix="/v1", tags=["read"], route_class=JsonRoute)

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ANSWERS = {CSV: {"schema": {"type": "string"}}, XLSX: {"schema": BINARY}}


@dataclass(frozen=True)
class SuggestionResponse:
    """Another value of a doubtful cell."""

    value: str
    agrees: str  # what it makes right: "row and column", "row", "column", a formula or ""


@dataclass(frozen=True)
class DoubtResponse:
    """Why a person should check a cell, and what else it may be."""

    reason: str | None
    suggestions: list[SuggestionResponse]


@dataclass(frozen=True)
class CheckResponse:
    """A table that a person has changed, after its sums were checked."""

    agreement: str | None
    formulas: list[str]  # by which it was checked, such as "G = sum B-F"
    wrong: list[str]  # what does not agree, such as "row 3 adds up to 20, not 20.5"
    doubtful: dict[str, DoubtResponse]  # the cells that a person should check, by their names, such as C7


@router.post(
    "/tables",
    response_class=Response,
    openapi_extra=PICTURE_BODY,
    responses={200: {"content": ANSWERS}, **error_responses(400, 404, 406, 413, 415, 503)},
)
async def read_tables(
    request: Request,
    state: State,
    sums: Annotated[Sums, Query(description="Where sums stand.")] = Sums.AUTO,
    expect: Expect = "",
    page: PageNumber = 1,
) -> Response:
    """Read the tables of one picture, as CSV or, with `Accept: application/vnd...sheet`, as a spreadsheet.

    In the CSV a doubtful value is followed by a `?`, and tables are separated by an empty line; in the spreadsheet
    each table has its own sheet, doubtful cells are coloured and have a comment, and a last sheet shows their pictures.
    A picture without numbers has no table: 404.
    """
    kind = _accepted_type(request)
    image, source = await picture_of(request), state.active.current.source
    expected = await expected_of(request, expect)
    if sums is not Sums.AUTO:
        expected = replace(expected, sums=sums)
    asked = (image, page, expected, kind == XLSX)
    file, accepted = await in_pool(request, work.with_reader, source, work.read_tables, *asked)
    state.metrics.count(accepted)
    if file is None:
        raise HTTPException(404, "found no table in the picture; its numbers must stand in rows and columns")
    return _answer(kind, file)


@router.post("/tables/check", responses=error_responses(413, 503))
async def check_table(request: Request, changed: Annotated[bytes, Body(), unparsed(TableRequest)]) -> CheckResponse:
    """Check a table that a person has changed: cells of a sum that agrees are not doubtful any more.

    In a row or a column that does not add up, what nobody has checked is. Each doubtful cell comes with values that it
    may have instead, first those that make its sums right.
    """
    table, suggested = await run_in_pool(request, work.check_table, changed)
    cells = dict(table.cells())
    doubtful = {
        name: DoubtResponse(cells[name].reason, [SuggestionResponse(*each) for each in values])
        for name, values in suggested.items()
    }
    return CheckResponse(table.agreement, table.formulas, table.wrong, doubtful)


@router.post(
    "/tables/export", response_class=Response, responses={200: {"content": ANSWERS}, **error_responses(406, 413, 503)}
)
async def export_tables(request: Request, checked: Annotated[bytes, Body(), unparsed(TablesRequest)]) -> Response:
    """Convert tables that a person has checked to CSV or, by `Accept`, to a spreadsheet with a sheet each."""
    kind = _accepted_type(request)
    return _answer(kind, await run_in_pool(request, work.export_tables, checked, kind == XLSX))


def _answer(kind: str, file: bytes) -> Response:
    headers = {"content-disposition": 'attachment; filename="tables.xlsx"'} if kind == XLSX else None
    return Response(file, media_type=kind, headers=headers)


def _accepted_type(request: Request) -> str:
    """CSV or XLSX: the first of them that the client accepts."""
    for part in request.headers.get("accept", "*/*").split(","):
        wanted = part.partition(";")[0].strip().lower()
        if wanted == XLSX:
            return XLSX
        if wanted in (CSV, "text/*", "*/*"):
            return CSV
    raise HTTPException(406, f"expected to be asked for {CSV} or {XLSX}")
