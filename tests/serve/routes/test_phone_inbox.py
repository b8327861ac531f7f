"""Photos that wait for a page: how many, how long, and which page gets one."""

import asyncio

import pytest

from tendigits.serve.routes.phone import MAX_AGE_SECONDS, MAX_PHOTOS, InboxFull, Photo, PhotoInbox


def photo(number: int) -> Photo:
    return Photo("image/png", bytes([number]))


def test_a_few_photos_wait_in_their_order_and_one_too_many_is_refused():
    async def check():
        photos = PhotoInbox("")
        sent = [photo(number) for number in range(MAX_PHOTOS)]
        assert [photos.put(one) for one in sent] == [False] * MAX_PHOTOS  # no page waits
        with pytest.raises(InboxFull):
            photos.put(photo(9))
        assert photos.take() is sent[0]
        photos.put(photo(9))
        assert [photos.take().data[0] for _ in range(MAX_PHOTOS)] == [1, 2, 3, 9]
        assert photos.take() is None

    asyncio.run(check())


def test_a_photo_is_forgotten_when_its_time_is_over():
    async def check():
        time = 0.0
        photos = PhotoInbox("", now=lambda: time)
        photos.put(photo(1))
        time = 1.0
        photos.put(photo(2))
        time = MAX_AGE_SECONDS
        assert photos.take().data == b"\2"
        for number in range(MAX_PHOTOS):
            photos.put(photo(number))
        time *= 2
        assert photos.put(photo(9)) is False  # those before leave their places
        time *= 2
        assert photos.take() is None

    asyncio.run(check())


def test_a_photo_is_forgotten_even_if_nobody_asks(monkeypatch):
    async def check():
        later = []
        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", lambda *call: later.append(call))
        time = 0.0
        photos = PhotoInbox("", now=lambda: time)
        photos.put(photo(1))
        ((delay, forget),) = later
        time = delay
        forget()
        assert not photos._photos

    asyncio.run(check())


def test_the_page_that_waits_last_gets_the_photo():
    async def check():
        photos = PhotoInbox("")
        first, second, gone = (asyncio.create_task(photos.wait()) for _ in range(3))
        assert (await first, await second) == (False, False)
        gone.cancel()
        await asyncio.wait([gone])
        assert photos.put(photo(1)) is False  # that page was closed
        assert await photos.wait() is True  # the next one finds it at once
        photos.take()
        last = asyncio.create_task(photos.wait())
        await asyncio.sleep(0)
        assert photos.put(photo(2)) is True
        assert await last is True
        ending = asyncio.create_task(photos.wait())
        photos.take()
        await asyncio.sleep(0)
        photos.end_wait()
        assert await ending is False

    asyncio.run(check())
