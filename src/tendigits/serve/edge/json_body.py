"""Bodies in JSON: at most 4 MB, parsed and validated in a thread, up to the first error.

router = APIRouter(route_class=JsonRoute)

@router.post("/digits")
async def read_digits(request: DigitsRequest): ...

FastAPI would parse and validate on the event loop, where no other request is answered meanwhile, and name every error.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

import anyio.to_thread
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, from_json
from starlette.exceptions import HTTPException

from tendigits.errors import RecipeError
from tendigits.serve.errors import sentence_of

MAX_JSON = 4 * 2**20
"""Bytes of a body that is not a picture: 1,000 digits of 784 numbers, or 200,000 cells of a table, written closely."""

MAX_CONTAINERS = 250_000
"""Brackets that may open in a body; tables of 200,000 cells have 201,000. An empty list takes 2 bytes of a body, and 70
of memory: 4 MB of them took a second, and 200 MB."""

Model = TypeVar("Model", bound=BaseModel)

_one_at_a_time = anyio.CapacityLimiter(1)
"""So that those who wait hold nothing but their bodies; a thread more would not help, for Python runs one at a time."""


class JsonRoute(APIRoute):
    """A route whose body, if it is a model, is validated before FastAPI does it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As FastAPI documents it for custom requests."""
        handle = super().get_route_handler()
        model = None if self.body_field is None else self.body_field.field_info.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return handle

        async def handle_validated(request: Request) -> Response:
            return await handle(_JsonRequest(request, model))

        return handle_validated


class _JsonRequest(Request):
    """Its JSON is an instance of the model, which FastAPI then takes as it is."""

    def __init__(self, request: Request, model: type[BaseModel]) -> None:
        super().__init__(request.scope, request.receive)
        self._model = model

    async def stream(self) -> AsyncGenerator[bytes, None]:
        announced, n = int(self.headers.get("content-length") or 0), 0
        async for chunk in super().stream():
            n += len(chunk)
            if max(announced, n) > MAX_JSON:
                raise HTTPException(413, f"expected at most {MAX_JSON >> 20} MB of JSON")
            yield chunk

    async def json(self) -> BaseModel:
        body = await self.body()
        valid = await anyio.to_thread.run_sync(_validate, self._model, body, limiter=_one_at_a_time)
        if isinstance(valid, str):
            raise HTTPException(422, valid)
        return valid


def validate_json(model: type[Model], body: bytes) -> Model:
    """An instance of the model.

    Lists nested deeper than 200 and numbers of more than 4,300 digits are no JSON to the parser.

    Raises:
        ValidationError: the body is not JSON, holds too much, or does not fit the model.
    """
    if body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
        raise _no_json(model, f"expected at most {MAX_CONTAINERS:,} lists and objects")
    try:
        content = from_json(body)
    except ValueError as error:
        raise _no_json(model, str(error)) from None
    return model.model_validate(content)


def _validate(model: type[Model], body: bytes) -> Model | str:
    """An instance, or what is wrong: an exception would keep all that was parsed until its response is sent."""
    try:
        return validate_json(model, body)
    except ValidationError as error:
        return sentence_of(error.errors()[0])[:300]
    except RecipeError as error:  # of settings, which explain themselves
        return str(error)[:300]


def _no_json(model: type[BaseModel], reason: str) -> ValidationError:
    detail = InitErrorDetails(type="json_invalid", loc=(), input=None, ctx={"error": reason})
    return ValidationError.from_exception_data(model.__name__, [detail])
