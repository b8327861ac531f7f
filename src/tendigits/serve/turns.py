"""Turns that are fair across the clients' addresses.

turns = FairTurns(2)
async with turns.turn(address, timeout=10): ...     # at most two at once; raises NotRead
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.exceptions import HTTPException

QUEUE_FULL = "too many requests are waiting"


class NotRead(HTTPException):
    """The server could not do this now; the client should retry."""

    def __init__(self, reason: str, seconds: int = 5) -> None:
        when = "a second" if seconds == 1 else "a few seconds"
        super().__init__(503, f"{reason}; try again in {when}", {"retry-after": str(seconds)})


class FairTurns:
    """Lets some clients go on at a time: one of each address in turn; of one address, first come, first served."""

    def __init__(self, n: int) -> None:
        self._n_free = n
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}  # the address that is next comes first

    @asynccontextmanager
    async def turn(self, address: str, timeout: float) -> AsyncIterator[None]:
        """Wait for a turn, which lasts until the block ends. Raises NotRead after `timeout` seconds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, []).append(future)
        self._start_next()
        try:
            try:
                async with asyncio.timeout(timeout):
                    await future
            except TimeoutError:
                raise NotRead(QUEUE_FULL) from None
            yield
        finally:
            if not future.cancelled():
                self._n_free += 1
                self._start_next()

    def _start_next(self) -> None:
        while self._waiting and self._n_free:
            address = next(iter(self._waiting))
            # Those that are done were cancelled.
            waiting = [future for future in self._waiting.pop(address) if not future.done()]
            if waiting:
                self._n_free -= 1
                waiting.pop(0).set_result(None)
            if waiting:
                self._waiting[address] = waiting
