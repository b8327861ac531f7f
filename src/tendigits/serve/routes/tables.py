"""POST /v1/tables: the tables of a picture as a spreadsheet or CSV."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from tendigits.errors import DataError, UserError
from tendigits.serve.app_state import State
from tendigits.serve.errors import error_responses
from tendigits.serve.routes.read import CONTENT, PageNumber, pictures_of, read_page
from tendigits.serve.schemas import TableRequest
from tendigits.tables.spreadsheet import to_xlsx
from tendigits.tables.table import Table
from tendigits.tables.totals import Sums

router = APIRouter(prefix="/v1", tags=["read"])

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ANSWERS = {CSV: {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string", "format": "binary"}}}
ANYTHING = ("text/*", "*/*")

Expect = Annotated[str, Query(max_length=1000, description="What columns hold, such as `A: 0..100, B: date`.")]


@router.post(
    "/tables",
    response_class=Response,
    openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
    responses={200: {"content": ANSWERS}, **error_responses(400, 406, 413, 415, 503)},
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
    """
    kind = _accepted(request.headers.get("accept", "*/*"))
    images = await pictures_of(request)
    if len(images) != 1:
        raise HTTPException(400, f"expected one picture, received {len(images)}")
    try:
        tables = (await read_page(state, state.active.reader, images[0], page)).checked(sums, expect)
    except DataError as error:
        raise HTTPException(415, str(error)[:300]) from None
    except UserError as error:
        raise HTTPException(400, str(error)[:300]) from None
    return _answer(kind, tables)


@router.post(
    "/tables/export", response_class=Response, responses={200: {"content": ANSWERS}, **error_responses(406, 413)}
)
def export_table(request: Request, table: TableRequest) -> Response:
    """Convert a table that a person has checked, as CSV or, by `Accept`, as a spreadsheet."""
    return _answer(_accepted(request.headers.get("accept", "*/*")), [table.table()])


def _answer(kind: str, tables: Sequence[Table]) -> Response:
    if kind == CSV:
        return Response("\n".join(table.to_csv() for table in tables), media_type=CSV)
    sheets = to_xlsx([(f"table {number}", table) for number, table in enumerate(tables, 1)])
    return Response(sheets, media_type=XLSX, headers={"content-disposition": 'attachment; filename="tables.xlsx"'})


def _accepted(header: str) -> str:
    """The first kind of answer that a client takes and we have."""
    for wanted in (part.partition(";")[0].strip().lower() for part in header.split(",")):
        if wanted == XLSX:
            return XLSX
        if wanted == CSV or wanted in ANYTHING:
            return CSV
    raise HTTPException(406, f"expected to be asked for {CSV} or {XLSX}")
