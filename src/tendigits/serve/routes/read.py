"""POST /v1/read reads pictures, POST /v1/preview shows them as the reader sees them, POST /v1/digits reads arrays."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Annotated, Any, TypeVar

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from tendigits.errors import DataError
from tendigits.pictures.documents import MAX_PAGES
from tendigits.serve.active_model import ActiveReader
from tendigits.serve.app_state import AppState, State
from tendigits.serve.edge.json_body import JsonRoute
from tendigits.serve.edge.security import INTERNAL_ERROR
from tendigits.serve.errors import error_responses
from tendigits.serve.reading import work
from tendigits.serve.reading.digits import is_small_png
from tendigits.serve.reading.queue import NotRead, QueueFull, TooLate
from tendigits.serve.routes.networks import RunName, reading_network
from tendigits.serve.schemas import DigitResponse, DigitsRequest, DigitsResponse, PageResponse, ReadResponse

log = logging.getLogger("tendigits.serve")

Result = TypeVar("Result")

router = APIRouter(prefix="/v1", tags=["read"], route_class=JsonRoute)

MAX_PICTURES = 50
"""Most pictures in one request."""

HUNG_UP = 499
"""Status, in the metrics, of a request whose client did not wait for the answer."""

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

    async def read(image: bytes) -> PageResponse:
        if one and is_small_png(image):
            return await _read_digit(state, active, image, crops)
        reading = state.pages.run(sender_of(request), work.read_page, active.source, image, page, one, crops)
        return await while_connected(request, reading)

    pages = await read_all(read, images, state.pages.workers)
    count(state, [line.accepted for page in pages for line in page.numbers])
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
        preview = await while_connected(request, state.pages.run(sender_of(request), work.preview, image, page))
    except DataError as error:
        raise HTTPException(415, str(error)[:300]) from None
    return Response(preview, media_type="image/jpeg")


@router.post("/digits", responses=error_responses(413, 503))
async def read_digits(state: State, request: DigitsRequest) -> DigitsResponse:
    """Read digits that are cropped and centred already, like MNIST's; for pictures see /v1/read."""
    active = state.active.current
    found = await state.threads.run(active.reader.classify, np.array(request.digits, np.uint8))
    count(state, [digit.accepted for digit in found])
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


def sender_of(request: Request) -> str:
    """The client's address."""
    return request.client.host if request.client else ""


async def while_connected(request: Request, reading: Coroutine[Any, Any, Result]) -> Result:
    """What is read for a request whose body has arrived; if its client hangs up, the work ends."""
    task, gone = asyncio.ensure_future(reading), asyncio.ensure_future(_hang_up(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise HTTPException(HUNG_UP, "the client did not wait")
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def read_all(
    read: Callable[[bytes], Awaitable[PageResponse]], pictures: Sequence[bytes], at_once: int
) -> list[PageResponse]:
    """Read the pictures of a request, some at once; of several, each has its own error."""
    places = asyncio.Semaphore(at_once)

    async def respond(picture: bytes) -> PageResponse:
        async with places:
            try:
                return await read(picture)
            except (QueueFull, NotRead) as error:
                reason = f"{str(error) or 'too many pictures are waiting'}; try again"
            except HTTPException:  # the client has hung up
                raise
            except Exception:
                log.exception("a picture of several")
                reason = INTERNAL_ERROR
            return PageResponse(sha256=hashlib.sha256(picture).hexdigest(), error=reason)

    return await asyncio.gather(*map(respond, pictures)) if len(pictures) > 1 else [await read(pictures[0])]


async def _hang_up(request: Request) -> None:
    """Wait until the client has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _read_digit(state: AppState, active: ActiveReader, image: bytes, crops: bool) -> PageResponse:
    """Read a small picture of one digit."""
    sha256 = hashlib.sha256(image).hexdigest()
    try:
        async with asyncio.timeout(state.pages.timeout):
            page = await state.digits(active, image)
    except TimeoutError:
        raise TooLate(f"the picture was not read within {state.pages.timeout:g} seconds") from None
    except DataError as error:
        return PageResponse(sha256=sha256, error=str(error)[:300])
    return PageResponse.of(page, sha256, crops, 1)


def count(state: AppState, accepted: Sequence[bool]) -> None:
    """Count for the metrics what was read: whether each was accepted."""
    state.metrics.count(sum(accepted), len(accepted))
