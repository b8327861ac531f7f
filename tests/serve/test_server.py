"""The real process: what it prints, who can reach it, how it ends."""

import io
import json
import logging
import re
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import pytest

from drawing import crop64, png
from processes import ServeProcess
from samples import number
from tendigits.serve.server import MAX_MESSAGE_CHARACTERS, LimitedHandler
from tendigits.teach.store import Store

pytestmark = pytest.mark.xdist_group("server")


def test_it_prints_its_address_and_reads(server, digits):
    assert server.first_line == f"tendigits reads at {server.url}   (Ctrl-C stops it)\n"
    answer = httpx.post(f"{server.url}/v1/read?one=true", content=png(digits.x_test[0]))
    assert answer.json()["pages"][0]["text"] == str(digits.y_test[0])
    assert "server" not in answer.headers
    assert httpx.get(f"{server.url}/").text.startswith("<!doctype html>")


@pytest.mark.slow
def test_an_export_that_nobody_reads_takes_no_memory(tmp_path):
    """50 MB of it, eight times."""
    store = Store(tmp_path / "a.db")
    wide = np.random.default_rng(0).integers(0, 256, (240, 40, 4096), dtype=np.uint8)
    store.add([number(strip, "1") for strip in wide])
    server = ServeProcess(tmp_path, "--no-browser")
    before = server.peak_memory()
    unread = [socket.create_connection(("127.0.0.1", server.port), 60) for _ in range(8)]
    for connection in unread:
        connection.sendall(b"GET /v1/corrections/export HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    assert len(httpx.get(f"{server.url}/v1/corrections/export", timeout=60).content.splitlines()) == 240
    assert server.peak_memory() < before + 200
    for connection in unread:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.close()
    assert server.stop() == ""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_layers_are_answered_at_once_without_keras(server, digits):
    """Keras and JAX would cost two seconds and 300 MB."""
    answer = httpx.post(f"{server.url}/v1/layers", json={"crop": crop64(digits.x_test[0])})
    assert answer.json()["layers"][0]["name"].startswith("convolution 1")
    loaded = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "onnxruntime" in loaded
    assert "jaxlib" not in loaded


def test_a_minute_has_at_most_20_messages_in_the_log_and_one_says_how_many_were_left_out():
    handler = LimitedHandler(io.StringIO())
    for second in [1000] * 2000 + [1030] * 4000 + [1090]:
        try:
            raise ValueError("x" * 100_000)
        except ValueError:
            record = {"msg": "request failed", "created": second, "exc_info": sys.exc_info()}
        handler.handle(logging.makeLogRecord(record))
    text = handler.stream.getvalue()
    assert text.count("request failed\nTraceback") == text.count("x\n") == 41
    assert "\n1,980 more messages were left out\n" in text
    assert "\n3,980 more messages were left out\n" in text
    assert len(text) < 42 * MAX_MESSAGE_CHARACTERS


def wait_for_the_end(port: int) -> None:
    """Until a server takes no connections any more."""
    with suppress(ConnectionRefusedError):
        while True:
            socket.create_connection(("127.0.0.1", port), timeout=30).close()
            time.sleep(0.02)


def test_a_running_request_survives_sigterm_and_the_token_is_not_shown(tmp_path, digits):
    """The signal comes between the headers and the body of a request."""
    token = "0123456789abcdef0123"
    server = ServeProcess(tmp_path, "--host", "0.0.0.0", "--name", "reader.example", TENDIGITS_TOKEN=token)
    assert token not in server.first_line
    assert httpx.get(f"{server.url}/v1/corrections").status_code == 401
    body = png(digits.x_test[0])
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        head = f"POST /v1/read?one=true HTTP/1.1\r\nhost: reader.example\r\nauthorization: Bearer {token}\r\n"
        connection.sendall(f"{head}expect: 100-continue\r\ncontent-length: {len(body)}\r\n\r\n".encode())
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # it receives
        server.process.send_signal(signal.SIGTERM)
        wait_for_the_end(server.port)
        connection.sendall(body)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["pages"][0]["text"] == str(digits.y_test[0])
    _, errors = server.process.communicate(timeout=10)
    assert (server.process.returncode, errors) == (0, "")


def test_with_phone_it_makes_its_token_and_a_page_that_waits_does_not_delay_its_end(tmp_path):
    server = ServeProcess(tmp_path, "--phone", "--name", "reader.example", TENDIGITS_TOKEN="")
    token = re.search(r"\?token=(\S{22}) ", server.first_line)[1]
    assert httpx.get(f"{server.url}/v1/phone").status_code == 401
    bearer = {"authorization": f"Bearer {token}"}
    address = httpx.get(f"{server.url}/v1/phone", headers=bearer).json()["url"]
    assert re.fullmatch(rf"http://reader\.example:{server.port}/phone\.html\?token=\S{{22}}", address)
    assert token not in address
    with httpx.stream("GET", f"{server.url}/v1/phone/events", headers=bearer, timeout=60) as waiting:
        assert server.stop(signal.SIGINT) == ""  # Ctrl-C
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
        with httpx.stream("GET", f"{server.url}/v1/jobs/{job['id']}/events", timeout=300) as answer:
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
