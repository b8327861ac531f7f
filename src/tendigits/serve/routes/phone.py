"""/v1/phone: a phone sends photos, and the page that shows the phone's QR code opens them. Only with serve --phone."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from tendigits.serve.errors import error_responses
from tendigits.serve.schemas import ANY_PICTURE, PICTURE_CONTENT, PICTURES
from tendigits.serve.state import PhotoInbox, State

router = APIRouter(prefix="/v1/phone", tags=["phone"])


@dataclass
class PhoneResponse:
    """Where a phone sends photos."""

    url: str
    code: str  # the same as a QR code: an SVG, as a data: URL


@dataclass
class PhotoResponse:
    """What becomes of a photo."""

    opens: bool  # whether a page opens it now; otherwise it waits


async def _inbox(state: State) -> PhotoInbox:
    if state.photos is None:
        raise HTTPException(404, "this server takes no photos from a phone; start it with: tendigits serve --phone")
    return state.photos


Inbox = Annotated[PhotoInbox, Depends(_inbox)]


@router.get("")
def get_phone(state: State) -> PhoneResponse | None:
    """The phone's page and its QR code; null if the server takes no photos from a phone."""
    if (url := state.config.phone_url) is None:
        return None
    return PhoneResponse(url, segno.make_qr(url).svg_data_uri(light="#fff", omitsize=True))


@router.post(
    "/photos",
    status_code=202,
    openapi_extra={"requestBody": {"required": True, "content": ANY_PICTURE}},
    responses=error_responses(400, 404, 409, 413),
)
async def send_photo(request: Request, inbox: Inbox) -> PhotoResponse:
    """Send a photo, as the phone's page does. It stays in memory until it is deleted, for ten minutes at most."""
    if not (body := await request.body()):
        raise HTTPException(400, "expected a photo, received nothing; send it again")
    kind = request.headers.get("content-type", "")
    photo = Response(body, media_type=kind if kind in PICTURES else PICTURES[-1])
    return PhotoResponse(opens=inbox.put(photo))


@router.get("/events", response_class=EventSourceResponse, responses=error_responses(404))
async def wait_for_photo(inbox: Inbox) -> AsyncIterator[ServerSentEvent]:
    """Wait for a photo: one server-sent event, `photo` with its number, or `end` if another page waits from now on."""
    number = await inbox.wait()
    yield ServerSentEvent(event="end" if number is None else "photo", data={"number": number})


@router.get(
    "/photos/{number}", response_class=Response, responses={200: {"content": PICTURE_CONTENT}, **error_responses(404)}
)
async def get_photo(inbox: Inbox, number: int) -> Response:
    """Fetch a photo that waits."""
    return inbox.get(number)


@router.delete("/photos/{number}", status_code=204, responses=error_responses(404))
async def delete_photo(inbox: Inbox, number: int) -> None:
    """Delete a photo after it was fetched; the next one is then the oldest."""
    inbox.delete(number)
