"""A deadline on receiving a request: who sends headers or a body too slowly, or nothing at all, is let go.

uvicorn.Config(app, http=with_deadline(10.0))

uvicorn bounds how long a connection may be idle between two requests, not how long a request may take to arrive: a
thousand connections that send a byte a minute would hold the server for ever.
"""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\n"
BODY = b'{"error":"the request did not arrive in time","status":408}'
TOO_SLOW = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY


def with_deadline(seconds: float) -> type[HttpToolsProtocol]:
    """uvicorn's protocol, which ends a connection whose request has not arrived `seconds` after its first byte.

    A new connection has as long to send that byte.
    """

    class Protocol(HttpToolsProtocol):
        _deadline: TimerHandle | None = None

        def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._start()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._start()

        def on_message_complete(self) -> None:
            self._stop()
            super().on_message_complete()

        def _start(self) -> None:
            self._stop()
            self._deadline = self.loop.call_later(seconds, self._give_up)

        def _stop(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

        def _give_up(self) -> None:
            cycle: Any = self.cycle
            if self.transport.is_closing():
                return
            # An answer that is out, to a request that was refused before its body had come, is the only one.
            answered = cycle is not None and cycle.response_started and (cycle.more_body or not cycle.response_complete)
            if not answered:
                self.transport.write(TOO_SLOW)
            self.transport.close()

    return Protocol
