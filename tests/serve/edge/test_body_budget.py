"""Bodies that are held at one time: refused where there is no room, and given back when a request has ended."""

import asyncio

import pytest
from starlette.exceptions import HTTPException

from tendigits.serve.edge.body_budget import BodyBudget
from tendigits.serve.edge.shares import Shares


async def ask(app, n, client="192.0.2.1", pieces=4):
    """Send so many bytes in pieces."""
    messages = [
        {"type": "http.request", "body": bytes(n // pieces), "more_body": i < pieces - 1} for i in range(pieces)
    ]

    async def receive():
        return messages.pop(0)

    await app({"type": "http", "client": (client, 1)}, receive, None)


def test_a_body_without_room_is_refused_and_room_comes_back():
    async def run():
        inside, leave = 0, asyncio.Event()

        async def read(scope, receive, send):
            nonlocal inside
            while (await receive())["more_body"]:
                pass
            inside += 1
            await leave.wait()

        shares = Shares(total=100, each=60)
        app = BodyBudget(read, shares)
        first = asyncio.create_task(ask(app, 40))
        await asyncio.sleep(0)
        for client, n in (("192.0.2.1", 24), ("192.0.2.2", 64)):  # over its share; over the total
            with pytest.raises(HTTPException) as refused:
                await ask(app, n, client)
            assert (refused.value.status_code, refused.value.headers) == (503, {"retry-after": "1"})
        assert (inside, shares.taken) == (1, 40)
        other = asyncio.create_task(ask(app, 60, "192.0.2.2"))
        await asyncio.sleep(0)
        assert (inside, shares.taken) == (2, 100)
        leave.set()
        await asyncio.gather(first, other)
        assert shares.taken == 0
        await ask(app, 60)

    asyncio.run(run())


def test_room_comes_back_after_an_error():
    async def fail(scope, receive, send):
        await receive()
        raise RuntimeError("of theirs")

    shares = Shares(total=100, each=60)
    for _ in range(5):
        with pytest.raises(RuntimeError, match="of theirs"):
            asyncio.run(ask(BodyBudget(fail, shares), 60, pieces=1))
    assert shares.taken == 0
