"""/v1/phone: a phone sends photos, and the page that shows the phone's QR code opens them. Only with serve --phone.

photos = PhotoInbox("http://192.168.1.5:8000/phone.html?token=...")
photos.put(Response(data, media_type="image/jpeg"))
if await photos.wait():
    photo = photos.take()
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from tendigits.serve.errors import error_responses
from tendigits.serve.schemas import PICTURE_CONTENT, PICTURES

router = APIRouter(prefix="/v1/phone", tags=["phone"])

MAX_PHOTOS = 4
"""Photos that may wait, each as large as a request may be."""

MAX_AGE_SECONDS = 600.0
"""After this time a photo that was not taken is deleted."""


class PhotoInbox:
    """The photos that wait in memory, and the page that waits for a photo."""

    def __init__(self, url: str) -> None:
        self.url = url
        """Address of the phone's page, with the phone's token."""
        self._photos: deque[Response] = deque()
        self._arrival: asyncio.Future[bool] | None = None

    def put(self, photo: Response) -> bool:
        """Keep a photo. Returns whether a page is waiting for it. Raises HTTPException, 409, if too many wait."""
        if len(self._photos) >= MAX_PHOTOS:
            raise HTTPException(409, "too many photos are waiting; take them first, or wait for ten minutes")
        self._photos.append(photo)
        asyncio.get_running_loop().call_later(MAX_AGE_SECONDS, self._delete, photo)
        return self.end_wait(True)

    def take(self) -> Response | None:
        """Remove and return the oldest photo; None if there is not any."""
        return self._photos.popleft() if self._photos else None

    async def wait(self) -> bool:
        """Wait until there is a photo; False if another page waits from now on, or the server ends.

        The page that was opened last is the one that a person looks at, so it gets the photo.
        """
        self.end_wait(False)
        arrival: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._arrival = arrival
        if self._photos:
            arrival.set_result(True)
        return await arrival

    def end_wait(self, has_photo: bool) -> bool:
        """Let the waiting page go on. Returns whether there was one."""
        if self._arrival is None or self._arrival.done():  # a page that was closed has cancelled it
            return False
        self._arrival.set_result(has_photo)
        return True

    def _delete(self, photo: Response) -> None:
        if photo in self._photos:
            self._photos.remove(photo)


@dataclass
class PhoneResponse:
    """Where a phone sends photos."""

    url: str
    code: str
    """The same as a QR code: an SVG, as a data: URL."""


@dataclass
class PhotoResponse:
    """What becomes of a photo."""

    opens: bool
    """Whether a page opens it now; otherwise it waits."""


# Not app_state's State: that module imports this one.
async def _inbox(request: Request) -> PhotoInbox | None:
    inbox: PhotoInbox | None = request.app.state.tendigits.photos
    return inbox


async def _existing_inbox(inbox: Annotated[PhotoInbox | None, Depends(_inbox)]) -> PhotoInbox:
    if inbox is None:
        raise HTTPException(404, "this server takes no photos from a phone; start it with: tendigits serve --phone")
    return inbox


Inbox = Annotated[PhotoInbox, Depends(_existing_inbox)]


@router.get("")
def get_phone(inbox: Annotated[PhotoInbox | None, Depends(_inbox)]) -> PhoneResponse | None:
    """The phone's page and its QR code; null if the server takes no photos from a phone."""
    if inbox is None:
        return None
    return PhoneResponse(inbox.url, segno.make_qr(inbox.url).svg_data_uri(light="#fff", omitsize=True))


@router.post(
    "/photos",
    status_code=202,
    openapi_extra={"requestBody": {"required": True, "content": PICTURE_CONTENT}},
    responses=error_responses(404, 409, 413),
)
async def send_photo(request: Request, inbox: Inbox) -> PhotoResponse:
    """Send a photo, as the phone's page does. It stays in memory until a page takes it, for ten minutes at most."""
    kind = request.headers.get("content-type", "")
    photo = Response(await request.body(), media_type=kind if kind in PICTURES else PICTURES[-1])
    return PhotoResponse(opens=inbox.put(photo))


@router.get("/events", response_class=EventSourceResponse, responses=error_responses(404))
async def wait_for_photo(inbox: Inbox) -> AsyncIterator[ServerSentEvent]:
    """Wait for a photo: one server-sent event, `photo`, or `end` if another page waits from now on."""
    yield ServerSentEvent(event="photo" if await inbox.wait() else "end", data={})


@router.delete(
    "/photos/next", response_class=Response, responses={200: {"content": PICTURE_CONTENT}, **error_responses(404)}
)
async def take_photo(inbox: Inbox) -> Response:
    """Take the photo that has waited longest; the server then deletes it."""
    if (photo := inbox.take()) is None:
        raise HTTPException(404, "no photo is waiting; send one, or send it again")
    return photo
