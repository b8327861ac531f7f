"""A time-out for receiving a request: connections that send headers or a body too slowly are closed.

uvicorn.Config(app, http=with_receive_timeout(10.0))

uvicorn limits how long a connection may be idle between two requests, but not how long a request may take to arrive: a
thousand connections that send a byte per minute could occupy the server for ever.
"""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD = b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\nconnection: close\r\n"
BODY = b'{"error":"the request did not arrive in time","status":408}'
RESPONSE = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY


def with_receive_timeout(seconds: float) -> type[HttpToolsProtocol]:
    """uvicorn's protocol class, which answers 408 if a request is not complete `seconds` after its first byte.

    A new connection has as long to send its first byte.
    """

    class TimeoutProtocol(HttpToolsProtocol):
        _timer: TimerHandle | None = None

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
            self._timer = self.loop.call_later(seconds, self._time_out)

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _time_out(self) -> None:
            cycle: Any = self.cycle
            if self.transport.is_closing():
                return
            # A request that was refused before its body arrived has its response already.
            answered = cycle is not None and cycle.response_started and (cycle.more_body or not cycle.response_complete)
            if not answered:
                self.transport.write(RESPONSE)
            self.transport.close()

    return TimeoutProtocol
