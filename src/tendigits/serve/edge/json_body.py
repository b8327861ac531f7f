"""Routes with a body in JSON: limited in size and nesting.

router = APIRouter(route_class=JsonRoute)

FastAPI alone would parse 32 MB of brackets into gigabytes of lists.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.exceptions import HTTPException

MAX_JSON_BYTES = 4 * 2**20
"""1,000 digits of 784 numbers, or 200,000 cells of a table, written without spaces."""

MAX_CONTAINERS = 250_000
"""Lists and objects in a body; a table of 200,000 cells has 201,000."""

CURL_CONTENT_TYPE = (b"content-type", b"application/x-www-form-urlencoded")
"""What `curl --data` sends by default; no route takes such forms, so the body is read as JSON."""


_one_at_a_time = CapacityLimiter(1)
"""Parsing holds Python's lock; the event loop gets its turn after each body."""


class JsonRoute(APIRoute):
    """A route whose body, if its function takes one, is JSON within limits: 413 or 422 beyond them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Let FastAPI read the body by `_JsonRequest`."""
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return handle if self.body_field is None else handle_json


class _JsonRequest(Request):
    def __init__(self, scope: Any, receive: Any) -> None:
        headers = [header for header in scope["headers"] if header != CURL_CONTENT_TYPE]
        super().__init__({**scope, "headers": headers}, receive)

    async def body(self) -> bytes:
        body = await super().body()
        if len(body) > MAX_JSON_BYTES:
            raise HTTPException(413, f"expected at most {MAX_JSON_BYTES >> 20} MB of JSON")
        return body

    async def json(self) -> Any:
        """Parse by pydantic's parser, which refuses lists nested deeper than 200 and integers of over 4,300 digits."""
        body = await self.body()
        if body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
            raise json.JSONDecodeError(f"expected at most {MAX_CONTAINERS:,} lists and objects", "", 0)
        try:
            return await run_sync(from_json, body, limiter=_one_at_a_time)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None
