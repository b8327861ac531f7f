"""Slow clients of a real uvicorn behind a socket."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from tendigits.serve.timeouts import with_receive_timeout

HEAD = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n"
SECONDS = 1.0


async def size(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers the length of the body, or at once 404 without reading it."""
    status, n, more = (404, 0, False) if scope["path"] == "/nothing" else (200, 0, True)
    while more:
        message = await receive()
        n, more = n + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % n})


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    config = uvicorn.Config(size, http=with_receive_timeout(SECONDS), ws="none", lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join()


def answers_until_closed(connection: socket.socket) -> list[bytes]:
    received = b""
    while data := connection.recv(4096):
        received += data
    connection.close()
    return received.split(b"HTTP/1.1 ")[1:]


def test_a_request_that_does_not_arrive_in_time_is_answered_with_408_and_closed(address):
    requests = {
        "silent": b"",
        "half a line": b"GET / HTT",
        "half of the headers": b"GET / HTTP/1.1\r\nx-header: yy",
        "half a body": HEAD + b"12345",
        "half of the chunks": b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
        "half of the second request": HEAD + b"0123456789" + b"GET /",
    }
    connections = {name: socket.create_connection(address, timeout=60) for name in requests}
    for name, connection in connections.items():
        connection.sendall(requests[name])
    with socket.create_connection(address, timeout=60) as other:
        other.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert other.recv(4096).startswith(b"HTTP/1.1 200 OK")
    for name, connection in connections.items():
        last = answers_until_closed(connection)[-1]
        assert last.startswith(b"408 Request Timeout\r\n"), name
        assert b'"status":408' in last, name


def test_a_client_that_sends_byte_after_byte_gains_no_time(address):
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nx-header: ")
        connection.settimeout(SECONDS / 10)
        for _ in range(600):
            try:
                answer = connection.recv(4096)
                break
            except TimeoutError:
                connection.sendall(b"y")
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_request_that_was_answered_before_its_end_has_only_that_answer(address):
    connection = socket.create_connection(address, timeout=60)
    connection.sendall(b"POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n123")
    (answer,) = answers_until_closed(connection)
    assert answer.startswith(b"404 Not Found")


def test_complete_requests_have_no_timeout_also_several_on_one_connection(address):
    with socket.create_connection(address, timeout=60) as connection:
        for _ in range(2):
            connection.sendall(HEAD + b"0123456789")
            answer = b""
            while not answer.endswith(b"0\r\n\r\n"):
                answer += connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200 OK")
            time.sleep(1.5 * SECONDS)
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):  # neither an answer nor the end
            connection.recv(4096)
