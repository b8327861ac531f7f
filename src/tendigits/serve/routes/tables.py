"""POST /v1/tables: the tables of a picture as a spreadsheet or CSV."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from tendigits.errors import DataError, UserError
from tendigits.serve.app_state import State
from tendigits.serve.edge.json_body import JsonRoute
from tendigits.serve.errors import error_responses
from tendigits.serve.reading import work
from tendigits.serve.routes.read import CONTENT, PageNumber, count, picture_of, sender_of, while_connected
from tendigits.serve.routes.table_schemas import TablesRequest
from tendigits.tables.options import Sums

router = APIRouter(prefix="/v1", tags=["read"], route_class=JsonRoute)

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ANSWERS = {CSV: {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string", "format": "binary"}}}
ANYTHING = ("text/*", "*/*")

Expect = Annotated[str, Query(max_length=1000, description="What columns hold, such as `A: 0..100, B: date`.")]


@router.post(
    "/tables",
    response_class=Response,
    openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
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

    In the CSV doubtful values have a `?` behind them, and several tables an empty line between them; in the spreadsheet
    each has a sheet of its own, doubtful cells are coloured and have a comment, and a last sheet shows their pictures.
    A picture without numbers has no table: 404.
    """
    kind = _accepted(request.headers.get("accept", "*/*"))
    image = await picture_of(request)
    try:
        source = state.active.current.source
        reading = state.pages.run(sender_of(request), work.read_tables, source, image, page, sums, expect, kind == XLSX)
        file, accepted = await while_connected(request, reading)
    except DataError as error:
        raise HTTPException(415, str(error)[:300]) from None
    except UserError as error:
        raise HTTPException(400, str(error)[:300]) from None
    count(state, accepted)
    if file is None:
        raise HTTPException(404, "found no table in the picture; its numbers must stand in rows and columns")
    return _answer(kind, file)


@router.post(
    "/tables/export", response_class=Response, responses={200: {"content": ANSWERS}, **error_responses(406, 413)}
)
def export_tables(request: Request, checked: TablesRequest) -> Response:
    """Convert tables that a person has checked, as CSV or, by `Accept`, as a spreadsheet with a sheet each."""
    kind = _accepted(request.headers.get("accept", "*/*"))
    return _answer(kind, work.as_file([(each.name, each.table()) for each in checked.tables], kind == XLSX))


def _answer(kind: str, file: bytes) -> Response:
    headers = {"content-disposition": 'attachment; filename="tables.xlsx"'} if kind == XLSX else None
    return Response(file, media_type=kind, headers=headers)


def _accepted(header: str) -> str:
    """The first kind of answer that a client takes and we have."""
    for wanted in (part.partition(";")[0].strip().lower() for part in header.split(",")):
        if wanted == XLSX:
            return XLSX
        if wanted == CSV or wanted in ANYTHING:
            return CSV
    raise HTTPException(406, f"expected to be asked for {CSV} or {XLSX}")
