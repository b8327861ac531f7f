"""Slow, greedy and hostile clients: each test attacks a real process, and checks that others are still served."""

import base64
import json
import os
import re
import signal
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from bombs import picture_bomb
from drawing import page_of_numbers, png
from processes import ServeProcess, processor_seconds
from tendigits.serve.protocol import MAX_CONNECTIONS_PER_ADDRESS, RECEIVE_SECONDS
from tendigits.serve.reading import MAX_WAITING_PER_ADDRESS

pytestmark = [
    pytest.mark.xdist_group("server"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc, and has many local addresses"),
]

HEAD = b"POST /v1/read HTTP/1.1\r\nhost: 127.0.0.1\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


def connect(server: ServeProcess, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), 60, (address, 0))


def send_until_closed(server: ServeProcess, begin: bytes, more: bytes, limit: int) -> int:
    """Send without reading; gives the bytes that were sent."""
    n_sent = len(begin)
    with connect(server) as connection, suppress(OSError):
        connection.settimeout(2)
        connection.sendall(begin)
        while n_sent < limit:
            connection.sendall(more)
            n_sent += len(more)
    return n_sent


def test_endless_headers_and_unread_answers_take_no_memory(server):
    before = server.peak_memory()
    endless = send_until_closed(server, b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n", b"a: b\r\n" * 2**14, 300 * 2**20)
    unread = send_until_closed(server, b"", b"GET /style.css HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n" * 2**11, 300 * 2**20)
    assert max(endless, unread) < 2**25  # most of it in the kernels' buffers
    assert server.peak_memory() < before + 50


def test_tiny_chunks_and_chunk_extensions_are_cut_off(server):
    before = server.peak_memory()
    for more in (b"1\r\nx\r\n" * 2**14, b"1;" + b"y" * 2**14 + b"\r\nx\r\n", b"1;" + b"y" * 2**16):
        assert send_until_closed(server, CHUNKED, more, 400 * 2**20) < 2**25
    assert server.peak_memory() < before + 50


def test_a_body_in_tiny_chunks_takes_little_processor_time(server):
    before = processor_seconds(server.process.pid)
    for _ in range(8):
        with connect(server) as connection, suppress(ConnectionError):
            connection.sendall(CHUNKED + b"1\r\nx\r\n" * 2**16)
            assert connection.recv(12) == b"HTTP/1.1 400"
    assert processor_seconds(server.process.pid) < before + 1


def test_a_body_in_chunks_is_read(server, digits):
    answer = httpx.post(f"{server.url}/v1/read?one=true", content=(bytes([byte]) for byte in png(digits.x_test[0])))
    assert answer.json()["pages"][0]["text"] == str(digits.y_test[0])


def test_520_slow_or_idle_connections_keep_nobody_out(server):
    begun = [b"", b"GET / HT", HEAD + b"x: ", HEAD + b"content-length: 1000\r\n\r\nx"]
    connections = []
    for i in range(520):
        connections.append(connect(server, "127.0.0.2"))
        with suppress(OSError):  # one too many is closed at once
            connections[-1].sendall(begun[i % 4])
    assert [httpx.get(f"{server.url}/live").status_code for _ in range(100)] == [200] * 100
    connections[-1].settimeout(10)
    with suppress(ConnectionResetError):
        assert connections[-1].recv(12) in (b"HTTP/1.1 503", b"")
    for connection in connections:
        connection.close()


@pytest.mark.slow
def test_requests_and_answers_have_deadlines(server):
    """Also for a client that sends or takes byte after byte."""
    request = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    sent = {
        "silent": b"",
        "half of the headers": HEAD + b"x: ",
        "half of a body": HEAD + b"content-length: 100000\r\n\r\n",
        "half of the chunks": CHUNKED + b"1000\r\n",
        "half of the second request": request + HEAD + b"x: ",
        "an answer that nobody reads": request * 5,
    }
    connections = {name: connect(server, "127.0.0.3") for name in sent}
    for name, connection in connections.items():
        connection.sendall(sent[name])
    end = time.monotonic() + RECEIVE_SECONDS * 0.9
    while time.monotonic() < end:
        for name in ("half of the headers", "half of a body", "half of the second request"):
            connections[name].sendall(b"y")
        assert len(connections["an answer that nobody reads"].recv(1)) == 1
        time.sleep(0.2)
    time.sleep(RECEIVE_SECONDS * 0.5)
    for name, connection in connections.items():
        answers = received_until_closed(connection)
        if name == "an answer that nobody reads":
            assert len(answers) < 5 * 1_500_000
        else:
            assert b"HTTP/1.1 408 " in answers, name


def received_until_closed(connection: socket.socket) -> bytes:
    """What the server had sent; raises TimeoutError if it has not closed the connection."""
    received = bytearray()
    connection.settimeout(1)
    with connection, suppress(ConnectionResetError):
        while data := connection.recv(2**20):
            received += data
    return bytes(received)


def test_10_mb_of_nested_json_are_refused_quickly(server):
    for body in (b"[" * 10 * 2**20, b'{"settings":' + b"[" * (3 * 2**20)):
        started = time.monotonic()
        answer = httpx.post(f"{server.url}/v1/runs", content=body, timeout=60)
        assert answer.status_code in (413, 422)
        assert time.monotonic() - started < 5


def test_a_picture_bomb_is_one_clear_error(server):
    before = server.peak_memory()
    for path in ("/v1/read", "/v1/read?one=true", "/v1/preview"):
        answer = httpx.post(f"{server.url}{path}", content=picture_bomb(), timeout=60)
        assert answer.status_code == 415
        assert "50,000,000" in answer.json()["error"]
    assert server.peak_memory() < before + 50


@pytest.fixture
def busy_server(tmp_path: Path, digits) -> Iterator[ServeProcess]:
    """A server whose worker processes are stopped, so that pictures stay with them."""
    server = ServeProcess(tmp_path, "--no-browser", "--timeout", "60")
    answer = httpx.post(f"{server.url}/v1/read", content=page_of_numbers(digits), timeout=60)
    assert answer.status_code == 200
    computed = None
    while computed != (computed := [processor_seconds(pid) for pid in server.children("spawn_main")]):
        time.sleep(0.5)  # until the other processes are ready
    signal_workers(server, signal.SIGSTOP)
    yield server
    signal_workers(server, signal.SIGKILL)
    if server.process.poll() is None:
        server.stop()


def signal_workers(server: ServeProcess, number: int) -> int:
    """Send a signal to all processes that read; gives their number."""
    workers = server.children("spawn_main")
    for worker in workers:
        os.kill(worker, number)
    return len(workers)


def send_page(server: ServeProcess, digits) -> socket.socket:
    """Ask for a page, and do not wait for the answer."""
    body = page_of_numbers(digits)
    connection = connect(server)
    connection.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body)
    return connection


def wait_for_load(server: ServeProcess, load: int) -> None:
    deadline = time.monotonic() + 20
    while f"\ntendigits_load {load}.0\n" not in httpx.get(f"{server.url}/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_worker_costs_one_503_and_a_client_that_leaves_nothing(busy_server, digits):
    leaving = send_page(busy_server, digits)
    wait_for_load(busy_server, 1)
    leaving.close()
    wait_for_load(busy_server, 0)
    signal_workers(busy_server, signal.SIGSTOP)
    with send_page(busy_server, digits) as connection:
        wait_for_load(busy_server, 1)
        signal_workers(busy_server, signal.SIGKILL)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 5" in answer
    answer = httpx.post(f"{busy_server.url}/v1/read", content=page_of_numbers(digits), timeout=60)
    assert answer.status_code == 200


@pytest.mark.slow
def test_a_full_queue_is_a_503_that_says_when_to_come_again(busy_server, digits):
    n_workers = signal_workers(busy_server, signal.SIGSTOP)
    assert n_workers + MAX_WAITING_PER_ADDRESS < MAX_CONNECTIONS_PER_ADDRESS
    waiting = [send_page(busy_server, digits) for _ in range(n_workers + MAX_WAITING_PER_ADDRESS)]
    wait_for_load(busy_server, len(waiting))
    answer = httpx.post(f"{busy_server.url}/v1/read", content=page_of_numbers(digits))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"] == "too many requests are waiting; try again in a second"
    signal_workers(busy_server, signal.SIGCONT)
    for connection in waiting:
        with connection:
            assert connection.recv(12) == b"HTTP/1.1 200"


@pytest.mark.slow
def test_an_export_is_made_by_a_worker_and_ends_with_its_client(busy_server):
    body = json.dumps({"tables": [{"rows": [[{"value": "1"}] * 200] * 100}] * 5}).encode()
    with connect(busy_server) as connection:
        head = HEAD.replace(b"/v1/read", b"/v1/tables/export") + b"content-length: %d\r\n\r\n" % len(body)
        connection.sendall(head + body)
        wait_for_load(busy_server, 1)
    wait_for_load(busy_server, 0)


@pytest.mark.slow
def test_sigterm_ends_what_cannot_be_read_within_10_seconds(busy_server, digits):
    with send_page(busy_server, digits) as connection:
        wait_for_load(busy_server, 1)
        started = time.monotonic()
        assert busy_server.stop() == ""
        assert time.monotonic() - started < 10
        assert connection.recv(65536).startswith(b"HTTP/1.1 503 ")


@pytest.mark.slow
def test_the_server_is_live_while_it_refuses_large_bodies_of_json(server):
    body = b"{" + b",".join(b'"%x":1' % i for i in range(400_000)) + b"}"
    before, statuses, shares = server.peak_memory(), [], []

    def send(client: httpx.Client) -> None:
        statuses.extend(client.post("/v1/runs", content=body).status_code for _ in range(3))

    with ExitStack() as stack:  # a client takes longer to make than a body to be refused
        good, *crowd = (stack.enter_context(httpx.Client(base_url=server.url, timeout=120)) for _ in range(9))
        for _ in range(5):
            senders = [threading.Thread(target=send, args=(client,)) for client in crowd]
            for sender in senders:
                sender.start()
            begun, longest = time.monotonic(), 0.0
            while any(sender.is_alive() for sender in senders):
                started = time.monotonic()
                assert good.get("/live").status_code == 200
                longest = max(longest, time.monotonic() - started)
            shares.append(longest / (time.monotonic() - begun))
    assert statuses == [422] * 120
    # At most as long as a few of the 24 bodies; in half a second, one wait for a core may be as long.
    assert statistics.median(shares) < 1 / 4
    assert server.peak_memory() < before + 250


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/v1/digits", "/v1/corrections/import"])
def test_a_crowd_with_large_bodies_holds_up_no_other_address_and_not_the_end(tmp_path, digits, path):
    server = ServeProcess(tmp_path, "--no-browser", "--timeout", "60")
    crop = base64.b64encode(digits.x_test[0].tobytes()).decode()
    line = {"crop": crop, "label": 3, "network": "0" * 64, "created": "2026-01-01T00:00:00Z"}
    bodies = {
        "/v1/digits": json.dumps({"digits": digits.x_test[:1000].tolist()}),
        "/v1/corrections/import": (json.dumps(line) + "\n") * 4000,
    }
    body = bodies[path].encode()
    head = HEAD.replace(b"/v1/read", path.encode()) + b"content-length: %d\r\n\r\n" % len(body)
    crowd = [connect(server, "127.0.0.2") for _ in range(MAX_CONNECTIONS_PER_ADDRESS - 4)]
    senders = [threading.Thread(target=lambda each: each.sendall(head + body), args=(each,)) for each in crowd]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    with ExitStack() as stack, httpx.Client(base_url=server.url, timeout=60) as good:
        for each in crowd:
            stack.enter_context(each)
        one = {"digits": digits.x_test[:1].tolist()}
        for _ in range(3):
            assert good.post("/v1/digits", json=one).status_code == 200
            assert good.post("/v1/read?one=true", content=png(digits.x_test[0])).status_code == 200
            assert good.post("/v1/read", content=page_of_numbers(digits)).status_code == 200
            new = {"corrections": [{"crop": crop, "label": 3}]}
            assert good.post("/v1/corrections", json=new).status_code == 201
            assert good.get("/v1/corrections?n=1").status_code == 200
        started = time.monotonic()
        assert server.stop() == ""
        assert time.monotonic() - started < 10


def test_clients_that_hang_up_and_bad_requests_fill_no_log(server):
    """The fixture checks what the server has logged."""
    for path in ("/v1/read", "/v1/digits", "/v1/forms", "/v1/corrections/import"):
        for kind in (b"application/json", b"multipart/form-data; boundary=B"):
            with connect(server) as connection:
                head = HEAD.replace(b"/v1/read", path.encode()) + b"content-type: " + kind
                connection.sendall(head + b"\r\ncontent-length: 1000\r\n\r\n--B\r\n")
                time.sleep(0.05)
    for bad in (b"no request", b"CONNECT evil:443 HTTP/1.1", b"GET http://127.0.0.1:99999999/ HTTP/1.1"):
        with connect(server) as connection:
            connection.sendall(bad + b"\r\nhost: 127.0.0.1\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 400"), bad
    metrics = httpx.get(f"{server.url}/metrics").text
    assert 'tendigits_requests_total{route="/v1/read",status="499"}' in metrics
    assert not re.search(r'tendigits_requests_total\{[^}]*status="500"', metrics)


CORRECTION = b'{"corrections": [{"crop": "%s", "label": 3}]}' % base64.b64encode(bytes(784))
CHUNK, LAST_CHUNK = b"%x\r\n%s\r\n" % (len(CORRECTION), CORRECTION), b"0\r\n\r\n"
UNCLEAR = {
    b"transfer-encoding: gzip, chunked\r\n\r\n" + CHUNK: 501,
    b"transfer-encoding: identity\r\n\r\n" + CORRECTION: 501,
    b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNK: 501,
    b"transfer-encoding: chunked\r\ncontent-length: %d\r\n\r\n" % len(CHUNK + LAST_CHUNK) + CHUNK: 400,
    b"content-length: 5\r\ncontent-length: 6\r\n\r\n": 400,
    b"content-length: +5\r\n\r\n": 400,
    **{
        b"transfer-encoding: chunked\r\n\r\n" + CHUNK + size: 431 if len(size) > 2**16 else 400
        for size in (b"0x0\r\n", b"+0\r\n", b"-0\r\n", b"0\n", b"\r\n", b"0" * 30 + b"\r\n", b"0;" + b"x" * 2**18)
    },
}


@pytest.mark.parametrize("case", range(len(UNCLEAR)))
def test_a_body_whose_end_is_unclear_ends_its_connection_and_nothing_of_it_is_done(server, case):
    """Else its rest could pass for another request, here or at a proxy in front."""

    def counts() -> tuple[int, int]:
        recipes = httpx.get(f"{server.url}/metrics").text.count('tendigits_requests_total{route="/v1/recipes"')
        return httpx.get(f"{server.url}/v1/corrections").json()["count"], recipes

    (unclear, status), before = list(UNCLEAR.items())[case], counts()
    connection = connect(server)
    with suppress(ConnectionError):
        smuggled = b"GET /v1/recipes HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
        connection.sendall(HEAD.replace(b"/v1/read", b"/v1/corrections") + unclear + LAST_CHUNK + smuggled)
    answers = received_until_closed(connection)
    assert answers.startswith(b"HTTP/1.1 %d " % status)
    assert answers.count(b"HTTP/1.1 ") == 1
    assert json.loads(answers.partition(b"\r\n\r\n")[2])["status"] == status
    assert counts() == before


def test_headers_of_64_kb_are_read_and_longer_ones_refused(server):
    for n, status in ((60_000, b"200"), (80_000, b"431")):
        connection = connect(server)
        connection.sendall(b"GET /live HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\nx: " + b"y" * n)
        if status == b"200":
            connection.sendall(b"\r\n\r\n")
        assert received_until_closed(connection).startswith(b"HTTP/1.1 " + status)
