"""/v1/phone: a phone sends photos, the page that shows the phone's QR code takes them. Only with serve --phone."""

from collections.abc import AsyncIterator
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from tendigits.serve.app_state import State
from tendigits.serve.errors import error_responses
from tendigits.serve.routes.photo_inbox import InboxFull, Photo, PhotoInbox
from tendigits.serve.routes.read import BINARY, PICTURES

router = APIRouter(prefix="/v1/phone", tags=["phone"])

CONTENT = {kind: {"schema": BINARY} for kind in PICTURES}


class PhoneResponse(BaseModel):
    """Where a phone sends photos."""

    url: str
    """Address of the phone's page, with the phone's token."""
    code: str
    """The same as a QR code: an SVG, as a data: URL."""


class PhotoResponse(BaseModel):
    """What becomes of a photo."""

    opens: bool
    """Whether a page opens it now; otherwise it waits."""


def _photos(state: State) -> PhotoInbox:
    if state.photos is None:
        raise HTTPException(404, "this server takes no photos from a phone; start it with: tendigits serve --phone")
    return state.photos


Photos = Annotated[PhotoInbox, Depends(_photos)]


@router.get("")
def get_phone(state: State) -> PhoneResponse | None:
    """The phone's page and its QR code; null if the server takes no photos from a phone."""
    if state.photos is None:
        return None
    url = state.photos.url
    return PhoneResponse(url=url, code=segno.make_qr(url).svg_data_uri(light="#fff", omitsize=True))


@router.post(
    "/photos",
    status_code=202,
    openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
    responses=error_responses(404, 409, 413),
)
async def send_photo(request: Request, photos: Photos) -> PhotoResponse:
    """Send a photo, as the phone's page does. It stays in memory until a page takes it, for ten minutes at most."""
    kind = request.headers.get("content-type", "")
    photo = Photo(kind if kind in PICTURES else PICTURES[-1], await request.body())
    try:
        return PhotoResponse(opens=photos.put(photo))
    except InboxFull:
        raise HTTPException(409, "too many photos are waiting; take them first, or wait for ten minutes") from None


@router.get("/events", response_class=EventSourceResponse, responses=error_responses(404))
async def wait_for_photo(photos: Photos) -> AsyncIterator[ServerSentEvent]:
    """Wait for a photo: one server-sent event, `photo`, or `end` if another page waits from now on."""
    yield ServerSentEvent(event="photo" if await photos.wait() else "end", data={})


@router.delete("/photos/next", response_class=Response, responses={200: {"content": CONTENT}, **error_responses(404)})
async def take_photo(photos: Photos) -> Response:
    """Take the photo that has waited longest; the server then forgets it."""
    if (photo := photos.take()) is None:
        raise HTTPException(404, "no photo is waiting; send one, or send it again")
    return Response(photo.data, media_type=photo.kind)
