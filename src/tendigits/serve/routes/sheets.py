"""/v1/sheets: make sheets to print, of which a photo needs nothing else, and join the photos of their pages."""

import csv
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from pydantic import Field
from starlette.exceptions import HTTPException

from tendigits.errors import UserError
from tendigits.read.expectations import parse_csv
from tendigits.read.print_sheet import to_pdf
from tendigits.read.sheet import COLUMNS_EXAMPLE, MAX_ROWS, MAX_TITLE_CHARACTERS, codes_of, parse_sheet, roster_of
from tendigits.serve.errors import error_responses
from tendigits.serve.piles import PileRequest, PileResponse, gather_pile
from tendigits.serve.routes.bodies import JsonRoute, run_in_pool, unparsed
from tendigits.serve.schemas import BINARY, MAX_REASON_CHARACTERS, Strict

router = APIRouter(prefix="/v1", tags=["read"], route_class=JsonRoute)

MAX_ROSTER_CHARACTERS = 100_000
MAX_PAGES = 200
PDF = "application/pdf"


class SheetRequest(Strict):
    """What is on a sheet."""

    columns: Annotated[str, Field(max_length=400, description=f"Such as `{COLUMNS_EXAMPLE}`.")]
    rows: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 30
    title: Annotated[str, Field(max_length=MAX_TITLE_CHARACTERS)] = ""
    roster: Annotated[str, Field(max_length=MAX_ROSTER_CHARACTERS)] = ""
    """Lines of a CSV whose head has names of columns; or a name in each line."""
    each: bool = False  # a sheet for each student on the roster


@router.post(
    "/sheets",
    response_class=Response,
    responses={200: {"content": {PDF: {"schema": BINARY}}}, **error_responses(400, 413, 503)},
)
def make_sheet(asked: SheetRequest) -> Response:
    """Make a sheet as a PDF, to be printed at full size; `POST /v1/read` reads photos of it, and needs nothing else."""
    try:
        sheet = parse_sheet(asked.columns, asked.rows, asked.title)
        students = roster_of(parse_csv(asked.roster), sheet) if asked.roster.strip() else []
        codes = codes_of(sheet, students, asked.each)
    except csv.Error as error:
        raise HTTPException(422, f"expected a roster as CSV, received another text: {error}") from None
    except UserError as error:
        raise HTTPException(422, str(error)[:MAX_REASON_CHARACTERS]) from None
    if not 0 < len(codes) <= MAX_PAGES:
        raise HTTPException(422, f"expected a sheet of 1 to {MAX_PAGES} pages, received {len(codes)}; give a roster")
    headers = {"content-disposition": 'attachment; filename="sheet.pdf"'}
    return Response(to_pdf(codes, students), media_type=PDF, headers=headers)


@router.post("/sheets/join", response_model=PileResponse, responses=error_responses(413, 503))
async def join_sheets(request: Request, pile: Annotated[bytes, Body(), unparsed(PileRequest)]) -> dict[str, Any]:
    """Join the photos of pages of sheets: a table for each sheet, by student and by page.

    What differs in two photos of a page is doubtful, unless a person has checked it in one of them.
    """
    return await run_in_pool(request, gather_pile, pile)
