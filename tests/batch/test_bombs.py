"""Small files that need gigabytes or hours to decode end in one clear error, and nothing else is lost."""

import os
import signal
import time

import httpx
import pytest

from bombs import large_pdf, slow_pdf, tile_bomb
from helpers import ServeProcess, page_of_numbers, tendigits

MAKERS = {"tile.tif": tile_bomb, "slow.pdf": slow_pdf, "large.pdf": large_pdf}

TIMEOUT = 10
"""Seconds for a picture."""


@pytest.fixture(params=[name if name != "large.pdf" else pytest.param(name, marks=pytest.mark.slow) for name in MAKERS])
def bomb(request, tmp_path):
    (tmp_path / "scans").mkdir()
    path = tmp_path / "scans" / request.param
    path.write_bytes(MAKERS[request.param]())
    return path


def wait(process):
    """Wait for a process; gives the largest memory of it and its children, in MB."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    process.stderr.close()
    return usage.ru_maxrss >> 10


@pytest.mark.parametrize("where", ["command line", "batch", "server"])
def test_a_bomb_is_one_error_within_the_deadline_and_under_1_gb(bomb, where, digits):
    good = page_of_numbers(digits)
    started = time.monotonic()
    if where == "server":
        server = ServeProcess(bomb.parent.parent, "--no-browser", "--timeout", str(TIMEOUT))
        with httpx.Client(base_url=server.url, timeout=60) as client:
            started = time.monotonic()
            answer = client.post("/v1/read", content=bomb.read_bytes())
            seconds = time.monotonic() - started
            assert answer.status_code >= 400
            assert "error" in answer.json()
            assert client.post("/v1/read", content=good).status_code == 200
        process = server.process
        process.send_signal(signal.SIGTERM)
    else:
        if where == "batch":
            for name in ("1.png", "2.png"):
                (bomb.parent / name).write_bytes(good)
        options = ["--workers", "2"] if where == "batch" else []
        process = tendigits("read", bomb.parent if where == "batch" else bomb, "--timeout", TIMEOUT, *options)
        out, errors = process.stdout.read(), process.stderr.read()
        seconds = time.monotonic() - started
        error, summary = errors.splitlines()
        assert str(bomb) in error
        assert error.startswith("tendigits: expected ")
        read = 2 if where == "batch" else 0
        assert summary == f"tendigits: read {read} of {read + 1} pictures; 1 could not be read"
        assert {line.split(":")[0] for line in out.splitlines()} == {
            str(bomb.parent / f"{n + 1}.png") for n in range(read)
        }
    assert wait(process) < 1000
    assert seconds < 5 * TIMEOUT, "with the start of processes on a busy machine"
