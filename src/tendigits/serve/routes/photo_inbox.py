"""Photos from a phone: in memory, until a page takes them or they are too old.

photos = PhotoInbox("http://192.168.1.5:8000/phone.html?token=...")
photos.put(Photo("image/jpeg", data))
if await photos.wait():
    photo = photos.take()
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MAX_PHOTOS = 4
"""Photos that may wait, each of at most a request's size; a further one is refused, so that none is lost unseen."""

KEPT_SECONDS = 600.0
"""How long a photo waits before it is forgotten."""


class InboxFull(Exception):
    """Too many photos are waiting to be taken."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo as the phone has sent it."""

    kind: str
    """Its content-type."""
    data: bytes


class PhotoInbox:
    """The photos that wait, and the one page that waits for a photo."""

    def __init__(self, url: str, now: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        """Address of the phone's page, with the phone's token."""
        self._now = now
        self._photos: deque[tuple[float, Photo]] = deque()
        self._arrival: asyncio.Future[bool] | None = None

    def put(self, photo: Photo) -> bool:
        """Keep a photo, and return whether a page is waiting for it. Raises InboxFull."""
        self._forget_old()
        if len(self._photos) >= MAX_PHOTOS:
            raise InboxFull
        self._photos.append((self._now(), photo))
        asyncio.get_running_loop().call_later(KEPT_SECONDS + 1, self._forget_old)  # also if nobody asks again
        return self._answer(True)

    def take(self) -> Photo | None:
        """The photo that has waited longest, which is then forgotten; None if there is none."""
        self._forget_old()
        return self._photos.popleft()[1] if self._photos else None

    async def wait(self) -> bool:
        """Wait until there is a photo; False if another page waits from now on, or the server ends.

        The page that a person has opened last is the one that they look at, so it gets the photo.
        """
        self.end_wait()
        self._forget_old()
        arrival: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._arrival = arrival
        if self._photos:
            arrival.set_result(True)
        return await arrival

    def end_wait(self) -> None:
        """Tell the page that waits that it waits no longer."""
        self._answer(False)

    def _answer(self, is_there: bool) -> bool:
        if self._arrival is None or self._arrival.done():  # a page that went away has cancelled it
            return False
        self._arrival.set_result(is_there)
        return True

    def _forget_old(self) -> None:
        while self._photos and self._now() - self._photos[0][0] >= KEPT_SECONDS:
            self._photos.popleft()
