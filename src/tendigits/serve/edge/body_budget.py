"""What all requests hold of their bodies at one time.

app = BodyBudget(app, Shares(total=MAX_HELD, each=MAX_HELD_EACH))

A body is within its limit, but 64 connections may send one each, and hold what they have sent until the deadline.
"""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tendigits.serve.edge.shares import Shares

MAX_HELD = 2**29
"""Bytes of all bodies that have begun to arrive, until their requests are answered: sixteen of the largest pictures."""

MAX_HELD_EACH = 2**28
"""Of one address; eight of the largest pictures, or 64 photos of 4 MB."""


class BodyBudget:
    """An ASGI application that answers 503 to a request whose body finds no room."""

    def __init__(self, app: ASGIApp, shares: Shares) -> None:
        self.app, self.shares = app, shares

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        address, held = (scope.get("client") or ("", 0))[0], 0

        async def receive_within() -> Message:
            nonlocal held
            message = await receive()
            n = len(message.get("body", b""))
            if n and not self.shares.take(address, n):
                raise HTTPException(
                    503, "too many pictures are arriving; try again in a second", headers={"retry-after": "1"}
                )
            held += n
            return message

        try:
            await self.app(scope, receive_within, send)
        finally:
            if held:
                self.shares.give_back(address, held)
