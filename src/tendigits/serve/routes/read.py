"""/v1/read, /v1/forms and /v1/digits read pictures and arrays; /v1/preview and /v1/layers show what the reader sees."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body, File, Form, Query, Request, Response, UploadFile
from pydantic import BaseModel, FailFast, Field, Json
from starlette.exceptions import HTTPException

from tendigits.errors import UserError
from tendigits.pictures.limits import MAX_PAGES
from tendigits.read.expectations import NOTHING
from tendigits.read.forms import MAX_FIELDS, make_form
from tendigits.serve import work
from tendigits.serve.errors import error_responses
from tendigits.serve.reading import is_small_png
from tendigits.serve.routes.bodies import (
    MAX_EXPECT_CHARACTERS,
    MAX_PICTURES,
    PICTURE_BODY,
    Expect,
    JsonRoute,
    PageNumber,
    address_of,
    expected_of,
    in_pool,
    parse_answers,
    parse_expected,
    picture_of,
    pictures_of,
    run_in_pool,
    unparsed,
    while_connected,
)
from tendigits.serve.schemas import (
    BINARY,
    MAX_REASON_CHARACTERS,
    Crop,
    DigitResponse,
    DigitsRequest,
    LayerResponse,
    MarksResponse,
    PageResponse,
    Strict,
)
from tendigits.serve.state import AppState, State
from tendigits.serve.work import ReadingNetwork

MAX_SMALL_JSON_BYTES = 2**16  # of JSON with digits: sending it to a worker process takes longer than reading them

router = APIRouter(prefix="/v1", tags=["read"], route_class=JsonRoute)

RunName = Annotated[
    str | None,
    Query(min_length=1, max_length=200, alias="run", description="Read with this run's network, not the active one."),
]
FieldName = Annotated[str, Field(min_length=1, max_length=100)]
Edge = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Edges = Annotated[list[Edge], Field(min_length=4, max_length=4), FailFast()]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Corner = tuple[Share, Share]
Corners = tuple[Corner, Corner, Corner, Corner]
Fields = Annotated[dict[FieldName, Edges], Field(min_length=1, max_length=MAX_FIELDS), FailFast()]


class ReadResponse(BaseModel):
    """One page per picture, in the order of the request."""

    network: str
    pages: list[PageResponse]


class DigitsResponse(BaseModel):
    """The digits, in the order of the request."""

    network: str
    digits: list[DigitResponse]


class LayersRequest(Strict):
    """A digit."""

    crop: Crop


class LayersResponse(BaseModel):
    """The hidden layers, from the first to the last."""

    layers: list[LayerResponse]


@router.post("/read", openapi_extra=PICTURE_BODY, responses=error_responses(400, 404, 409, 413, 415, 503))
async def read_pictures(
    request: Request,
    state: State,
    one: Annotated[bool, Query(description="Each picture shows one digit.")] = False,
    crops: Annotated[bool, Query(description="Include the 28x28 pixels that the network saw.")] = False,
    page: PageNumber = 1,
    run: RunName = None,
    expect: Expect = "",
) -> ReadResponse:
    """Read pictures: the body is one picture, or a form with one or more in its field `image`.

    A single picture that cannot be decoded is refused with 415. In a form, its page holds the error instead.
    """
    images = await pictures_of(request)
    expected = await expected_of(request, expect)
    if one and expected != NOTHING:
        raise HTTPException(400, "expected `expect` or `one`, received both; a digit is read as what it looks like")
    network = await _reading_network(request, state, run)

    async def read(image: bytes) -> PageResponse:
        if not one:
            asked = (image, page, expected, crops)
            return await in_pool(request, work.with_reader, network.source, work.read_page, *asked)
        if is_small_png(image):
            return await state.queue.read_digit(network, image, crops)
        pages: list[PageResponse] = await in_pool(
            request, work.with_reader, network.source, work.read_digits, [(image, crops)]
        )
        return pages[0]

    response = await _read_all(state, network, read, images)
    if len(images) == 1 and response.pages[0].error is not None:
        raise HTTPException(415, response.pages[0].error)
    return response


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
        Form(description='Left, top, right and bottom of each field in its pixels, as `{"points": [10, 20, 90, 60]}`.'),
    ],
    image: Annotated[
        list[UploadFile], File(min_length=1, max_length=MAX_PICTURES, description="Pictures of filled forms.")
    ],
    turned: Annotated[
        int, Form(ge=0, le=270, multiple_of=90, description="Degrees by which `picture` is turned clockwise.")
    ] = 0,
    expect: Annotated[
        str, Form(max_length=MAX_EXPECT_CHARACTERS, description="What is expected, as `points: 0..20, student: luhn`.")
    ] = "",
    key: Annotated[
        str, Form(max_length=MAX_EXPECT_CHARACTERS, description="An answer key: a CSV with `field,answer,points`.")
    ] = "",
    picture_page: Annotated[int, Form(ge=1, le=MAX_PAGES, description="Page of `picture`, if it is a document.")] = 1,
    corners: Annotated[
        Json[Corners | None],
        Form(
            description="Where the corners of `picture` lie in each `image`, from the upper left clockwise, as "
            "fractions of its width and height: `[[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]`. Without them its "
            "details are looked for."
        ),
    ] = None,
    crops: Annotated[bool, Query(description="Include each number as the network saw it.")] = False,
    page: PageNumber = 1,
) -> ReadResponse:
    """Read the fields of filled forms, also in photos: each picture is aligned with the form's own picture.

    The page of a picture that can't be read, or shows another form, holds the error instead.
    """
    network, expected, answers = state.active.current, parse_expected(expect, fields), parse_answers(key, fields)
    marked = await picture.read()

    async def read(filled: bytes) -> PageResponse:
        asked = (form, answers, filled, page, expected, crops, corners)
        return await in_pool(request, work.with_reader, network.source, work.read_form, *asked)

    try:
        prefix = "the form's own picture: "
        form = await in_pool(request, make_form, marked, fields, turned, picture_page, prefix=prefix)
        return await _read_all(state, network, read, [await each.read() for each in image])
    except UserError as error:
        raise HTTPException(422, str(error)[:MAX_REASON_CHARACTERS]) from None


class MarksRequest(Strict):
    """What stands in the fields of a form, after a person has checked them."""

    fields: Annotated[dict[FieldName, Annotated[str, Field(max_length=100)]], Field(max_length=MAX_FIELDS), FailFast()]
    key: Annotated[str, Field(min_length=1, max_length=MAX_EXPECT_CHARACTERS)]  # as of /v1/forms


@router.post("/forms/marks", responses=error_responses(400, 413))
def mark_form(asked: MarksRequest) -> MarksResponse:
    """Mark the fields of a form by an answer key."""
    key = parse_answers(asked.key, asked.fields)
    if key is None:
        raise HTTPException(400, "expected an answer key with the columns field,answer,points, received none")
    return MarksResponse(**key.marks(asked.fields).as_dict())


@router.post(
    "/preview",
    response_class=Response,
    openapi_extra=PICTURE_BODY,
    responses={200: {"content": {"image/jpeg": {"schema": BINARY}}}, **error_responses(400, 413, 415, 503)},
)
async def show_picture(request: Request, page: PageNumber = 1) -> Response:
    """Show a picture as the reader sees it, as a JPEG: grey, upright by its EXIF, of at most 2048 pixels a side."""
    image = await picture_of(request)
    return Response(await in_pool(request, work.preview, image, page), media_type="image/jpeg")


@router.post("/digits", response_model=DigitsResponse, responses=error_responses(413, 503))
async def read_digits(
    request: Request, state: State, asked: Annotated[bytes, Body(), unparsed(DigitsRequest)]
) -> dict[str, Any]:
    """Read digits that are cropped and centred already, like MNIST's; for pictures see /v1/read."""
    network = state.active.current
    if len(asked) <= MAX_SMALL_JSON_BYTES:
        found = await state.queue.compute(address_of(request), work.classify, network.reader, asked)
    else:
        found = await run_in_pool(request, work.with_reader, network.source, work.classify, asked)
    state.metrics.count([digit.accepted for digit in found])
    return {"network": network.sha256, "digits": [digit.as_dict() for digit in found]}


@router.post("/layers", response_model=LayersResponse, responses=error_responses(404, 409))
async def show_layers(request: Request, state: State, asked: LayersRequest, run: RunName = None) -> dict[str, Any]:
    """The outputs of each hidden layer of a network for a digit, as pictures."""
    if run is None and state.active.is_fixed:
        raise UserError("expected the reader's network, or a run's, received the server's --model; start without it")
    network = await _reading_network(request, state, run)
    found = await state.queue.compute(address_of(request), lambda: network.layers(asked.crop))
    return {"layers": [layer.as_dict() for layer in found]}


async def _reading_network(request: Request, state: AppState, run: str | None) -> ReadingNetwork:
    """The active network, or that of a run by its name. Raises what `RunNetworks.load` does, and ClientDisconnect."""
    if run is None:
        return state.active.current
    return await while_connected(request, state.run_networks.load(run, address_of(request)))


async def _read_all(
    state: AppState,
    network: ReadingNetwork,
    read: Callable[[bytes], Awaitable[PageResponse]],
    pictures: Sequence[bytes],
) -> ReadResponse:
    """Read the pictures of a request, some at once. The error of one of several is in its page."""
    turns = asyncio.Semaphore(state.queue.workers)

    async def respond(picture: bytes) -> PageResponse:
        async with turns:
            try:
                return await read(picture)
            except HTTPException as error:
                return PageResponse(sha256=hashlib.sha256(picture).hexdigest(), error=error.detail)

    pages = await asyncio.gather(*map(respond, pictures)) if len(pictures) > 1 else [await read(pictures[0])]
    state.metrics.count([number.accepted for page in pages for number in page.numbers])
    return ReadResponse(network=network.sha256, pages=pages)
