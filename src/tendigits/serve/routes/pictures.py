"""Pictures in requests, and the pool's processes that open them."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Query, Request
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect

from tendigits.errors import DataError
from tendigits.pictures.limits import MAX_PAGES
from tendigits.serve.app_state import AppState
from tendigits.serve.schemas import BINARY, PICTURE_CONTENT

Result = TypeVar("Result")

MAX_PICTURES = 50
"""Pictures in one request."""

FORM = {"type": "object", "required": ["image"], "properties": {"image": {"type": "array", "items": BINARY}}}
CONTENT = PICTURE_CONTENT | {"multipart/form-data": {"schema": FORM}}

PageNumber = Annotated[int, Query(ge=1, le=MAX_PAGES, description="Page of a PDF or a TIFF.")]


async def pictures_of(request: Request) -> list[bytes]:
    """The pictures of a request: of a form, or the body, whatever its content-type."""
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


async def in_pool(
    request: Request, state: AppState, job: Callable[..., Result], *arguments: Any, prefix: str = ""
) -> Result:
    """Do a job on a picture in one of the pool's processes; it is cancelled if the client hangs up.

    Args:
        job: a function of `reading.work`.
        prefix: of the error message, which picture it is about.

    Raises:
        HTTPException: 415, the picture cannot be opened.
        ClientDisconnect: the client has hung up.
    """
    address = request.client.host if request.client else ""
    reading = asyncio.ensure_future(state.pages.run(address, job, *arguments))
    watching = asyncio.ensure_future(_hang_up(request))
    watching.add_done_callback(lambda _: reading.cancel())
    try:
        return await reading
    except asyncio.CancelledError:
        if watching.done():
            raise ClientDisconnect from None
        raise
    except DataError as error:
        raise HTTPException(415, f"{prefix}{error}"[:300]) from None
    finally:
        watching.cancel()


async def _hang_up(request: Request) -> None:
    """Wait until the client has hung up; the request's body has arrived before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
