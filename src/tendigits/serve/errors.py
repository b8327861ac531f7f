"""Every error as one JSON object: a sentence, the status, and the id under which the log has it."""

import json
import re
from http import HTTPStatus
from itertools import islice
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tendigits.errors import Failure, RecipeError, TendigitsError
from tendigits.serve.edge.security import error_response

EXPECTED = {
    "label": "0 to 9 or null",
    "crop": "784 bytes in base64: 28 rows of 28 pixels, white digit on black",
    "strip": "40 rows of pixels in base64, as a number was read with ?crops=true",
    "text": "of the characters 0123456789.,-/:+=()%x, or empty where there is no number",
    "network": "a SHA-256 in hexadecimal",
    "name": "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit",
}
"""What a field must be, where pydantic's message is less helpful."""

CLIENT_DISCONNECTED = 499
"""nginx's status for a request whose client disconnected before it was answered."""

MAX_SHOWN_CHARACTERS = 60
"""Of a wrong value in a sentence."""


class ErrorResponse(BaseModel):
    """The body of every error."""

    error: str
    status: int
    request_id: str


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for the OpenAPI document: `ErrorResponse` for each status."""
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": schema} for status in statuses}


def sentence_of(error: Any) -> str:
    """One of pydantic's errors as a sentence, such as "label must be 0 to 9 or null, received 12."."""
    path = [str(part) for part in error["loc"] if part not in ("body", "query", "path")]
    name = ".".join(path) or "the body"
    if error["type"] == "json_invalid":  # of the whole body pydantic says at which character
        return f"{'the body' if name.isdigit() else name} must be JSON: {error['ctx']['error']}."
    if error["type"] in ("model_type", "model_attributes_type"):
        return f"{name} must be an object."
    if error["type"] == "missing":
        return f"{name} is required."
    if error["type"] == "extra_forbidden":
        return f"{name} is not a known field."
    if path and path[-1] in EXPECTED:
        demand = f"must be {EXPECTED[path[-1]]}"
    else:
        demand = re.sub(r"^\w+ should ", "must ", error["msg"].replace("Value error, expected ", "must be ", 1))
        demand = re.sub(r" after validation, not .*", "", demand)
    return f"{name} {demand}{_received(error['input'])}."


def _received(value: Any) -> str:
    """The end of a sentence that shows a wrong value, if it is short."""
    text = "".join(islice(json.JSONEncoder(default=str).iterencode(value), MAX_SHOWN_CHARACTERS + 1))
    return f", received {text}" if len(text) <= MAX_SHOWN_CHARACTERS else ""


def add_error_handlers(app: FastAPI) -> None:
    """Answer every exception with an `ErrorResponse`."""

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return error_response(request.scope, error.status_code, error.detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return error_response(request.scope, 422, sentence_of(error.errors()[0])[:300])

    @app.exception_handler(ClientDisconnect)
    async def disconnected(request: Request, _: ClientDisconnect) -> JSONResponse:
        return error_response(request.scope, CLIENT_DISCONNECTED, "the client has disconnected")  # for the metrics

    @app.exception_handler(TendigitsError)
    async def ours(request: Request, error: TendigitsError) -> JSONResponse:
        if isinstance(error, Failure):
            reason = "the store does not answer; nothing was stored"
            return error_response(request.scope, 503, reason, {"retry-after": "5"})
        return error_response(request.scope, 422 if isinstance(error, RecipeError) else 409, str(error)[:300])
