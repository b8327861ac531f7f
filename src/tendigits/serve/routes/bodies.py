"""Bodies of requests: JSON of limited size and nesting, and pictures, which the worker processes open.

router = APIRouter(route_class=JsonRoute)
"""

import asyncio
import csv
import json
from collections.abc import Callable, Coroutine, Iterable
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Annotated, Any, TypeVar

from fastapi import Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import PlainValidator
from pydantic.fields import FieldInfo
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from tendigits.batch.worker import attempt
from tendigits.errors import DataError, UserError
from tendigits.pictures.limits import MAX_PAGES
from tendigits.read.answer_key import Key, parse_key
from tendigits.read.expectations import Expectations, parse, parse_csv
from tendigits.serve.schemas import ANY_PICTURE, BINARY, MAX_REASON_CHARACTERS, Strict
from tendigits.serve.security import MAX_BODY_BYTES
from tendigits.serve.state import state_of

Result = TypeVar("Result")

MAX_JSON_BYTES = 4 * 2**20  # 1,000 digits of 784 numbers, or 200,000 cells of a table, written without spaces
MAX_JSON_VALUES = 10_000  # in a body that this process parses, in milliseconds; 1,000 corrections have 5,002
MAX_PICTURES = 50  # in one request
MAX_EXPECT_CHARACTERS = 2**18  # in a form; a list of 10,000 values has half of that

# What `curl --data` sends by default; no route takes such forms, so the body is read as JSON.
CURL_CONTENT_TYPE = (b"content-type", b"application/x-www-form-urlencoded")

FORM = {
    "type": "object",
    "required": ["image"],
    "properties": {"image": {"type": "array", "items": BINARY}, "expect": {"type": "string"}},
}
PICTURE_BODY = {  # for the OpenAPI document: the body is a picture, or a form with pictures
    "requestBody": {"required": True, "content": ANY_PICTURE | {"multipart/form-data": {"schema": FORM}}}
}

# The pictures of a form stay in memory, which is limited already: a full folder of temporary files must not matter.
MultiPartParser.spool_max_size = MAX_BODY_BYTES

Expect = Annotated[
    str,
    Query(
        max_length=1000,
        description="What is expected, such as `A: 0..100, B: date`. A list of values that must not be in the log of a "
        "proxy goes into the field `expect` of a form instead.",
    ),
]
PageNumber = Annotated[int, Query(ge=1, le=MAX_PAGES, description="Page of a PDF or a TIFF.")]


def unparsed(model: type[Strict]) -> PlainValidator:
    """For `Annotated[bytes, Body(), unparsed(Model)]`: JSON that a worker process parses by `schemas.parse`."""
    return PlainValidator(bytes, model)


class JsonRoute(APIRoute):
    """A route whose body, if its function takes one, is JSON within limits: 413 or 422 beyond them.

    FastAPI alone would parse 32 MB of brackets into gigabytes of lists while all other clients wait. A function that is
    not async runs in a thread when it is its client's turn.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Let FastAPI read the body by `_JsonRequest`."""
        handle, field = super().get_route_handler(), self.body_field
        is_parsed = field is not None and field.field_info.annotation is not bytes
        # The answer to an empty body then says which field is missing.
        empty = b"{}" if field is not None and _has_required_field(field.field_info) else b""
        is_async = iscoroutinefunction(self.endpoint) or isasyncgenfunction(self.endpoint)

        async def handle_json(request: Request) -> Response:
            if field is not None:
                request = _JsonRequest(request.scope, request.receive, is_parsed, empty)
            if is_async:
                return await handle(request)
            if field is not None:
                await request.body()  # before its turn: it may arrive slowly
            async with state_of(request).queue.turn(address_of(request)):
                return await handle(request)

        return handle if is_async and field is None else handle_json


def _has_required_field(body: FieldInfo) -> bool:
    """Whether the model of a body, parsed or `unparsed`, has a field without a default."""
    inputs = [each.json_schema_input_type for each in body.metadata if isinstance(each, PlainValidator)]
    fields = getattr(inputs[0] if inputs else body.annotation, "model_fields", {})
    return any(each.is_required() for each in fields.values())


class _JsonRequest(Request):
    def __init__(self, scope: Any, receive: Any, is_parsed: bool, empty: bytes) -> None:
        headers = [header for header in scope["headers"] if header != CURL_CONTENT_TYPE]
        super().__init__({**scope, "headers": headers}, receive)
        self._is_parsed, self._empty = is_parsed, empty

    async def body(self) -> bytes:
        body = await super().body()
        if len(body) > MAX_JSON_BYTES:
            raise HTTPException(413, f"expected at most {MAX_JSON_BYTES >> 20} MB of JSON")
        return body or self._empty

    async def json(self) -> Any:
        """Parse by pydantic's parser, which refuses lists nested deeper than 200 and integers of over 4,300 digits."""
        body = await self.body()
        if not self._is_parsed:
            return body
        if sum(map(body.count, (b"[", b"{", b","))) > MAX_JSON_VALUES:
            raise json.JSONDecodeError(f"expected at most {MAX_JSON_VALUES:,} values", "", 0)
        try:
            return from_json(body)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None


async def pictures_of(request: Request) -> list[bytes]:
    """The pictures of a request: of a form, or the body, whatever its content-type."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        if image := await request.body():
            return [image]
        raise HTTPException(400, "expected a picture as the body, or in the field 'image' of a form, received none")
    try:
        async with request.form(max_files=MAX_PICTURES, max_fields=10) as form:
            images = [await file.read() for file in form.getlist("image") if not isinstance(file, str)]
    except MultiPartException as error:
        raise HTTPException(400, f"expected a form with pictures in its field 'image': {error.message}") from None
    if not images:
        raise HTTPException(400, "expected pictures in the form's field 'image', received none")
    return images


async def expected_of(request: Request, text: str) -> Expectations:
    """What is expected on a page, by the query or by a form, after `pictures_of`. Raises HTTPException, 400."""
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        text = str((await request.form()).get("expect", text))
    return parse_expected(text)


def parse_expected(text: str, fields: Iterable[str] | None = None) -> Expectations:
    """What is expected on a page, or in the fields of a form. Raises HTTPException, 400; files are refused."""
    try:
        if len(text) > MAX_EXPECT_CHARACTERS:
            raise UserError(f"expected at most {MAX_EXPECT_CHARACTERS:,} characters of `expect`")
        expected = parse(text, fields=fields is not None, files=False)
        if fields is not None:
            expected.check_fields(fields)
    except UserError as error:
        raise HTTPException(400, str(error)[:MAX_REASON_CHARACTERS]) from None
    return expected


def parse_answers(text: str, fields: Iterable[str]) -> Key | None:
    """The answers to the fields of a form, None for an empty text. Raises HTTPException, 400."""
    try:
        rows = [row for row in parse_csv(text) if any(row)]
        if not rows:
            return None
        key = parse_key(rows, "the answer key")
        key.check_fields(fields)
    except (UserError, csv.Error) as error:
        raise HTTPException(400, str(error)[:MAX_REASON_CHARACTERS]) from None
    return key


async def picture_of(request: Request) -> bytes:
    """The only picture of a request."""
    images = await pictures_of(request)
    if len(images) != 1:
        raise HTTPException(400, f"expected one picture, received {len(images)}")
    return images[0]


def address_of(request: Request) -> str:
    """The client's address; '' for all clients that have none, as behind a socket file."""
    return request.client.host if request.client else ""


async def in_pool(request: Request, job: Callable[..., Result], *arguments: Any, prefix: str = "") -> Result:
    """Do a picture's job as `run_in_pool`.

    Raises HTTPException, 415, if the picture cannot be opened; `prefix` says in the message which one it is.
    """
    found: Result | DataError = await run_in_pool(request, attempt, job, *arguments)
    if isinstance(found, DataError):
        raise HTTPException(415, f"{prefix}{found}"[:MAX_REASON_CHARACTERS])
    return found


async def run_in_pool(request: Request, job: Callable[..., Result], *arguments: Any) -> Result:
    """Do a job, a module's function, in a worker process, `while_connected`."""
    return await while_connected(request, state_of(request).queue.run(address_of(request), job, *arguments))


async def while_connected(request: Request, working: Coroutine[Any, Any, Result]) -> Result:
    """Wait for work, which is cancelled if the client hangs up; then it raises ClientDisconnect."""
    work, watching = asyncio.ensure_future(working), asyncio.ensure_future(_hang_up(request))
    watching.add_done_callback(lambda _: work.cancel())
    try:
        return await work
    except asyncio.CancelledError:
        if watching.done():
            watching.result()  # raises what was wrong with the rest of the body
            raise ClientDisconnect from None
        raise
    finally:
        watching.cancel()


async def _hang_up(request: Request) -> None:
    """Wait until the client has hung up; what is left of the request's body is dropped."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
