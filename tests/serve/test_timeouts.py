"""Slow clients, by raw sockets against a real uvicorn."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tendigits.serve.timeouts import with_deadline

pytestmark = pytest.mark.alone

SECONDS = 0.6


async def size(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = Starlette(routes=[Route("/", size, methods=["GET", "POST"])])
    config = uvicorn.Config(app, http=with_deadline(SECONDS), ws="none", log_level="error", timeout_keep_alive=2)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()


def talk(port: int, *parts: bytes, pause: float = 0.0) -> tuple[bytes, float]:
    """Send the parts with pauses, and read until the server closes: what it said, and after how many seconds."""
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        said = b""
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
        except OSError:
            pass  # it has closed
        try:
            while data := connection.recv(4096):
                said += data
        except ConnectionResetError:
            pass
    return said, time.perf_counter() - started


HEAD = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "pause"),
    [
        ((), 0.0),
        ((b"GET / HTT",), 0.0),
        (tuple(bytes([byte]) for byte in b"GET / HTTP/1.1\r\nx-header: " + b"y" * 200), 0.05),
        ((HEAD, b"12345"), 0.0),
        ((HEAD, *[b"x"] * 9), 0.2),
        ((b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 40), 0.1),
    ],
    ids=["silent", "half a line", "slow headers", "half a body", "slow body", "slow chunks"],
)
def test_who_is_too_slow_is_let_go(port: int, parts: Any, pause: float) -> None:
    said, seconds = talk(port, *parts, pause=pause)
    assert said.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b'"status":408' in said
    assert SECONDS * 0.8 < seconds < 15


def test_who_was_answered_before_the_end_is_only_let_go(port: int) -> None:
    said, seconds = talk(port, b"POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n123")
    assert said.startswith(b"HTTP/1.1 404 Not Found")
    assert b"408" not in said
    assert seconds < 15


def test_who_is_quick_enough_is_answered_also_twice_on_a_connection(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for _ in range(3):
            connection.sendall(HEAD + b"0123")
            time.sleep(SECONDS / 3)
            connection.sendall(b"456789")
            answer = connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200 OK")
            assert answer.endswith(b"10")


def test_an_idle_connection_between_two_requests_has_the_keep_alive_time(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert connection.recv(4096).endswith(b"0")
        time.sleep(SECONDS * 1.5)
        connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert connection.recv(4096).endswith(b"0")


def test_the_others_are_answered_meanwhile(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for connection in slow:
        connection.sendall(b"GET /")
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")
    assert time.perf_counter() - started < SECONDS * 5
    for connection in slow:
        connection.close()
