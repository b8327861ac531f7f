"""POST /v1/read reads pictures, POST /v1/preview shows them as the reader sees them, POST /v1/digits reads arrays."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Annotated

import cv2
import numpy as np
from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from tendigits.batch.batch import as_page, read_located
from tendigits.data.documents import MAX_PAGES, count_pages, is_document
from tendigits.digits.find import Found, find_digit, open_page
from tendigits.errors import DataError
from tendigits.read.reader import Reader
from tendigits.read.results import Digit, Line, Page
from tendigits.serve.app_state import AppState, State
from tendigits.serve.batching import BoundedThreads
from tendigits.serve.edge.json_body import JsonRoute
from tendigits.serve.errors import error_responses
from tendigits.serve.routes.networks import RunName, reading_network
from tendigits.serve.schemas import DigitResponse, DigitsRequest, DigitsResponse, PageResponse, ReadResponse

Locator = Callable[[Sequence[bytes]], Awaitable[Sequence[Found | DataError]]]
"""Finds the digit in each of several pictures."""
Item = tuple[Reader, bytes]
"""A picture and the reader that was active when it arrived."""

router = APIRouter(prefix="/v1", tags=["read"], route_class=JsonRoute)

MAX_PICTURES = 50
"""Most pictures in one request."""

LARGE_PICTURE = 400_000
"""Bytes from which on a picture is read by the threads for large pictures."""

PREVIEW_QUALITY = 85
"""Of a JPEG, to 100."""

PICTURES = (
    "image/png", "image/jpeg", "image/webp", "image/tiff", "image/bmp", "image/gif", "image/heic", "image/avif",
    "application/pdf", "application/octet-stream",
)  # fmt: skip
BINARY = {"type": "string", "format": "binary"}
FORM = {"type": "object", "required": ["image"], "properties": {"image": {"type": "array", "items": BINARY}}}
PageNumber = Annotated[int, Query(ge=1, le=MAX_PAGES, description="Page of a PDF or a TIFF.")]
CONTENT = {kind: {"schema": BINARY} for kind in PICTURES} | {"multipart/form-data": {"schema": FORM}}


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
    pages = await asyncio.gather(*(_response(state, active.reader, image, one, crops, page) for image in images))
    if len(pages) == 1 and pages[0].error is not None:
        raise HTTPException(415, pages[0].error)
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
    try:
        preview = await threads_for(state, image).run(_preview, image, page)
    except DataError as error:
        raise HTTPException(415, str(error)[:300]) from None
    return Response(preview, media_type="image/jpeg")


@router.post("/digits", responses=error_responses(413, 503))
async def read_digits(state: State, request: DigitsRequest) -> DigitsResponse:
    """Read digits that are cropped and centred already, like MNIST's; for pictures see /v1/read."""
    active = state.active.current
    found = await state.threads.run(active.reader.classify, np.array(request.digits, np.uint8))
    count(state, found)
    return DigitsResponse(network=active.sha256, digits=[DigitResponse.of(digit, with_crop=False) for digit in found])


async def pictures_of(request: Request) -> list[bytes]:
    """The pictures of a request. Only forms are told by their content-type: a picture's bytes say what it is."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return [await request.body()]
    try:
        async with request.form(max_files=MAX_PICTURES, max_fields=10) as form:
            files = [value for name, value in form.multi_items() if name == "image" and not isinstance(value, str)]
            images = [await file.read() for file in files]
    except MultiPartException as error:
        raise HTTPException(400, f"expected a form with pictures in its field 'image': {error.message}") from None
    if not images:
        raise HTTPException(400, "expected pictures in the form's field 'image', received none")
    return images


async def picture_of(request: Request) -> bytes:
    """The only picture of a request."""
    images = await pictures_of(request)
    if len(images) != 1:
        raise HTTPException(400, f"expected one picture, received {len(images)}")
    return images[0]


async def n_pages_of(state: AppState, image: bytes) -> int:
    """How many pages its document has; most pictures are none and need no thread. Raises DataError."""
    return await threads_for(state, image).run(count_pages, image) if is_document(image) else 1


async def _response(state: AppState, reader: Reader, image: bytes, one: bool, crops: bool, number: int) -> PageResponse:
    sha256, n_pages = hashlib.sha256(image).hexdigest(), 1
    try:
        n_pages = await n_pages_of(state, image)
        page = await read_page(state, reader, image, number, one)
    except DataError as error:
        return PageResponse(sha256=sha256, n_pages=n_pages, error=str(error)[:300])
    return PageResponse.of(page, sha256, crops, n_pages)


async def read_page(state: AppState, reader: Reader, image: bytes, number: int = 1, one: bool = False) -> Page:
    """Read a picture in the queue that it belongs to.

    Args:
        number: of the page, from 1.
        one: it is a picture of one digit.

    Raises:
        DataError: it can't be read.
    """
    threads = threads_for(state, image)
    if one and threads is state.threads:
        page = await state.batcher((reader, image))
    elif one:
        page = await threads.run(_read_digit, reader, image)
    else:
        page = await threads.run(Reader.read, reader, image, number)
    count(state, page.lines)
    return page


def threads_for(state: AppState, *images: bytes) -> BoundedThreads:
    """The threads that read these pictures."""
    return state.slow_threads if max(map(len, images)) > LARGE_PICTURE else state.threads


def _preview(image: bytes, page: int) -> bytes:
    grey, _ = open_page(image, page)
    return cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, PREVIEW_QUALITY])[1].tobytes()


def _read_digit(reader: Reader, image: bytes) -> Page:
    found = find_digit(image)
    return as_page(reader.classify_found([found])[0], found.size)


async def read_batch(locate: Locator, threads: BoundedThreads, batch: Sequence[Item]) -> list[Page | DataError]:
    """Read pictures of one digit each: locate the digits, then run the network once in a thread."""
    found = await locate([image for _, image in batch])
    return await threads.run(_classify, [reader for reader, _ in batch], found)


def _classify(readers: Sequence[Reader], found: Sequence[Found | DataError]) -> list[Page | DataError]:
    """Classify a batch; it holds two readers if the active network changes meanwhile."""
    pages: list[Page | DataError] = []
    for reader, group in groupby(zip(readers, found, strict=True), key=itemgetter(0)):
        pages += read_located(reader, [one for _, one in group])
    return pages


def count(state: AppState, found: Sequence[Digit | Line]) -> None:
    """Count for the metrics what was read."""
    accepted = sum(each.accepted for each in found)
    state.metrics.numbers.labels("yes").inc(accepted)
    state.metrics.numbers.labels("no").inc(len(found) - accepted)
