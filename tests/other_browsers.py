"""Debian's Firefox and WebKit, as far as a test needs them: open an address, run JavaScript.

Playwright drives other builds of these two. Here are those that apt-get installs: firefox-esr; webkit2gtk-driver, xvfb.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from processes import free_port

SCRIPT_MS = 300_000
START_SECONDS = 60


@contextmanager
def started(folder: Path, *command: str) -> Iterator[None]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    environment = os.environ | {"HOME": str(folder)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def connect(port: int) -> socket.socket:
    """Connect to a program that has just been started."""
    for _ in range(10 * START_SECONDS):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.1)
    raise TimeoutError


def run_in_firefox(folder: Path, address: str, script: str) -> Any:
    """Speak Marionette, Firefox's protocol: JSON with its length in front."""
    port = free_port()
    (folder / "user.js").write_text(f'user_pref("marionette.port", {port});')
    command = ("firefox-esr", "--headless", "--marionette", "--no-remote", "--profile", str(folder))
    with started(folder, *command), connect(port) as connection, connection.makefile("rb") as answers:

        def read() -> Any:
            length = b"".join(iter(lambda: answers.read(1), b":"))
            return json.loads(answers.read(int(length)))

        def ask(name: str, **given: Any) -> Any:
            sent = json.dumps([0, 1, f"WebDriver:{name}", given])
            connection.sendall(f"{len(sent)}:{sent}".encode())
            _, _, error, result = read()
            assert error is None, error
            return result

        read()  # a greeting
        ask("NewSession")
        ask("SetTimeouts", script=SCRIPT_MS)
        ask("Navigate", url=address)
        return ask("ExecuteAsyncScript", script=script, args=[])["value"]


def run_in_webkit(folder: Path, address: str, script: str) -> Any:
    """Speak WebDriver, over HTTP."""
    port = free_port()
    with started(folder, "xvfb-run", "-a", "WebKitWebDriver", f"--port={port}"):
        connect(port).close()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SCRIPT_MS / 1000) as client:
            session = client.post("/session", json={"capabilities": {}}).json()["value"]["sessionId"]
            client.post(f"/session/{session}/timeouts", json={"script": SCRIPT_MS})
            client.post(f"/session/{session}/url", json={"url": address})
            asked = {"script": script, "args": []}
            result = client.post(f"/session/{session}/execute/async", json=asked).json()["value"]
            client.delete(f"/session/{session}")
            return result
