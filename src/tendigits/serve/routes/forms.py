"""POST /v1/forms: the fields of a form, in pictures of filled ones."""

import asyncio
import hashlib
from typing import Annotated

from fastapi import APIRouter, File, Query, UploadFile
from fastapi import Form as Part
from pydantic import FailFast, Field, Json
from starlette.exceptions import HTTPException

from tendigits.data.documents import MAX_PAGES
from tendigits.errors import DataError, UserError
from tendigits.read.forms import MAX_FIELDS, Form, make_form
from tendigits.read.reader import Reader
from tendigits.serve.app_state import AppState, State
from tendigits.serve.errors import error_responses
from tendigits.serve.routes.read import MAX_PICTURES, PageNumber, count, n_pages_of, threads_for
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
    active = state.active.current
    own = await picture.read()
    try:
        form = await threads_for(state, own).run(make_form, own, fields, turned, picture_page)
    except DataError as error:
        raise HTTPException(415, f"the form's own picture: {error}"[:300]) from None
    except UserError as error:
        raise HTTPException(422, str(error)[:300]) from None
    pages = await asyncio.gather(
        *[_response(state, active.reader, form, await each.read(), page, crops) for each in image]
    )
    return ReadResponse(network=active.sha256, pages=pages)


async def _response(
    state: AppState, reader: Reader, form: Form, image: bytes, number: int, crops: bool
) -> PageResponse:
    sha256, n_pages = hashlib.sha256(image).hexdigest(), 1
    try:
        n_pages = await n_pages_of(state, image)
        page = await threads_for(state, image).run(reader.read_form, form, image, number)
    except DataError as error:
        return PageResponse(sha256=sha256, n_pages=n_pages, error=str(error)[:300])
    count(state, page.lines)
    return PageResponse.of(page, sha256, crops, n_pages)
