"""Slow, greedy and endless clients of a real uvicorn behind a socket."""

import asyncio
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest
import uvicorn

from tendigits.serve.edge.connection import ConnectionLimits, limited_protocol

HEAD = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n"
SECONDS = 0.5
"""That the impatient server waits."""

FEW = ConnectionLimits(connections=40, per_address=16)
LARGE = 30 * 2**20


class Application:
    """Answers the length of the body; /nothing at once with 404, /slow after a while, /large with many bytes."""

    def __init__(self) -> None:
        self.n_running = self.most_running = self.n_begun = 0
        self.ended: list[str] = []
        self.errors: list[Exception] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.n_running += 1
        self.n_begun += 1
        self.most_running = max(self.n_running, self.most_running)
        try:
            await self.answer(scope, receive, send)
        except Exception as error:
            self.errors.append(error)
        finally:
            self.n_running -= 1
            self.ended.append(scope["path"])

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        status, n, more = (404, 0, False) if scope["path"] == "/nothing" else (200, 0, True)
        while more:
            message = await receive()
            n, more = n + len(message.get("body", b"")), message.get("more_body", False)
        if scope["path"] == "/slow":
            await asyncio.sleep(1.5 * SECONDS)
        body = bytes(LARGE) if scope["path"] == "/large" else b"%d" % n
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


APPLICATION = Application()


@contextmanager
def serve(limits: ConnectionLimits) -> Iterator[tuple[uvicorn.Server, tuple[str, int]]]:
    config = uvicorn.Config(APPLICATION, http=limited_protocol(limits), ws="none", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield server, listener.getsockname()
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def impatient_server() -> Iterator[Any]:
    with serve(ConnectionLimits(receive_seconds=SECONDS, send_seconds=SECONDS)) as running:
        yield running


@pytest.fixture(scope="module")
def patient_server() -> Iterator[Any]:
    """For what a busy machine may take long to send."""
    with serve(FEW) as running:
        yield running


@pytest.fixture
def impatient(impatient_server: Any) -> Iterator[tuple[str, int]]:
    yield from address_of(*impatient_server)


@pytest.fixture
def patient(patient_server: Any) -> Iterator[tuple[str, int]]:
    yield from address_of(*patient_server)


def address_of(server: uvicorn.Server, address: tuple[str, int]) -> Iterator[tuple[str, int]]:
    """Where it listens; in the end nothing of a test is left."""
    yield address
    wait_until(lambda: not server.server_state.connections and not APPLICATION.n_running)


def wait_until(is_so: Any) -> None:
    for _ in range(600):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def answers_until_closed(connection: socket.socket) -> list[bytes]:
    received = b""
    with closing(connection), suppress(ConnectionResetError):
        while data := connection.recv(65536):
            received += data
    return received.split(b"HTTP/1.1 ")[1:]


def test_a_request_that_does_not_arrive_in_time_is_answered_with_408_and_closed(impatient):
    requests = {
        "silent": b"",
        "half a line": b"GET / HTT",
        "half of the headers": b"GET / HTTP/1.1\r\nx-header: yy",
        "half a body": HEAD + b"12345",
        "half of the chunks": b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
        "half of the second request": HEAD + b"0123456789" + b"GET /",
    }
    connections = {name: socket.create_connection(impatient, timeout=60) for name in requests}
    for name, connection in connections.items():
        connection.sendall(requests[name])
    with socket.create_connection(impatient, timeout=60) as other:
        other.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert other.recv(4096).startswith(b"HTTP/1.1 200 OK")
    for name, connection in connections.items():
        last = answers_until_closed(connection)[-1]
        assert last.startswith(b"408 Request Timeout\r\n"), name
        assert b'"status":408' in last, name


def test_a_client_that_sends_byte_after_byte_gains_no_time(impatient):
    with socket.create_connection(impatient, timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nx-header: ")
        connection.settimeout(SECONDS / 10)
        for _ in range(600):
            try:
                answer = connection.recv(4096)
                break
            except TimeoutError:
                connection.sendall(b"y")
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_request_that_was_answered_before_its_end_has_only_that_answer(impatient):
    connection = socket.create_connection(impatient, timeout=60)
    connection.sendall(b"POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n123")
    (answer,) = answers_until_closed(connection)
    assert answer.startswith(b"404 Not Found")


def test_complete_requests_have_no_timeout_also_several_on_one_connection(impatient):
    with socket.create_connection(impatient, timeout=60) as connection:
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


def test_an_idle_client_gains_no_time_by_empty_lines(impatient):
    with socket.create_connection(impatient, timeout=60) as connection:
        connection.sendall(HEAD + b"0123456789")
        time.sleep(0.2)
        started = time.monotonic()
        with suppress(OSError):
            while time.monotonic() < started + 30:
                connection.sendall(b"\r\n")
                time.sleep(SECONDS / 10)
        assert time.monotonic() < started + 15


ENDLESS = {
    "a header": (b"GET / HTTP/1.1\r\nx: ", b"y" * 2**16, b"431"),
    "many headers": (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 2**14, b"431"),
    "the address": (b"GET /", b"y" * 2**16, b"431"),
    "trailers": (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 2**14, b"400"),
    "a trailer": (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ", b"y" * 2**16, b"400"),
    "the length of a chunk": (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;", b"y" * 2**16, b"400"),
    "chunks of a byte": (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 2**14, b"400"),
}


def test_what_never_ends_is_refused_soon(patient):
    connections = []
    for name, (begin, more, status) in ENDLESS.items():
        connection = socket.create_connection(patient, timeout=60)
        connections.append(connection)
        connection.sendall(begin)
        n_sent = 0
        with suppress(ConnectionError):
            while n_sent < 2**30:
                connection.sendall(more)
                n_sent += len(more)
                connection.setblocking(False)
                with suppress(BlockingIOError):
                    if connection.recv(1, socket.MSG_PEEK):
                        break
                connection.settimeout(60)
        connection.settimeout(60)
        assert n_sent < 2**25, name  # what the kernels' buffers take included
        assert connection.recv(4096).startswith(b"HTTP/1.1 " + status), name
    for connection in connections:
        assert answers_until_closed(connection) == []


def test_headers_of_64_kb_are_read_and_longer_ones_refused(patient):
    for n, status in ((60_000, b"200"), (80_000, b"431")):
        connection = socket.create_connection(patient, timeout=60)
        connection.sendall(b"GET / HTTP/1.1\r\nconnection: close\r\nx: " + b"y" * n + b"\r\n\r\n")
        (answer,) = answers_until_closed(connection)
        assert answer.startswith(status)


def test_a_body_in_chunks_with_trailers_is_read(patient):
    connection = socket.create_connection(patient, timeout=60)
    connection.sendall(
        b"POST / HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        + (b"2000\r\n" + bytes(8192) + b"\r\n") * 1000
        + b"0\r\nx-sum: 1\r\n\r\n"
    )
    (answer,) = answers_until_closed(connection)
    assert answer.endswith(b"\r\n8192000\r\n0\r\n\r\n")


def test_requests_sent_at_once_are_answered_one_after_another(patient):
    n, APPLICATION.most_running = 2000, 0
    connection = socket.create_connection(patient, timeout=60)
    requests = b"".join(b"POST /%d HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (i, i, bytes(i)) for i in range(n))
    sender = threading.Thread(target=connection.sendall, args=[requests + b"GET / HTTP/1.0\r\n\r\n"])
    sender.start()
    answers = answers_until_closed(connection)
    sender.join()
    assert [re.search(rb"\r\n\r\n\w+\r\n(\d+)", answer)[1] for answer in answers[:n]] == [b"%d" % i for i in range(n)]
    assert len(answers) == n + 1
    assert APPLICATION.most_running == 1


def test_a_request_behind_a_slow_one_has_its_time_afterwards(impatient):
    """It is complete in time, or not complete, as if it had been sent after that answer."""
    for rest, statuses in ((b"0123456789GET / HTTP/1.0\r\n\r\n", [b"200", b"200", b"200"]), (b"", [b"200", b"408"])):
        connection = socket.create_connection(impatient, timeout=60)
        connection.sendall(b"GET /slow HTTP/1.1\r\n\r\n" + HEAD + rest)
        assert [answer[:3] for answer in answers_until_closed(connection)[: len(statuses)]] == statuses


def test_a_client_that_hangs_up_ends_the_request_that_is_answered(impatient):
    """Not only the last one that it has sent, and nothing is written to where nobody is."""
    APPLICATION.ended.clear()
    APPLICATION.n_begun = 0
    with socket.create_connection(impatient, timeout=60) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\n\r\n" * 2)
        time.sleep(0.2)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: APPLICATION.ended == ["/slow"])
    time.sleep(0.2)
    assert APPLICATION.n_begun == 1
    assert not APPLICATION.errors


def test_requests_whose_answers_are_not_read_wait_outside(patient_server, patient):
    """12 MB of them: as many as fit into the kernels' buffers are answered, the others not even parsed."""
    server, _ = patient_server
    APPLICATION.n_begun = 0
    with socket.create_connection(patient, timeout=0.5) as connection, suppress(OSError):
        connection.sendall(b"GET /large HTTP/1.1\r\n\r\n" * 500_000)
    assert APPLICATION.n_begun <= 1
    with socket.create_connection(patient, timeout=60) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\n\r\n" * 10_000)
        wait_until(lambda: APPLICATION.n_begun == 2)
        (protocol,) = server.server_state.connections
        assert len(protocol.pipeline) <= 4096 // 23 + 1
        assert len(protocol._held) <= 2**18 + 4096


def test_a_client_that_takes_nothing_is_disconnected_and_a_steady_one_is_not(impatient_server, impatient):
    APPLICATION.ended.clear()
    lazy = socket.create_connection(impatient, timeout=60)
    lazy.sendall(b"GET /large HTTP/1.1\r\n\r\n")
    steady = socket.create_connection(impatient, timeout=60)
    steady.sendall(b"GET /large HTTP/1.0\r\n\r\n")
    n_taken = 0
    while n_taken < LARGE and (data := steady.recv(2**21, socket.MSG_WAITALL)):
        n_taken += len(data)
        time.sleep(SECONDS / 10)  # 2 MB in a tenth of the time for 1 MB
    assert n_taken >= LARGE
    wait_until(lambda: APPLICATION.ended == ["/large", "/large"])
    assert sum(map(len, answers_until_closed(lazy))) < LARGE
    steady.close()


def test_an_address_has_a_part_of_the_connections(patient_server, patient):
    """A second client is answered while the first has all that it may have; the third finds the server full."""

    def connect(source: str, n: int = 1) -> list[socket.socket]:
        return [socket.create_connection(patient, 60, (source, 0)) for _ in range(n)]

    def status_for(source: str) -> bytes:
        (connection,) = connect(source)
        with suppress(ConnectionError):
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return answers_until_closed(connection)[0][:3]

    server, _ = patient_server
    first = connect("127.0.0.2", FEW.per_address)
    wait_until(lambda: len(server.server_state.connections) == 16)
    assert (status_for("127.0.0.2"), status_for("127.0.0.3")) == (b"503", b"200")
    wait_until(lambda: len(server.server_state.connections) == 16)
    more = connect("127.0.0.3", 16) + connect("127.0.0.4", 8)
    wait_until(lambda: len(server.server_state.connections) == FEW.connections)
    assert status_for("127.0.0.5") == b"503"
    for connection in first + more:
        connection.close()
    wait_until(lambda: not server.server_state.connections)
    assert status_for("127.0.0.2") == b"200"
