import io
import time

import pytest
from rich.console import Console
from rich.progress import Progress

from tendigits.data.fetch import fetch, reachable, within
from tendigits.errors import DownloadError


def fetched(server, *, max_bytes=1_000_000, timeout=2.0, limit=5.0, progress=None):
    file = io.BytesIO()
    fetch(server.url, file, max_bytes=max_bytes, timeout=timeout, limit=limit, progress=progress)
    return file.getvalue()


def test_what_is_sent_is_what_comes(server):
    server.body = bytes(range(256)) * 1000
    assert fetched(server) == server.body
    assert server.requests == ["GET"]


def test_the_bar_reaches_the_length(server):
    server.body = bytes(200_001)
    with Progress(console=Console(file=io.StringIO())) as progress:
        fetched(server, progress=progress)
        (task,) = progress.tasks
    assert (task.total, task.completed, task.finished) == (200_001, 200_001, True)


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_an_error_status(server, status):
    server.status = status
    with pytest.raises(DownloadError, match=f"^HTTP status {status}$"):
        fetched(server)


def test_a_cut_body(server):
    server.body, server.announce = bytes(1000), 2000
    with pytest.raises(DownloadError, match="the connection ended before the file did"):
        fetched(server)


def test_an_announced_length_over_the_cap_is_refused_before_the_body(server):
    server.body, server.announce = bytes(10), 10**12
    with pytest.raises(DownloadError, match="announces 1,000,000,000,000 bytes, over the cap of 1,000,000"):
        fetched(server)


def test_a_length_over_the_cap_that_is_not_announced_is_cut_off(server):
    server.body, server.announce = bytes(3_000_000), ""
    file = io.BytesIO()
    with pytest.raises(DownloadError, match="more than the cap of 1,000,000 bytes"):
        fetch(server.url, file, max_bytes=1_000_000, timeout=2, limit=5)
    assert len(file.getvalue()) <= 1_000_000


def test_a_server_that_does_not_answer(server):
    server.head_delay = 30
    start = time.monotonic()
    with pytest.raises(DownloadError, match=r"^no answer within 0\.2 s$"):
        fetched(server, timeout=0.2)
    assert time.monotonic() - start < 2


def test_a_server_that_trickles_is_left_after_the_limit(server):
    """Each byte comes within the time-out, the whole would take 200 s."""
    server.body, server.byte_delay = bytes(4000), 0.05
    start = time.monotonic()
    with pytest.raises(DownloadError, match=r"^not done within 0\.6 s$"):
        fetched(server, timeout=0.3, limit=0.6)
    assert time.monotonic() - start < 3


def test_a_port_where_nothing_listens():
    with pytest.raises(DownloadError, match=r"^the server cannot be reached$"):
        fetch("http://127.0.0.1:9/x", io.BytesIO(), max_bytes=10, timeout=1, limit=5)


def test_a_full_disk_is_not_the_networks_fault(server):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    server.body = b"x"
    with pytest.raises(OSError, match="No space left"):
        fetch(server.url, Full(), max_bytes=10, timeout=1, limit=5)


def test_reachable_asks_for_the_head_only(server):
    assert reachable(server.url, 1) == ""
    assert server.requests == ["HEAD"]
    server.status = 404
    assert reachable(server.url, 1) == "HTTP status 404"
    server.head_delay = 30
    assert reachable(server.url, 0.2) == "no answer within 0.2 s"
    assert reachable("http://127.0.0.1:9/x", 1) == "the server cannot be reached"


def test_within_hands_on_results_and_errors():
    assert within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)
