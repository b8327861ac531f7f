"""The real process: what it says, who reaches it, how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from helpers import crop64, png
from tendigits.serve.server import is_local

pytestmark = pytest.mark.alone


class Server:
    """`tendigits serve` on a free port."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        command = [sys.executable, "-m", "tendigits", "serve", "--port", "0", "--store", str(folder / "a.db")]
        command += ["--runs", str(folder / "runs"), *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )
        self.said = self.process.stdout.readline()
        match = re.search(r"http://\S+:(\d+)", self.said)
        if match is None:
            raise RuntimeError(self.process.communicate()[1])
        self.port = int(match[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def server(tmp_path) -> Iterator[Any]:
    started = []

    def start(*arguments: str, **environment: str) -> Server:
        started.append(Server(tmp_path, *arguments, **environment))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def test_it_says_where_it_is_reads_and_ends_with_0(server, digits):
    running = server("--no-browser")
    assert running.said == f"tendigits reads at {running.url}   (Ctrl-C ends it)\n"
    assert running.process.stdout.readline().startswith("corrections: sqlite:///")
    answer = httpx.post(f"{running.url}/v1/read?one=true", content=png(digits.x_test[0]),
                        headers={"content-type": "image/png"})  # fmt: skip
    assert answer.json()["pages"][0]["text"] == str(digits.y_test[0])
    assert "server" not in answer.headers
    assert httpx.get(f"{running.url}/").text.startswith("<!doctype html>")
    assert running.stop() == 0
    assert running.process.stderr.read() == ""


def test_ctrl_c_ends_it_as_well(server):
    running = server()
    assert httpx.get(f"{running.url}/ready").status_code == 200
    assert running.stop(signal.SIGINT) == 0
    assert "Traceback" not in running.process.stderr.read()


def test_a_request_that_has_begun_is_answered_before_it_ends(server, digits):
    """SIGTERM between the headers of a request and the end of its body."""
    running = server()
    body = png(digits.x_test[0])
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
        head = "POST /v1/read?one=true HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: image/png\r\n"
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body[:100])
        time.sleep(0.3)
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(body[100:])
        said = b""
        while data := connection.recv(65536):
            said += data
    assert said.startswith(b"HTTP/1.1 200 OK")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["pages"][0]["text"] == str(digits.y_test[0])
    assert running.process.wait(60) == 0


@pytest.mark.slow
def test_a_training_is_stopped_with_the_server_and_can_be_resumed(server, tmp_path):
    """Also while a client follows it: that connection does not hold up the end."""
    running = server()
    new = {"recipe": "mlp", "epochs": 200, "name": "mine"}
    job = httpx.post(f"{running.url}/v1/runs", json=new).json()
    told = []

    def follow() -> None:
        with httpx.stream("GET", f"{running.url}/v1/jobs/{job['id']}/events", timeout=60) as answer:
            told.extend(answer.iter_lines())

    follower = threading.Thread(target=follow)
    follower.start()
    while not any(line.startswith("data: ") for line in told) and running.process.poll() is None:
        history = tmp_path / "runs" / "mine" / "history.csv"
        if history.exists() and len(history.read_text().splitlines()) > 2:
            break
        time.sleep(0.1)
    started = time.perf_counter()
    assert running.stop() == 0
    assert time.perf_counter() - started < 30
    follower.join(30)
    assert any(line == "event: end" for line in told)
    record = json.loads((tmp_path / "runs" / "mine" / "run.json").read_text())
    assert record["status"] == "interrupted"
    assert (tmp_path / "runs" / "mine" / "model.keras").exists()  # the best so far


def test_corrections_are_there_after_a_restart(server, digits):
    running = server()
    new = {"corrections": [{"crop": crop64(digits.x_test[0]), "label": 3}]}
    assert httpx.post(f"{running.url}/v1/corrections", json=new).status_code == 201
    running.stop()
    again = server()
    assert httpx.get(f"{again.url}/v1/corrections").json()["count"] == 1


def test_a_large_upload_is_cut_off(server):
    running = server()

    def chunks() -> Iterator[bytes]:
        for _ in range(60):
            yield bytes(2**20)

    for content in (bytes(60 * 2**20), chunks()):
        try:
            answer = httpx.post(f"{running.url}/v1/read", content=content, headers={"content-type": "image/png"})
            assert answer.status_code == 413
        except (httpx.WriteError, httpx.ReadError):
            pass  # it stopped listening while we were sending
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    assert int(re.search(r"VmHWM:\s+(\d+)", status)[1]) < 600_000  # kB


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_public_address_needs_a_token(host, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tendigits", "serve", "--host", host, "--store", str(tmp_path / "a.db")],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "expected a token in TENDIGITS_TOKEN where others can reach the server" in done.stderr
    assert not (tmp_path / "a.db").exists()


def test_with_a_token_it_serves_everybody_who_has_it(server):
    token = "0123456789abcdef0123"
    running = server("--host", "0.0.0.0", "--name", "reader.example", TENDIGITS_TOKEN=token)
    assert token not in running.said
    assert httpx.get(f"{running.url}/v1/corrections").status_code == 401
    bearer = {"authorization": f"Bearer {token}"}
    assert httpx.get(f"{running.url}/v1/corrections", headers=bearer).status_code == 200
    other = {"host": "reader.example", **bearer}
    assert httpx.get(f"{running.url}/v1/corrections", headers=other).status_code == 200
    assert httpx.get(f"{running.url}/v1/corrections", headers={"host": "else.example", **bearer}).status_code == 421


@pytest.mark.parametrize("token", ["short", "with a space in it ....", "\x00" * 20 if os.name == "nt" else "ä" * 20])
def test_a_token_that_is_none(tmp_path, token):
    done = subprocess.run(
        [sys.executable, "-m", "tendigits", "serve", "--store", str(tmp_path / "a.db")],
        capture_output=True, text=True, timeout=60, env={**os.environ, "TENDIGITS_TOKEN": token},
    )  # fmt: skip
    assert done.returncode == 2
    assert "at least 16 letters and digits" in done.stderr


def test_a_port_that_is_taken_is_told_at_once(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run(
            [sys.executable, "-m", "tendigits", "serve", "--port", str(taken.getsockname()[1]),
             "--store", str(tmp_path / "a.db")],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 2
    assert "Address already in use; choose another --port" in done.stderr


def test_silent_connections_do_not_keep_others_out(server):
    """As many as it takes, and one more: that one is told to come again, and those that wait are let go."""
    running = server()
    silent = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(300)]
    assert httpx.get(f"{running.url}/live", timeout=20).status_code == 200
    more = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(300)]
    time.sleep(0.5)
    assert httpx.get(f"{running.url}/live", timeout=20).status_code == 503
    for connection in silent + more:
        connection.close()
    time.sleep(0.5)
    assert httpx.get(f"{running.url}/live", timeout=20).status_code == 200


def test_many_clients_at_once(server, digits):
    """Fifty threads; all the same answers, none refused, and metrics that count them."""
    running = server()
    images = [png(image) for image in digits.x_test[:5]]
    expected = [str(label) for label in digits.y_test[:5]]
    wrong = []

    def ask(start: int) -> None:
        with httpx.Client(base_url=running.url, timeout=60) as client:
            for i in range(start, start + 10):
                answer = client.post("/v1/read?one=true", content=images[i % 5], headers={"content-type": "image/png"})
                if answer.status_code != 200 or answer.json()["pages"][0]["text"] != expected[i % 5]:
                    wrong.append(answer.text)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert 'tendigits_requests_total{route="/v1/read",status="200"} 500.0' in httpx.get(f"{running.url}/metrics").text


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("10.0.0.1", False), ("example.org", False)],
)  # fmt: skip
def test_which_addresses_are_this_machines_alone(host, local):
    assert is_local(host) == local
