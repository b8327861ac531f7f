"""`tendigits serve` refuses what would be unsafe or cannot work, before it loads anything."""

import errno
import re
import socket
import subprocess
import sys
from unittest.mock import Mock

import httpx
import pytest
from typer.testing import CliRunner

from tendigits.cli import app
from tendigits.errors import UserError


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Calls a command with options and a token; gives the error, and checks that no store was created."""

    def call(*options: str, token: str = "", command: str = "serve") -> str:
        monkeypatch.setenv("TENDIGITS_TOKEN", token)
        result = CliRunner().invoke(app, [command, "--store", str(tmp_path / "a.db"), *options])
        assert isinstance(result.exception, UserError), result.exception
        assert not (tmp_path / "a.db").exists()
        return str(result.exception)

    return call


def test_a_public_address_needs_a_token_that_is_strong_and_plain_text(refused):
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        message = refused("--host", host)
        assert "expected a token in TENDIGITS_TOKEN because other machines can reach" in message
        assert message.endswith(f" tendigits serve --host {host}")
    message = refused("--host", "0.0.0.0", command="play")
    assert message.endswith(" tendigits play --host 0.0.0.0; the playground alone needs none: tendigits play --phone")
    for token in ("short", "with a space in it ....", "ä" * 20):
        assert "expected at least 16 characters without spaces in TENDIGITS_TOKEN" in refused(token=token)


def test_a_phone_needs_an_address_that_it_can_reach(refused, monkeypatch):
    for host in ("127.0.0.1", "localhost", "::1"):
        assert f"an address that a phone can reach, received {host}" in refused("--phone", "--host", host)
    unreachable = OSError(errno.ENETUNREACH, "Network is unreachable")
    monkeypatch.setattr(socket.socket, "connect", Mock(side_effect=unreachable))
    assert "expected a network that the phone is in, too, found none" in refused("--phone")
    assert "expected at least 16 characters" in refused("--phone", token="short")


def test_a_port_in_use_and_an_address_of_another_machine(refused):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        message = refused("--port", str(taken.getsockname()[1]))
    assert message.endswith("Address already in use; choose another --port")
    assert "cannot listen on 192.0.2.1" in refused("--host", "192.0.2.1", token="0123456789abcdef")


def test_the_playground_alone_needs_no_token_and_has_nothing_else(tmp_path):
    """As for phones: `play --phone`, here on one address."""
    command = [sys.executable, "-m", "tendigits", "play", "--phone", "--name", "localhost", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        url = re.search(r"tendigits plays at (http://localhost:\d+/) ", process.stdout.readline())[1]
        assert "Watch a network learn" in httpx.get(url).text
        assert httpx.get(f"{url}manifest.json").headers["content-type"] == "application/json"
        for path in ("v1/runs", "..%2F..%2Fetc/passwd", "page/app.js"):
            assert httpx.get(url + path).status_code == 404
        assert httpx.post(f"{url}v1/read").status_code == 405
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert (process.returncode, list(tmp_path.iterdir())) == (0, [])
