"""One connection: how many bytes, requests and seconds it may take.

uvicorn.Config(app, http=limited_protocol(ConnectionLimits()))

This extends uvicorn's protocol on httptools, which limits none of them: headers are kept however long they are,
requests sent before the answer to an earlier one are all parsed and kept, a client that does not read is waited for.
Instead of it there are:

- uvicorn on h11: limits headers and parses one request at a time, but takes 4.5 times the processor per request (112
  microseconds, not 24), and has no deadlines either;
- Hypercorn, which is built on h11 as well; Granian, which limits headers in Rust, but has neither a deadline for bodies
  and answers nor a limit per address, and starts processes of its own;
- a proxy such as nginx, which limits all of it and belongs in front of a server on the internet. But `tendigits serve`
  is one command on a person's own machine, and must be safe there without one.
"""

import json
from asyncio import TimerHandle, Transport
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import get_remote_addr

from tendigits.serve.edge.shares import Shares

SLICE = 4096
"""Bytes that are parsed at once. The parser cannot stop at the end of a request: of requests that are sent before the
answer to an earlier one, as many are kept as begin in one slice, at most 227."""

MAX_FRAMING = 2**20
"""Bytes of a request that are no body: headers, lengths of chunks, and trailers, which are ignored. In chunks of 8 KB a
body of 32 MB has 40 KB of them; in chunks of a byte it would have 160 MB."""

SENT_BYTES = 2**20
"""What a client must take of an answer in the time to send it, unless that is all: 50 KB per second."""

LINGER_SECONDS = 1.0
"""How long a refused client may read why: a connection closed with bytes unread is reset, and the reason is lost."""


@dataclass(frozen=True)
class ConnectionLimits:
    """What a connection may take."""

    receive_seconds: float = 20.0
    """For a request to arrive, from its first byte: a photo of 8 MB does at 4 Mbit/s."""
    send_seconds: float = 20.0
    """For a client to take an answer, or SENT_BYTES of it."""
    head_bytes: int = 2**16
    """Of the request's line and headers: eight times what browsers send at most."""
    connections: int = 512
    """Of all clients together; it stays under the usual limit of 1,024 open files."""
    per_address: int = 64
    """Of one client. A browser has six, and the queue for pictures has room for 64 more than are being read: one client
    alone cannot fill it."""


def limited_protocol(limits: ConnectionLimits = ConnectionLimits()) -> type[HttpToolsProtocol]:
    """uvicorn's protocol class within limits, which all connections of a server share.

    A request that is not complete in time is answered with 408, longer headers with 431, a connection too many with
    503; then the connection is closed. A client that does not take its answer is disconnected.
    """
    shares = Shares(limits.connections, limits.per_address)
    return type("LimitedProtocol", (_LimitedProtocol,), {"limits": limits, "shares": shares})


class _Timer:
    """A call that can be put off and cancelled; it runs at most once at a time."""

    def __init__(self, schedule: Callable[..., TimerHandle], seconds: float, call: Callable[[], None]) -> None:
        self._schedule, self._seconds, self._call = schedule, seconds, call
        self._handle: TimerHandle | None = None

    @property
    def runs(self) -> bool:
        return self._handle is not None

    def start(self) -> None:
        self.stop()
        self._handle = self._schedule(self._seconds, self._end)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _end(self) -> None:
        self._handle = None
        self._call()


class _Flow(FlowControl):
    """Reads nothing while a request waits for the answer to the one before, even if that one's application wants to."""

    is_held = False

    def resume_reading(self) -> None:
        if not self.is_held:
            super().resume_reading()


class _LimitedProtocol(HttpToolsProtocol):
    limits: ClassVar[ConnectionLimits]
    shares: ClassVar[Shares]
    flow: _Flow

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._receiving = _Timer(self.loop.call_later, self.limits.receive_seconds, self._arrived_too_slowly)
        self._sending = _Timer(self.loop.call_later, self.limits.send_seconds, self._was_taken_too_slowly)
        self._address: str | None = None  # None until it is admitted
        self._current: RequestResponseCycle | None = None  # whose answer is next; `cycle` is what has arrived last
        self._is_refused = False
        self._is_arriving = False  # a request has begun and is not complete
        self._in_head = True  # until the headers of the request are complete
        self._framing = 0  # bytes of the request that are no body
        self._held = b""  # what has arrived behind a request that waits
        self._unsent = 0

    # A connection

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        address = (get_remote_addr(transport) or ("", 0))[0]
        if not self.shares.take(address):
            transport.write(_answer(503, "too many connections; close some, or try again in a second"))
            transport.close()
            return
        self._address = address
        super().connection_made(transport)
        self.flow = _Flow(transport)
        transport.set_write_buffer_limits(high=0)  # so that pause_writing tells of the first byte that waits
        self._receiving.start()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._address is None:
            return
        self._receiving.stop()
        self._sending.stop()
        self._held = b""
        self.pipeline.clear()
        self.shares.give_back(self._address)
        if self._is_busy and self._current is not None:  # uvicorn tells only the last request's application
            self._current.disconnected = True
            self._current.message_event.set()
        super().connection_lost(exc)

    def _refuse(self, status: int, reason: str) -> None:
        """Answer, if this request's answer is next and has not begun, read nothing more, and close."""
        self._is_refused = True
        self._receiving.stop()
        self.transport.pause_reading()
        is_next = not self._is_busy if self._in_head else self._current is self.cycle
        if is_next and (self._in_head or not self.cycle.response_started):
            self.transport.write(_answer(status, reason))
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    @property
    def _is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self._current is not None and not self._current.response_complete

    # Receiving

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), SLICE):
            if self._is_refused or self.transport.is_closing():
                return
            if self.pipeline or self._held:
                self._held += data[start:]
                self.flow.pause_reading()
                self.flow.is_held = True
                return
            self._parse(data[start : start + SLICE])

    def _parse(self, data: bytes) -> None:
        if not self._is_busy and not self._receiving.runs:  # an empty line begins no request, but ends the idle time
            self._receiving.start()
        self._framing += len(data)
        super().data_received(data)
        if self._is_refused:
            return
        if self._in_head and self._framing > self.limits.head_bytes:
            self._refuse(431, f"expected at most {self.limits.head_bytes >> 10} KB of headers")
        elif self._framing > MAX_FRAMING:
            self._refuse(400, "expected a body in larger chunks, without trailers")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_arriving, self._in_head, self._framing = True, True, 0
        if not self._is_busy:  # what is sent behind a request has time until that one is answered
            self._receiving.start()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._framing -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_arriving = False
        self._receiving.stop()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def _arrived_too_slowly(self) -> None:
        self._refuse(408, "the request did not arrive in time")

    # Answering

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.pipeline or self.transport.is_closing():
            return
        if self._is_arriving and not (self._in_head and self._is_busy) and not self._receiving.runs:
            self._receiving.start()
        self.flow.is_held, held, self._held = False, self._held, b""
        self.data_received(held)
        self.flow.resume_reading()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._current = cycle
        super()._start_asgi_task(cycle, app)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._sending.start()

    def resume_writing(self) -> None:
        self._sending.stop()
        super().resume_writing()

    def _was_taken_too_slowly(self) -> None:
        """Nothing more is written while the client has something to take, so the buffer tells what it took."""
        unsent = self.transport.get_write_buffer_size()
        if self._unsent - unsent < SENT_BYTES:
            self.transport.abort()
        else:
            self._unsent = unsent
            self._sending.start()


def _answer(status: int, reason: str) -> bytes:
    """A whole response, after which the connection is closed."""
    body = json.dumps({"error": reason, "status": status}, separators=(",", ":")).encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\nconnection: close\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
