"""POST /v1/forms: the fields of a form, in pictures of filled ones."""

from typing import Annotated

from fastapi import APIRouter, File, Query, Request, UploadFile
from fastapi import Form as Part
from pydantic import FailFast, Field, Json
from starlette.exceptions import HTTPException

from tendigits.errors import DataError, UserError
from tendigits.pictures.documents import MAX_PAGES
from tendigits.read.forms import MAX_FIELDS
from tendigits.serve.app_state import State
from tendigits.serve.errors import error_responses
from tendigits.serve.reading import work
from tendigits.serve.routes.read import MAX_PICTURES, PageNumber, count, read_all, sender_of, while_connected
from tendigits.serve.schemas import PageResponse, ReadResponse

router = APIRouter(prefix="/v1", tags=["read"])

Name = Annotated[str, Field(min_length=1, max_length=100)]
Edge = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Edges = Annotated[list[Edge], Field(min_length=4, max_length=4), FailFast()]
Fields = Annotated[dict[Name, Edges], Field(min_length=1, max_length=MAX_FIELDS), FailFast()]


@router.post(
    "/forms",
    form_limits={"max_files": MAX_PICTURES + 1, "max_fields": 10},
    responses=error_responses(400, 413, 415, 503),
)
async def read_forms(
    request: Request,
    state: State,
    picture: Annotated[UploadFile, File(description="Picture on which the fields were marked.")],
    fields: Annotated[
        Json[Fields],
        Part(description='Left, top, right and bottom of each field in its pixels, as `{"points": [10, 20, 90, 60]}`.'),
    ],
    image: Annotated[
        list[UploadFile],
        File(min_length=1, max_length=MAX_PICTURES, description="Pictures of filled forms."),
    ],
    turned: Annotated[
        int, Part(ge=0, le=270, multiple_of=90, description="Degrees by which `picture` is turned clockwise.")
    ] = 0,
    picture_page: Annotated[int, Part(ge=1, le=MAX_PAGES, description="Page of `picture`, if it is a document.")] = 1,
    crops: Annotated[bool, Query(description="Include each number as the network saw it.")] = False,
    page: PageNumber = 1,
) -> ReadResponse:
    """Read filled forms: each is laid over the form's own picture by what both show, photos too.

    The page of a picture that can't be read, or shows another form, holds the error instead.
    """
    active, sender = state.active.current, sender_of(request)
    own = await picture.read()
    opening = state.pages.run(sender, work.open_form, own, fields, turned, picture_page)
    try:
        form = await while_connected(request, opening)
    except DataError as error:
        raise HTTPException(415, f"the form's own picture: {error}"[:300]) from None
    except UserError as error:
        raise HTTPException(422, str(error)[:300]) from None

    async def read(filled: bytes) -> PageResponse:
        reading = state.pages.run(sender, work.read_form, active.source, form, filled, page, crops)
        return await while_connected(request, reading)

    pages = await read_all(read, [await each.read() for each in image], state.pages.workers)
    count(state, [line.accepted for page in pages for line in page.numbers])
    return ReadResponse(network=active.sha256, pages=pages)
