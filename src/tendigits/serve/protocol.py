"""uvicorn's HTTP protocol on h11 with deadlines, and with limits for connections and chunked bodies.

uvicorn.Config(app, http=LimitedProtocol)
"""

import json
import sys
from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

RECEIVE_SECONDS = 20.0  # deadline for a request to arrive completely: enough for a photo of 8 MB at 4 Mbit/s
SEND_SECONDS = 20.0

MIN_SENT_BYTES = 2**20  # a client must read this much of an answer, or the rest of it, every SEND_SECONDS
MAX_HEADER_BYTES = 2**16  # request line and headers; browsers send 8 KB at most
# Chunk lengths, chunk extensions and trailers of a chunked body: 32 MB in chunks of 1 KB fit.
MAX_FRAMING_BYTES = 2**18
MAX_SMALL_CHUNKS = 4096  # of a body, besides one for each 64 bytes of it: parsing a chunk takes about 10 microseconds
MAX_PIPELINED_BYTES = 2**18  # requests that are sent before the answer to an earlier one; browsers send none
MAX_CONNECTIONS = 512  # of all clients; the usual limit of open files is 1,024
MAX_CONNECTIONS_PER_ADDRESS = 64  # a browser opens six
CLOSE_SECONDS = 1.0  # time for a refused client to read why


class _LimitedConnection(h11.Connection):
    """Limits the framing of chunked bodies, and requests that are sent ahead."""

    framing = 0  # bytes of the current request that are not its body
    small_chunks = 0.0  # chunks of its body, without one for each 64 bytes

    def receive_data(self, data: bytes) -> None:
        self.framing += len(data)
        super().receive_data(data)

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self.framing = 0
            if {b"content-length", b"transfer-encoding"} <= {name for name, _ in event.headers}:
                raise h11.RemoteProtocolError("expected Content-Length or Transfer-Encoding, received both")
        elif isinstance(event, h11.Data):
            self.framing -= len(event.data)
            self.small_chunks += event.chunk_end - len(event.data) / 64
            if self.small_chunks > MAX_SMALL_CHUNKS:
                raise h11.RemoteProtocolError("expected a body in larger chunks")
        elif isinstance(event, h11.EndOfMessage):
            self.small_chunks = 0.0
        elif event is h11.NEED_DATA and self.their_state is h11.SEND_BODY and self.framing > MAX_FRAMING_BYTES:
            raise h11.RemoteProtocolError("expected a body in larger chunks")
        elif event is h11.PAUSED and len(self.trailing_data[0]) > MAX_PIPELINED_BYTES:
            raise h11.RemoteProtocolError("expected a client that waits for answers")
        return event


class LimitedProtocol(H11Protocol):
    """One connection. A client that is too slow, or sends what is not HTTP, gets an error and is disconnected."""

    _receive_timer: TimerHandle | None = None
    _send_timer: TimerHandle | None = None
    _unsent = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the deadline, or refuse one connection too many."""
        super().connection_made(transport)
        self.conn = _LimitedConnection(h11.SERVER, MAX_HEADER_BYTES)
        transport.set_write_buffer_limits(high=0)  # pause_writing is called for the first byte that waits
        addresses = [each.client and each.client[0] for each in self.connections if isinstance(each, H11Protocol)]
        n_same = addresses.count(self.client and self.client[0])
        if n_same > MAX_CONNECTIONS_PER_ADDRESS or len(self.connections) > MAX_CONNECTIONS:
            self.connections.discard(self)  # it does not count against others while it is being closed
            self._refuse(503, "too many connections; close some, or try again in a second")
        else:
            self._limit_receiving(True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all deadlines."""
        self._limit_receiving(False)
        if self._send_timer is not None:
            self._send_timer.cancel()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """After each part of a request: the deadline runs until the request is complete."""
        super().handle_events()
        self._limit_receiving(self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.transport.is_closing())

    def _limit_receiving(self, is_receiving: bool) -> None:
        if is_receiving and self._receive_timer is None:
            late = "the request did not arrive in time"
            self._receive_timer = self.loop.call_later(RECEIVE_SECONDS, self._refuse, 408, late)
        elif not is_receiving and self._receive_timer is not None:
            self._receive_timer.cancel()
            self._receive_timer = None

    def pause_writing(self) -> None:
        """The client does not read what was sent."""
        super().pause_writing()
        self._limit_sending()

    def resume_writing(self) -> None:
        """The client has read it."""
        super().resume_writing()
        if self._send_timer is not None:
            self._send_timer.cancel()

    def _limit_sending(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._send_timer = self.loop.call_later(SEND_SECONDS, self._check_sent)

    def _check_sent(self) -> None:
        if self._unsent - self.transport.get_write_buffer_size() < MIN_SENT_BYTES:
            self.transport.abort()
        else:
            self._limit_sending()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP or exceeds a limit; uvicorn's method fails if an answer has begun."""
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        self._refuse(status, str(error or msg)[:300])

    def _refuse(self, status: int, reason: str) -> None:
        """Answer, unless an answer has begun, and close."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": reason, "status": status}).encode()
            head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            self.transport.write(f"{head}connection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        if self.cycle is not None:  # the route of this request ends, and answers no more
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
