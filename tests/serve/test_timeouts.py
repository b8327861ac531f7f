"""Slow clients: the protocol with a scripted clock, and once a real uvicorn behind a socket."""

import asyncio
import socket
import threading
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from tendigits.serve.timeouts import with_receive_timeout

HEAD = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n"
SECONDS = 0.5


async def size(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers the length of the body, or at once 404 without reading it."""
    if scope["type"] != "http":
        return
    status, n, more = (404, 0, False) if scope["path"] == "/nothing" else (200, 0, True)
    while more:
        message = await receive()
        n, more = n + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % n})


class Loop:
    """asyncio's loop, but its timers are called by the test."""

    def __init__(self) -> None:
        self.real = asyncio.get_running_loop()
        self.timers: list[Any] = []

    def call_later(self, delay: float, callback: Any) -> Any:
        self.timers.append(asyncio.TimerHandle(delay, callback, (), self.real))
        return self.timers[-1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written, self.closed = b"", False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def talk(*steps: bytes | None) -> Transport:
    """Send parts of requests over one connection; None lets the receive time-out pass."""

    async def go() -> Transport:
        config = uvicorn.Config(size, http=with_receive_timeout(SECONDS), lifespan="off", log_config=None)
        config.load()
        loop, transport = Loop(), Transport()
        protocol = config.http_protocol_class(config, ServerState(), {}, loop)
        protocol.connection_made(transport)
        for step in steps:
            if step is not None:
                protocol.data_received(step)
            else:
                for timer in [timer for timer in loop.timers if timer.when() == SECONDS and not timer.cancelled()]:
                    timer._callback()
            for _ in range(10):
                await asyncio.sleep(0)
        closed = transport.closed
        protocol.connection_lost(None)  # uvicorn closes the transport here in any case
        transport.closed = closed
        return transport

    return asyncio.run(go())


@pytest.mark.parametrize(
    "steps",
    [
        (None,),
        (b"GET / HTT", None),
        (b"GET / HTTP/1.1\r\nx-header: ", b"y", b"y", None),
        (HEAD, b"12345", None),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n", None),
        (HEAD, b"0123456789", b"GET /", None),
    ],
    ids=["silent", "half a line", "slow headers", "half a body", "slow chunks", "slow second request"],
)
def test_a_request_that_does_not_arrive_in_time_is_answered_with_408(steps):
    transport = talk(*steps)
    answers = transport.written.split(b"HTTP/1.1 ")[1:]
    assert answers[-1].startswith(b"408 Request Timeout\r\n")
    assert b'"status":408' in answers[-1]
    assert transport.closed


def test_a_request_that_was_answered_before_its_end_has_only_that_answer():
    transport = talk(b"POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n123", None)
    assert transport.written.startswith(b"HTTP/1.1 404 Not Found")
    assert b"408" not in transport.written
    assert transport.closed


def test_complete_requests_have_no_timeout_also_several_on_one_connection():
    transport = talk(HEAD + b"0123", b"456789", None, HEAD, b"0123456789", None)
    assert transport.written.count(b"HTTP/1.1 200 OK") == 2
    assert b"408" not in transport.written
    assert not transport.closed


def test_a_real_server_closes_slow_connections_and_answers_others():
    config = uvicorn.Config(size, http=with_receive_timeout(SECONDS), ws="none", lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    address = ("127.0.0.1", listener.getsockname()[1])
    slow = [socket.create_connection(address, timeout=60) for _ in range(20)]
    for connection in slow:
        connection.sendall(b"GET /")
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")
    for connection in slow:
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 Request Timeout")
        connection.close()
    server.should_exit = True
    thread.join()
