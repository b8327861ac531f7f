"""POST /v1/read reads pictures, POST /v1/digits reads arrays of pixels."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from tendigits.batch.batch import as_page
from tendigits.errors import DataError
from tendigits.read.find import Found, find_digit
from tendigits.read.reader import Reader
from tendigits.read.results import Digit, Page
from tendigits.serve.active_model import classify_found
from tendigits.serve.app_state import AppState, State
from tendigits.serve.batching import BoundedThreads
from tendigits.serve.errors import error_responses
from tendigits.serve.schemas import DigitResponse, DigitsRequest, DigitsResponse, PageResponse, ReadResponse

Locator = Callable[[Sequence[bytes]], Awaitable[Sequence[Found | DataError]]]
"""Finds the digit in each of several pictures."""
Item = tuple[Reader, bytes]
"""A picture and the reader that was active when it arrived."""

router = APIRouter(prefix="/v1", tags=["read"])

MAX_PICTURES = 50
"""Most pictures in one request."""

LARGE_PICTURE = 400_000
"""Bytes from which on a picture is read by the threads for large pictures."""

PICTURES = ("image/png", "image/jpeg", "image/webp", "image/tiff", "image/bmp", "image/gif", "application/octet-stream")
BINARY = {"schema": {"type": "string", "format": "binary"}}
FORM = {
    "schema": {
        "type": "object",
        "required": ["image"],
        "properties": {"image": {"type": "array", "items": {"type": "string", "format": "binary"}}},
    }
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {**dict.fromkeys(PICTURES, BINARY), "multipart/form-data": FORM},
    }
}


@router.post("/read", openapi_extra=BODY, responses=error_responses(400, 413, 415, 503))
async def read_pictures(
    request: Request,
    state: State,
    one: Annotated[bool, Query(description="Each picture shows one digit.")] = False,
    crops: Annotated[bool, Query(description="Include the 28x28 pixels that the network saw.")] = False,
) -> ReadResponse:
    """Read pictures: the body is one picture, or a form with one or more in its field `image`.

    A single picture that cannot be decoded is refused with 415. In a form, its page holds the error instead.
    """
    images = await _images(request)
    reader, sha256 = state.active.reader, state.active.sha256
    read_one = _read_digit if one else _read_page
    pages = await asyncio.gather(*(read_one(state, reader, image, crops) for image in images))
    if len(pages) == 1 and pages[0].error is not None:
        raise HTTPException(415, pages[0].error)
    return ReadResponse(network=sha256, pages=pages)


@router.post("/digits", responses=error_responses(413, 503))
async def read_digits(state: State, request: DigitsRequest) -> DigitsResponse:
    """Read digits that are cropped and centred already, like MNIST's; for pictures see /v1/read."""
    reader, sha256 = state.active.reader, state.active.sha256
    found = await state.threads.run(reader.classify, request.crops())
    _count(state, found)
    return DigitsResponse(network=sha256, digits=[DigitResponse.of(digit, with_crop=False) for digit in found])


async def _images(request: Request) -> list[bytes]:
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


async def _read_digit(state: AppState, reader: Reader, image: bytes, crops: bool) -> PageResponse:
    sha256 = hashlib.sha256(image).hexdigest()
    try:
        if len(image) > LARGE_PICTURE:
            digit, found = await state.slow_threads.run(_read_large, reader, image)
        else:
            digit, found = await state.batcher((reader, image))
    except DataError as error:
        return PageResponse(sha256=sha256, error=str(error)[:300])
    _count(state, [digit])
    return PageResponse.of(as_page(digit, found.size), sha256, crops)


async def _read_page(state: AppState, reader: Reader, image: bytes, crops: bool) -> PageResponse:
    sha256 = hashlib.sha256(image).hexdigest()
    threads = state.threads if len(image) <= LARGE_PICTURE else state.slow_threads
    try:
        page: Page = await threads.run(reader.read, image)
    except DataError as error:
        return PageResponse(sha256=sha256, error=str(error)[:300])
    _count(state, [digit for line in page.lines for digit in line.digits])
    return PageResponse.of(page, sha256, crops)


def _read_large(reader: Reader, image: bytes) -> tuple[Digit, Found]:
    found = find_digit(image)
    return reader.classify_found([found])[0], found


def batch_reader(
    locate: Locator, threads: BoundedThreads
) -> Callable[[Sequence[Item]], Awaitable[list[tuple[Digit, Found] | Exception]]]:
    """A function that reads a batch: it locates the digits, then runs the network once in a thread."""

    async def read_batch(batch: Sequence[Item]) -> list[tuple[Digit, Found] | Exception]:
        found = await locate([image for _, image in batch])
        return await threads.run(_classify, [reader for reader, _ in batch], found)

    return read_batch


def _classify(readers: Sequence[Reader], found: Sequence[Found | DataError]) -> list[tuple[Digit, Found] | Exception]:
    """Classify a batch; it holds two readers if the active network changes meanwhile."""
    results: list[tuple[Digit, Found] | Exception] = []
    first = 0
    for i in range(1, len(found) + 1):
        if i == len(found) or readers[i] is not readers[first]:
            results += classify_found(readers[first], found[first:i])
            first = i
    return results


def _count(state: AppState, found: Sequence[Digit]) -> None:
    accepted = sum(digit.accepted for digit in found)
    state.metrics.digits.labels("yes").inc(accepted)
    state.metrics.digits.labels("no").inc(len(found) - accepted)
