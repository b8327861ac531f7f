"""Small files that need gigabytes or hours to decode end in one clear error, and nothing else is lost."""

import threading
import time
from contextlib import suppress

import httpx
import pytest

from bombs import large_pdf, slow_pdf, tile_bomb
from drawing import page_of_numbers
from processes import ServeProcess, children_of, peak_memory, tendigits

pytestmark = pytest.mark.slow

MAKERS = {"tile.tif": tile_bomb, "slow.pdf": slow_pdf, "large.pdf": large_pdf}

TIMEOUT = 10
"""Seconds for a picture."""


@pytest.fixture(params=MAKERS)
def bomb(request, tmp_path):
    (tmp_path / "scans").mkdir()
    path = tmp_path / "scans" / request.param
    path.write_bytes(MAKERS[request.param]())
    return path


class PeakMemory(threading.Thread):
    """Watches a process and its children; the peak of a child that has ended would include that of the tests."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.megabytes = process, 0
        self.start()

    def run(self):
        while self.process.poll() is None:
            for pid in [self.process.pid, *children_of(self.process.pid)]:
                with suppress(OSError, TypeError):
                    self.megabytes = max(self.megabytes, peak_memory(pid))
            time.sleep(0.01)


@pytest.mark.parametrize("where", ["command line", "batch", "server"])
def test_a_bomb_is_one_error_within_the_deadline_and_under_1_gb(bomb, where, digits):
    good = page_of_numbers(digits)
    started = time.monotonic()
    if where == "server":
        server = ServeProcess(bomb.parent.parent, "--no-browser", "--timeout", str(TIMEOUT))
        peak = PeakMemory(server.process)
        with httpx.Client(base_url=server.url, timeout=60) as client:
            started = time.monotonic()
            answer = client.post("/v1/read", content=bomb.read_bytes())
            seconds = time.monotonic() - started
            assert answer.status_code >= 400
            assert "error" in answer.json()
            assert client.post("/v1/read", content=good).status_code == 200
        server.stop()
    else:
        if where == "batch":
            for name in ("1.png", "2.png"):
                (bomb.parent / name).write_bytes(good)
        options = ["--workers", "2"] if where == "batch" else []
        process = tendigits("read", bomb.parent if where == "batch" else bomb, "--timeout", TIMEOUT, *options)
        peak = PeakMemory(process)
        out, errors = process.communicate()
        seconds = time.monotonic() - started
        error, summary = errors.splitlines()
        assert str(bomb) in error
        assert error.startswith("tendigits: expected ")
        read = 2 if where == "batch" else 0
        assert summary == f"tendigits: read {read} of {read + 1} pictures; 1 could not be read"
        assert {line.split(":")[0] for line in out.splitlines()} == {
            str(bomb.parent / f"{n + 1}.png") for n in range(read)
        }
    peak.join()
    assert 50 < peak.megabytes < 1000
    assert seconds < 5 * TIMEOUT, "with the start of processes on a busy machine"


def test_a_form_that_cannot_be_opened_in_time_is_one_error(tmp_path, digits):
    # Within 3 seconds PDFium would reach the memory limit instead: this form takes 290 MB a second.
    (tmp_path / "form.pdf").write_bytes(slow_pdf())
    (tmp_path / "exam.toml").write_text('picture = "form.pdf"\n[fields]\npoints = [1, 1, 90, 90]\n')
    (tmp_path / "page.png").write_bytes(page_of_numbers(digits))
    with tendigits("read", tmp_path / "page.png", "--form", tmp_path / "exam.toml", "--timeout", 1.2) as process:
        killer = threading.Timer(60, process.kill)
        killer.start()
        errors = process.communicate()[1].splitlines()
        killer.cancel()
    assert (process.returncode, len(errors)) == (2, 2)
    assert f"at {tmp_path / 'exam.toml'}, it took longer than 1.2 seconds" in errors[0]
