"""The real process: what it prints, who can reach it, how it ends."""

import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import numpy as np
import pytest

from helpers import ServeProcess, crop64, number, page_of_numbers, png
from tendigits.teach.store import Store

pytestmark = pytest.mark.xdist_group("server")

PNG = {"content-type": "image/png"}


def test_it_prints_its_address_and_reads(server, digits):
    assert server.first_line == f"tendigits reads at {server.url}   (Ctrl-C stops it)\n"
    answer = httpx.post(f"{server.url}/v1/read?one=true", content=png(digits.x_test[0]))
    assert answer.json()["pages"][0]["text"] == str(digits.y_test[0])
    assert "server" not in answer.headers
    assert httpx.get(f"{server.url}/").text.startswith("<!doctype html>")


def test_a_large_upload_is_cut_off(server):
    def chunks() -> Iterator[bytes]:
        for _ in range(60):
            yield bytes(2**20)

    for content in (bytes(60 * 2**20), chunks()):
        with suppress(httpx.WriteError, httpx.ReadError):  # it may stop listening while we are sending
            assert httpx.post(f"{server.url}/v1/read", content=content, headers=PNG).status_code == 413
    assert server.peak_memory() < 600


def test_silent_connections_of_one_address_do_not_keep_others_out(server):
    """A client gets some of the connections; with those of ten the server is full, until they are closed."""

    def silent(address: str) -> list[socket.socket]:
        return [socket.create_connection(("127.0.0.1", server.port), 20, (address, 0)) for _ in range(90)]

    def wait_for(status: int) -> None:
        for _ in range(200):
            with suppress(httpx.TransportError):  # closed before all of the request was sent
                if httpx.get(f"{server.url}/live", timeout=20).status_code == status:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{status} did not come")

    connections = silent("127.0.0.2")
    wait_for(200)
    connections += [each for i in range(3, 13) for each in silent(f"127.0.0.{i}")]
    wait_for(503)
    for connection in connections:
        connection.close()
    wait_for(200)


def test_clients_that_hang_up_fill_no_log(server):
    """Nor do requests that are none: the fixture looks at what the server has said."""
    with ExitStack() as connections:
        for path in ("/v1/read", "/v1/digits", "/v1/forms", "/v1/corrections/import"):
            head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: %s\r\ncontent-length: 1000\r\n\r\n"
            for kind in ("application/json", "multipart/form-data; boundary=B"):
                connection = connections.enter_context(socket.create_connection(("127.0.0.1", server.port), 60))
                connection.sendall((head % kind).encode() + b"--B\r\n")
        time.sleep(0.2)  # until they are received
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        connection.sendall(b"no request\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    metrics = httpx.get(f"{server.url}/metrics").text
    assert 'tendigits_requests_total{route="/v1/read",status="499"}' in metrics
    assert not re.search(r'tendigits_requests_total\{[^}]*status="500"', metrics)


def test_endless_headers_and_requests_that_nobody_reads_the_answers_of_take_no_memory(server):
    """300 MB each; before, the first took 6 GB, and the second 1 GB."""
    endless = b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n", b"a: b\r\n" * 2**14
    unread = b"", b"GET /style.css HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n" * 2**11
    before = server.peak_memory()
    for begin, more in (endless, unread):
        with socket.create_connection(("127.0.0.1", server.port), 2) as connection, suppress(OSError):
            connection.sendall(begin)
            for _ in range(300 * 2**20 // len(more)):
                connection.sendall(more)
    assert server.peak_memory() < before + 30


@pytest.mark.slow
def test_large_bodies_that_do_not_end_are_held_within_a_budget(server):
    """60 pictures of 32 MB that lack a byte: of one address 256 MB are held, and another one is answered."""
    before, refused = server.peak_memory(), []
    head = b"POST /v1/read HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: %d\r\n\r\n" % 2**25

    def send() -> None:
        with socket.create_connection(("127.0.0.1", server.port), 60, ("127.0.0.2", 0)) as connection:
            with suppress(OSError):
                connection.sendall(head + bytes(2**25 - 1))
            refused.append(connection.recv(4096)[9:12])

    senders = [threading.Thread(target=send) for _ in range(60)]
    for sender in senders:
        sender.start()
    answer = httpx.post(f"{server.url}/v1/read", content=bytes(2**24), timeout=60)
    assert answer.status_code == 415
    for sender in senders:
        sender.join()
    assert set(refused) == {b"503", b"408"}
    assert refused.count(b"503") >= 50
    assert server.peak_memory() < before + 500


@pytest.mark.slow
def test_an_export_that_nobody_reads_takes_no_memory(tmp_path):
    """50 MB of it, eight times, and it is imported in parts of 25; before, the eight took 2.9 GB."""
    store = Store(tmp_path / "a.db")
    wide = np.random.default_rng(0).integers(0, 256, (240, 40, 4096), dtype=np.uint8)
    store.add([number(strip, "1") for strip in wide])
    server = ServeProcess(tmp_path, "--no-browser")
    before = server.peak_memory()
    asked = b"GET /v1/corrections/export HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    lazy = [socket.create_connection(("127.0.0.1", server.port), 60) for _ in range(8)]
    for connection in lazy:
        connection.sendall(asked)
    lines = httpx.get(f"{server.url}/v1/corrections/export", timeout=60).content.splitlines(keepends=True)
    assert len(lines) == 240
    assert server.peak_memory() < before + 200
    for connection in lazy:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.close()
    for half in (lines[:120], lines[120:]):
        answer = httpx.post(f"{server.url}/v1/corrections/import", content=b"".join(half), timeout=60)
        assert answer.json() == {"read": 120, "count": 240}
    assert server.peak_memory() < before + 250
    assert server.stop() == ""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_layers_are_answered_at_once_without_keras(server, digits):
    """Keras and JAX took two seconds, and 300 MB of the server for as long as it ran."""
    answer = httpx.post(f"{server.url}/v1/layers", json={"crop": crop64(digits.x_test[0])})
    assert answer.json()["layers"][0]["name"].startswith("convolution 1")
    loaded = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "onnxruntime" in loaded
    assert "jaxlib" not in loaded


@pytest.mark.slow
def test_the_server_is_live_while_it_refuses_large_bodies_of_json(server):
    """Before, 17 MB of unknown fields took 1.9 GB, and /live 31 seconds."""
    body = b"{" + b",".join(b'"%x":1' % i for i in range(400_000)) + b"}"
    url, before, statuses = f"{server.url}/v1/runs", server.peak_memory(), []

    def send() -> None:
        statuses.extend(httpx.post(url, content=body, timeout=120).status_code for _ in range(3))

    senders = [threading.Thread(target=send) for _ in range(8)]
    for sender in senders:
        sender.start()
    longest, n_answered = 0.0, 0
    while any(sender.is_alive() for sender in senders):
        started = time.monotonic()
        assert httpx.get(f"{server.url}/live", timeout=60).status_code == 200
        longest, n_answered = max(longest, time.monotonic() - started), n_answered + 1
    assert statuses == [422] * 24
    assert n_answered > 20
    assert longest < 3
    assert server.peak_memory() < before + 250


def wait_for_the_end(port: int) -> None:
    """Until a server takes no connections any more."""
    with suppress(ConnectionRefusedError):
        while True:
            socket.create_connection(("127.0.0.1", port), timeout=30).close()
            time.sleep(0.02)


def test_corrections_survive_ctrl_c_and_running_requests_survive_sigterm(tmp_path, digits):
    """The second server has a token and another name, and ends between the headers and the body of a request."""
    first = ServeProcess(tmp_path)
    new = {"corrections": [{"crop": crop64(digits.x_test[0]), "label": 3}]}
    assert httpx.post(f"{first.url}/v1/corrections", json=new).status_code == 201
    assert first.stop(signal.SIGINT) == ""

    token = "0123456789abcdef0123"
    second = ServeProcess(tmp_path, "--host", "0.0.0.0", "--name", "reader.example", TENDIGITS_TOKEN=token)
    assert token not in second.first_line
    bearer = {"authorization": f"Bearer {token}"}
    assert httpx.get(f"{second.url}/v1/corrections").status_code == 401
    for host, status in (("127.0.0.1", 200), ("reader.example", 200), ("other.example", 421)):
        answer = httpx.get(f"{second.url}/v1/corrections", headers={"host": host, **bearer})
        assert answer.status_code == status
        assert status == 421 or answer.json()["count"] == 1

    body = png(digits.x_test[0])
    with socket.create_connection(("127.0.0.1", second.port), timeout=30) as connection:
        head = f"POST /v1/read?one=true HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        connection.sendall(f"{head}expect: 100-continue\r\ncontent-length: {len(body)}\r\n\r\n".encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it receives
        second.process.send_signal(signal.SIGTERM)
        wait_for_the_end(second.port)
        connection.sendall(body)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["pages"][0]["text"] == str(digits.y_test[0])
    _, errors = second.process.communicate(timeout=60)
    assert (second.process.returncode, errors) == (0, "")


def test_with_phone_it_makes_its_token_and_a_page_that_waits_does_not_delay_its_end(tmp_path):
    server = ServeProcess(tmp_path, "--phone", "--name", "reader.example", TENDIGITS_TOKEN="")
    token = re.search(r"\?token=(\S{22}) ", server.first_line)[1]
    assert httpx.get(f"{server.url}/v1/phone").status_code == 401
    bearer = {"authorization": f"Bearer {token}"}
    address = httpx.get(f"{server.url}/v1/phone", headers=bearer).json()["url"]
    assert re.fullmatch(rf"http://reader\.example:{server.port}/phone\.html\?token=\S{{22}}", address)
    assert token not in address
    with httpx.stream("GET", f"{server.url}/v1/phone/events", headers=bearer, timeout=60) as waiting:
        assert server.stop() == ""
        assert "event: end\n" in waiting.read().decode()


@pytest.mark.slow
def test_training_is_stopped_with_the_server_and_can_be_resumed(tmp_path):
    """Even while a client follows it: that connection does not delay the end."""
    server = ServeProcess(tmp_path)
    wanted = {"recipe": "mlp", "settings": {"epochs": 200}, "name": "mine"}
    job = httpx.post(f"{server.url}/v1/runs", json=wanted).json()
    assert httpx.post(f"{server.url}/v1/runs", json={"recipe": "mlp"}).status_code == 409  # one job at a time
    received = []

    def follow() -> None:
        with httpx.stream("GET", f"{server.url}/v1/jobs/{job['id']}/events", timeout=60) as answer:
            received.extend(answer.iter_lines())

    follower = threading.Thread(target=follow)
    follower.start()
    history = tmp_path / "runs" / "mine" / "history.csv"
    while not (history.exists() and len(history.read_text().splitlines()) > 2) and server.process.poll() is None:
        time.sleep(0.1)
    server.stop()
    follower.join(30)
    assert any(line == "event: end" for line in received)
    record = json.loads((tmp_path / "runs" / "mine" / "run.json").read_text())
    assert record["status"] == "interrupted"
    assert (tmp_path / "runs" / "mine" / "model.keras").exists()  # the best so far


def workers_of(server: ServeProcess) -> set[int]:
    """The processes that read."""
    threads = Path(f"/proc/{server.process.pid}/task").glob("*/children")
    children = {int(child) for thread in threads for child in thread.read_text().split()}
    found = set()
    for child in children:
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                found.add(child)
    return found


def are_up(workers: set[int]) -> bool:
    """Whether idle processes are done with starting: for a second they have used no processor."""

    def ticks() -> list[list[str]]:
        return [Path(f"/proc/{worker}/stat").read_text().split()[13:15] for worker in sorted(workers)]

    before = ticks()
    time.sleep(1)
    return ticks() == before


def send_page(server: ServeProcess, digits) -> socket.socket:
    """Ask for a page to be read, and do not wait for the answer."""
    body = page_of_numbers(digits)
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    connection.sendall(
        f"POST /v1/read HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    )
    return connection


def load_of(server: ServeProcess) -> float:
    return float(re.search(r"^tendigits_load (\S+)", httpx.get(f"{server.url}/metrics").text, re.MULTILINE)[1])


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_load(server: ServeProcess, load: float) -> None:
    wait_until(lambda: load_of(server) == load)


@pytest.mark.slow
def test_whatever_happens_to_the_processes_others_are_served_and_the_end_is_soon(tmp_path, digits):
    """Stopped, with a picture in hand: a client that hangs up frees its place, killed they are replaced, and SIGTERM
    ends what cannot be read."""
    server = ServeProcess(tmp_path, "--timeout", "60")
    page, one = page_of_numbers(digits), png(digits.x_test[0])
    assert httpx.post(f"{server.url}/v1/read", content=page, timeout=30).status_code == 200
    assert httpx.post(f"{server.url}/v1/read?one=true", content=one, timeout=30).status_code == 200
    workers = workers_of(server)

    def send_to_all(number: int) -> None:
        for worker in workers_of(server):
            os.kill(worker, number)

    send_to_all(signal.SIGSTOP)
    leaving = send_page(server, digits)
    wait_for_load(server, 1)
    leaving.close()
    wait_for_load(server, 0)
    wait_until(lambda: len(workers_of(server)) == len(workers) and workers_of(server) != workers)
    wait_until(lambda: are_up(workers_of(server)))
    send_to_all(signal.SIGSTOP)  # the one that has taken the place of the leaving client's, which is up now, too

    waiting = send_page(server, digits)
    wait_for_load(server, 1)
    send_to_all(signal.SIGKILL)
    with waiting:
        answer = waiting.recv(65536)
    assert answer.startswith(b"HTTP/1.1 503 "), answer
    assert b"retry-after: 5" in answer
    assert httpx.post(f"{server.url}/v1/read", content=page, timeout=30).status_code == 200
    assert not workers & workers_of(server)

    send_to_all(signal.SIGSTOP)
    waiting = send_page(server, digits)
    wait_for_load(server, 1)
    start = time.monotonic()
    assert server.stop() == ""
    assert time.monotonic() - start < 10
    with waiting:
        assert waiting.recv(65536).startswith(b"HTTP/1.1 503 ")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for the process in /proc")
def test_sigterm_ends_the_playground_its_followers_and_the_server(tmp_path):
    """While a network learns and a client follows it."""
    running = ServeProcess(tmp_path, "--no-browser")
    with httpx.Client(base_url=running.url, timeout=180) as client:
        client.put("/v1/play/networks/a", json={"hidden": [8], "digits": 100}).raise_for_status()
        worker = running.child("tendigits.play.worker")
        client.post("/v1/play/train").raise_for_status()
        with client.stream("GET", "/v1/play/events") as events:
            lines = events.iter_lines()
            assert any('"running"' in line for line in lines)
            started = time.monotonic()
            assert "Traceback" not in running.stop()
            assert time.monotonic() - started < 30  # uvicorn would wait 40 s for a connection that is open
            with suppress(httpx.RemoteProtocolError):
                for _ in lines:
                    pass
    assert not Path(f"/proc/{worker}").exists()
