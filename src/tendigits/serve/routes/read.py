"""/v1/read, /v1/forms and /v1/digits read pictures and arrays; /v1/preview and /v1/layers show what the reader sees."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
from anyio.to_thread import run_sync
from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, FailFast, Field, Json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tendigits.digits.layers import open_layers
from tendigits.digits.network import bundled_file
from tendigits.errors import DataError, UserError
from tendigits.pictures.limits import MAX_PAGES
from tendigits.read.forms import MAX_FIELDS
from tendigits.serve.active_model import ActiveReader
from tendigits.serve.app_state import AppState, State
from tendigits.serve.edge.json_body import JsonRoute
from tendigits.serve.edge.security import INTERNAL_ERROR
from tendigits.serve.errors import error_responses
from tendigits.serve.reading import work
from tendigits.serve.reading.digits import is_small_png
from tendigits.serve.routes.pictures import CONTENT, MAX_PICTURES, PageNumber, in_pool, picture_of, pictures_of
from tendigits.serve.routes.runs import find_run
from tendigits.serve.run_networks import ReadingNetwork
from tendigits.serve.schemas import (
    BINARY,
    MAX_DIGITS,
    Crop,
    DigitResponse,
    LayerResponse,
    PageResponse,
    ReadResponse,
    Rows,
    Strict,
    as_pixels,
)

log = logging.getLogger("tendigits.serve")

router = APIRouter(prefix="/v1", tags=["read"], route_class=JsonRoute)

RunName = Annotated[
    str | None,
    Query(min_length=1, max_length=200, alias="run", description="Read with this run's network, not the active one."),
]
FieldName = Annotated[str, Field(min_length=1, max_length=100)]
Edge = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Edges = Annotated[list[Edge], Field(min_length=4, max_length=4), FailFast()]
Fields = Annotated[dict[FieldName, Edges], Field(min_length=1, max_length=MAX_FIELDS), FailFast()]


class DigitsRequest(Strict):
    """Digits like MNIST's: 28x28 pixels from 0 to 255, white digit on black."""

    digits: Annotated[list[Rows], Field(min_length=1, max_length=MAX_DIGITS), FailFast()]


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


@router.post(
    "/read",
    openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
    responses=error_responses(400, 404, 409, 413, 415, 503),
)
async def read_pictures(
    request: Request,
    state: State,
    one: Annotated[bool, Query(description="Each picture shows one digit.")] = False,
    crops: Annotated[bool, Query(description="Include the 28x28 pixels that the network saw.")] = False,
    page: PageNumber = 1,
    run: RunName = None,
) -> ReadResponse:
    """Read pictures: the body is one picture, or a form with one or more in its field `image`.

    A single picture that cannot be decoded is refused with 415. In a form, its page holds the error instead.
    """
    images = await pictures_of(request)
    active = await reading_network(state, run)

    async def read(image: bytes) -> PageResponse:
        if one and is_small_png(image):
            return await _read_digit(state, active, image, crops)
        return await in_pool(request, state, work.read_page, active.source, image, page, one, crops)

    pages = await _read_all(read, images, state.pages.workers)
    state.metrics.count([number.accepted for page in pages for number in page.numbers])
    if len(pages) == 1 and pages[0].error is not None:
        raise HTTPException(415, pages[0].error)
    return ReadResponse(network=active.sha256, pages=pages)


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
    picture_page: Annotated[int, Form(ge=1, le=MAX_PAGES, description="Page of `picture`, if it is a document.")] = 1,
    crops: Annotated[bool, Query(description="Include each number as the network saw it.")] = False,
    page: PageNumber = 1,
) -> ReadResponse:
    """Read the fields of filled forms, also in photos: each picture is aligned with the form's own picture.

    The page of a picture that can't be read, or shows another form, holds the error instead.
    """
    active = state.active.current
    marked = await picture.read()
    try:
        form = await in_pool(
            request, state, work.open_form, marked, fields, turned, picture_page, prefix="the form's own picture: "
        )
    except UserError as error:
        raise HTTPException(422, str(error)[:300]) from None

    async def read(filled: bytes) -> PageResponse:
        return await in_pool(request, state, work.read_form, active.source, form, filled, page, crops)

    pages = await _read_all(read, [await each.read() for each in image], state.pages.workers)
    state.metrics.count([number.accepted for page in pages for number in page.numbers])
    return ReadResponse(network=active.sha256, pages=pages)


@router.post(
    "/preview",
    response_class=Response,
    openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
    responses={200: {"content": {"image/jpeg": {"schema": BINARY}}}, **error_responses(400, 413, 415, 503)},
)
async def show_picture(request: Request, state: State, page: PageNumber = 1) -> Response:
    """Show a picture as the reader sees it, as a JPEG: grey, upright by its EXIF, of at most 2048 pixels a side."""
    image = await picture_of(request)
    return Response(await in_pool(request, state, work.preview, image, page), media_type="image/jpeg")


@router.post("/digits", response_model=DigitsResponse, responses=error_responses(413, 503))
async def read_digits(state: State, request: DigitsRequest) -> dict[str, Any]:
    """Read digits that are cropped and centred already, like MNIST's; for pictures see /v1/read."""
    active = state.active.current
    found = await run_sync(active.reader.classify, list(np.array(request.digits, np.uint8)), limiter=state.threads)
    state.metrics.count([digit.accepted for digit in found])
    return {"network": active.sha256, "digits": [digit.as_dict() for digit in found]}


@router.post("/layers", responses=error_responses(404, 409))
async def show_layers(state: State, request: LayersRequest, run: RunName = None) -> LayersResponse:
    """The outputs of each hidden layer of a network for a digit, as pictures."""
    active = await reading_network(state, run)
    if not isinstance(active, ReadingNetwork):
        active = await state.networks.opened(active.sha256, partial(_open_active, state, active))
    if active.layers is None:
        raise UserError("expected the reader's network, or a run's, received the server's --model; start without it")
    found = await run_sync(active.layers, as_pixels(request.crop, 28), limiter=state.threads)
    return LayersResponse(layers=[LayerResponse.of(layer) for layer in found])


async def reading_network(state: AppState, run: str | None) -> ActiveReader:
    """The active network, or that of a run by its name.

    Raises:
        HTTPException: 404, there is no such run.
        TendigitsError: the run has no network that reads.
    """
    if run is None:
        return state.active.current
    return await state.networks.of_run(await run_in_threadpool(find_run, state, run))


def _open_active(state: AppState, active: ActiveReader) -> ReadingNetwork:
    """The active network with its layers: the package's, or a fine-tuned one."""
    if state.is_fixed:
        return ReadingNetwork(active.reader, active.source)
    data = bundled_file() if active.number is None else state.store.network_data(active.number)
    return ReadingNetwork(active.reader, active.source, layers=open_layers(data, "the reader"))


async def _read_all(
    read: Callable[[bytes], Awaitable[PageResponse]], pictures: Sequence[bytes], at_once: int
) -> list[PageResponse]:
    """Read the pictures of a request, some at once. The error of one of several is in its page."""
    turns = asyncio.Semaphore(at_once)

    async def respond(picture: bytes) -> PageResponse:
        async with turns:
            try:
                return await read(picture)
            except HTTPException as error:  # 503
                reason = error.detail
            except ClientDisconnect:
                raise
            except Exception:
                log.exception("a picture of several")
                reason = INTERNAL_ERROR
            return PageResponse(sha256=hashlib.sha256(picture).hexdigest(), error=reason)

    return await asyncio.gather(*map(respond, pictures)) if len(pictures) > 1 else [await read(pictures[0])]


async def _read_digit(state: AppState, active: ActiveReader, image: bytes, crops: bool) -> PageResponse:
    """Read a small picture of one digit."""
    sha256 = hashlib.sha256(image).hexdigest()
    try:
        return PageResponse.of(await state.digits(active, image), sha256, crops, 1)
    except DataError as error:
        return PageResponse(sha256=sha256, error=str(error)[:300])
