"""POST /v1/read and /v1/digits: pictures, or pixels, in; digits out."""

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
from tendigits.serve.active_model import judge_found
from tendigits.serve.batching import Crew
from tendigits.serve.schemas import DigitAnswer, DigitsAnswer, DigitsQuestion, PageAnswer, ReadAnswer, failures
from tendigits.serve.state import State, state_of

Asked = tuple[Reader, bytes]
Find = Callable[[Sequence[bytes]], Awaitable[Sequence[Found | DataError]]]

router = APIRouter(prefix="/v1", tags=["read"])

MAX_PICTURES = 50
"""Of one request."""

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


@router.post(
    "/read",
    openapi_extra=BODY,
    responses=failures(400, 413, 415, 503),
)
async def read(
    request: Request,
    one: Annotated[bool, Query(description="Each picture is of one digit.")] = False,
    crops: Annotated[bool, Query(description="Say also what the network saw, 28x28 pixels.")] = False,
) -> ReadAnswer:
    """Read pictures: the body is one, or a form has one or more in its field `image`.

    A single picture that is none is refused with 415; of several the others are read, and its place says why.
    """
    state = state_of(request)
    images = await _images(request)
    reader, sha256 = state.reading.reader, state.reading.sha256
    read_one = _read_digit if one else _read_page
    pages = await asyncio.gather(*(read_one(state, reader, image, crops) for image in images))
    if len(pages) == 1 and pages[0].error is not None:
        raise HTTPException(415, pages[0].error)
    return ReadAnswer(network=sha256, pages=pages)


@router.post("/digits", responses=failures(413, 503))
async def digits(request: Request, question: DigitsQuestion) -> DigitsAnswer:
    """Read digits that are cut out and centred already, as MNIST's are; see /v1/read for pictures."""
    state = state_of(request)
    reader, sha256 = state.reading.reader, state.reading.sha256
    found = await state.crew.run(reader.classify, question.crops())
    _count(state, found)
    return DigitsAnswer(network=sha256, digits=[DigitAnswer.of(digit, with_crop=False) for digit in found])


async def _images(request: Request) -> list[bytes]:
    """The pictures of a request, in their order."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        try:
            async with request.form(max_files=MAX_PICTURES, max_fields=10) as form:
                files = [value for name, value in form.multi_items() if name == "image" and not isinstance(value, str)]
                images = [await file.read() for file in files]
        except MultiPartException as error:
            raise HTTPException(400, f"expected a form with pictures in its field 'image': {error.message}") from None
    elif kind in PICTURES:
        images = [await request.body()]
    else:
        raise HTTPException(415, f"expected one of {', '.join(PICTURES)} or multipart/form-data, received {kind!r:.60}")
    if not images:
        raise HTTPException(400, "expected pictures in the form's field 'image', received none")
    return images


async def _read_digit(state: State, reader: Reader, image: bytes, crops: bool) -> PageAnswer:
    sha256 = hashlib.sha256(image).hexdigest()
    try:
        if len(image) > state.large:
            digit, found = await state.slow.run(_read_large, reader, image)
        else:
            digit, found = await state.batcher((reader, image))
    except DataError as error:
        return PageAnswer(sha256=sha256, error=str(error)[:300])
    _count(state, [digit])
    return PageAnswer.of(as_page(digit, found.size), sha256, crops)


async def _read_page(state: State, reader: Reader, image: bytes, crops: bool) -> PageAnswer:
    sha256 = hashlib.sha256(image).hexdigest()
    crew = state.crew if len(image) <= state.large else state.slow
    try:
        page: Page = await crew.run(reader.read, image)
    except DataError as error:
        return PageAnswer(sha256=sha256, error=str(error)[:300])
    _count(state, [digit for line in page.lines for digit in line.digits])
    return PageAnswer.of(page, sha256, crops)


def _read_large(reader: Reader, image: bytes) -> tuple[Digit, Found]:
    found = find_digit(image)
    return reader.classify_found([found])[0], found


def together(find: Find, crew: Crew) -> Callable[[Sequence[Asked]], Awaitable[list[tuple[Digit, Found] | Exception]]]:
    """How what is asked at the same time is read: `find` what is in the pictures, then ask the network in a thread."""

    async def read_together(asked: Sequence[Asked]) -> list[tuple[Digit, Found] | Exception]:
        found = await find([image for _, image in asked])
        return await crew.run(judge, [reader for reader, _ in asked], found)

    return read_together


def judge(readers: Sequence[Reader], found: Sequence[Found | DataError]) -> list[tuple[Digit, Found] | Exception]:
    """What was found, judged together; it may be by two readers while one takes the other's place."""
    answers: list[tuple[Digit, Found] | Exception] = []
    first = 0
    for i in range(1, len(found) + 1):
        if i == len(found) or readers[i] is not readers[first]:
            answers += judge_found(readers[first], found[first:i])
            first = i
    return answers


def _count(state: State, found: Sequence[Digit]) -> None:
    accepted = sum(digit.accepted for digit in found)
    state.metrics.digits.labels("yes").inc(accepted)
    state.metrics.digits.labels("no").inc(len(found) - accepted)
