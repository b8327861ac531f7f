"""Every error as one JSON object: a sentence, the status, and the id under which the log has it."""

import json
import re
from http import HTTPStatus
from itertools import islice
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from tendigits.errors import Failure, RecipeError, TendigitsError
from tendigits.serve.schemas import MAX_REASON_CHARACTERS, InvalidBody

EXPECTED = {  # what a field must be, where pydantic's message is less helpful
    "label": "0 to 9 or null",
    "corrections.label": "0 to 9 or null",
    "name": "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit",
}

INTERNAL_ERROR = "internal server error; see the server's log"
STORE_FAILURE = "the store does not answer; nothing was stored"  # without its path

CLIENT_DISCONNECTED = 499  # nginx's status for a request whose client disconnected before it was answered
MAX_SHOWN_CHARACTERS = 60  # of a wrong value in a sentence


class ErrorResponse(BaseModel):
    """The body of every error."""

    error: str
    status: int
    request_id: str


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for the OpenAPI document: `ErrorResponse` for each status."""
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": schema} for status in statuses}


def error_response(scope: Scope, error: HTTPException) -> JSONResponse:
    """The response of every error, with the id under which the log has it."""
    content = {"error": error.detail, "status": error.status_code, "request_id": scope["request_id"]}
    return JSONResponse(content, error.status_code, error.headers)


async def _respond(request: Request, error: Exception) -> JSONResponse:
    match error:
        case HTTPException():
            refusal = error
        case RequestValidationError():
            refusal = HTTPException(422, sentence_of(error.errors()[0])[:MAX_REASON_CHARACTERS])
        case InvalidBody(args=(first,)):
            refusal = HTTPException(422, sentence_of(first)[:MAX_REASON_CHARACTERS])
        case ClientDisconnect():
            refusal = HTTPException(CLIENT_DISCONNECTED, "the client has disconnected")  # for the metrics
        case Failure():
            refusal = HTTPException(503, STORE_FAILURE, {"retry-after": "5"})
        case _:
            refusal = HTTPException(422 if isinstance(error, RecipeError) else 409, str(error)[:MAX_REASON_CHARACTERS])
    return error_response(request.scope, refusal)


# FastAPI's `exception_handlers`: they answer every exception with an `ErrorResponse`.
HANDLERS: dict[int | type[Exception], Any] = dict.fromkeys(
    (HTTPException, RequestValidationError, InvalidBody, ClientDisconnect, TendigitsError), _respond
)


def sentence_of(error: Any) -> str:
    """One of pydantic's errors as a sentence, such as "label must be 0 to 9 or null, received 12."."""
    path = [str(part) for part in error["loc"] if part not in ("body", "query", "path")]
    name, field = ".".join(path) or "the body", ".".join(part for part in path if not part.isdigit())
    if error["type"] == "json_invalid":  # of the whole body pydantic says at which character
        return f"{'the body' if name.isdigit() else name} must be JSON: {error['ctx']['error']}."
    if error["type"] in ("model_type", "model_attributes_type"):
        return f"{name} must be an object."
    if error["type"] == "missing":
        return f"{name} is required."
    if error["type"] == "extra_forbidden":
        return f"{name} is not a known field."
    if field in EXPECTED:
        demand = f"must be {EXPECTED[field]}"
    else:
        demand = re.sub(r"^\w+ should ", "must ", error["msg"].replace("Value error, expected ", "must be ", 1))
        demand = re.sub(r" after validation, not .*", "", demand)
    return f"{name} {demand}{_received(error['input'])}."


def _received(value: Any) -> str:
    """The end of a sentence that shows a wrong value, if it is short."""
    text = "".join(islice(json.JSONEncoder(default=str).iterencode(value), MAX_SHOWN_CHARACTERS + 1))
    return f", received {text}" if len(text) <= MAX_SHOWN_CHARACTERS else ""
