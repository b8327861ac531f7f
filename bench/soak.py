"""Memory of `tendigits serve` under an hour of mixed load: reads, tables, drawings, corrections, training, attacks.

    python bench/soak.py                    # bench/results/soak.json
    python bench/soak.py --minutes 5

One client sends every kind of request in turn, and each must have the status that it should have. Memory is what the
processes hold, a page of several processes divided among them (PSS), so it looks into Linux' /proc.
"""

import base64
import json
import re
import socket
import statistics
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from environments import BENCH, ROOT, options, recorded
from serving import SERVERS, children, running, write_bodies

RESULTS = ROOT / "bench" / "results" / "soak.json"
PAUSE_SECONDS = 0.3
"""Between two requests."""

KEYS = ("server", "workers", "files")
"""What a sample has: megabytes of the server and of its workers, and the server's open files."""

JOB_MINUTES = 8
"""From one training or teaching to the next."""

BUSY = 503
"""The status of an answer that other programs on the machine made too late."""

TRAINING = {"recipe": "classic", "settings": {"epochs": 1, "hidden": [32]}}
HOST = b" HTTP/1.1\r\nhost: 127.0.0.1\r\n"
CHUNKED = HOST + b"transfer-encoding: chunked\r\n\r\n"


class Busy(Exception):
    """The server had no time for this."""


def main() -> None:
    """Run the load, and save what was measured."""
    parser = options(__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    given = parser.parse_args()
    record = recorded(RESULTS, given.report_only, lambda: measure(given.data.resolve(), given.minutes))
    print(summary(record))


def measure(data: Path, minutes: float) -> dict[str, Any]:
    """Send the load; gives the number of requests of each kind and the memory over time."""
    BENCH.mkdir(exist_ok=True)
    counts: Counter[str] = Counter()
    samples: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name, running(SERVERS["tendigits"], Path(name)) as (port, process):
        requests = requests_of(port, data, Path(name))
        jobs, next_job = [training, teaching], time.monotonic()
        end, started = time.monotonic() + 60 * minutes, time.monotonic()
        while time.monotonic() < end:
            for kind, ask in requests.items():
                try:
                    ask()
                    counts[kind] += 1
                except Busy:
                    counts["refused"] += 1
                time.sleep(PAUSE_SECONDS)
            if time.monotonic() >= next_job:
                jobs[0](port)
                counts[jobs[0].__name__] += 1
                jobs.reverse()
                next_job = time.monotonic() + 60 * JOB_MINUTES
            samples.append({"minutes": (time.monotonic() - started) / 60, **memory(process.pid)})
    return {"requests": counts, "samples": samples}


def requests_of(port: int, data: Path, folder: Path) -> dict[str, Callable[[], None]]:
    """Each kind of request: a function that sends it and raises if the status is another."""
    digit, photo = (path.read_bytes() for path, _ in map(write_bodies(data, folder).get, ("digit", "photo")))  # type: ignore[misc]
    with np.load(data) as mnist:
        images, labels = mnist["x_test"][:64], mnist["y_test"][:64]
    crops = [base64.b64encode(image.tobytes()).decode() for image in images]
    corrections = [{"crop": crop, "label": int(label)} for crop, label in zip(crops, labels, strict=True)]
    rows = [[{"value": str(7 * row + column)} for column in range(6)] for row in range(30)]

    def ask(path: str, body: Any = None, status: int = 200) -> Callable[[], None]:
        return lambda: expect(status, *answer_of(port, path, body))

    def attack(sent: bytes, *statuses: int) -> Callable[[], None]:
        return lambda: expect_one_of(statuses, sent, port)

    return {
        "a digit": ask("/v1/read?one=true&crops=true", digit),
        "a photo": ask("/v1/read?crops=true", photo),
        "its table": ask("/v1/tables", photo),
        "a preview": ask("/v1/preview", photo),
        "crops": ask("/v1/digits", {"digits": images.tolist()}),
        "layers": ask("/v1/layers", {"crop": crops[0]}),
        "corrections": ask("/v1/corrections", {"corrections": corrections}, 201),
        "their export": ask("/v1/corrections/export"),
        "a check of sums": ask("/v1/tables/check", {"rows": rows}),
        "a spreadsheet": ask("/v1/tables/export", {"tables": [{"name": "marks", "rows": rows}]}),
        "runs": ask("/v1/runs"),
        "networks": ask("/v1/networks"),
        "the page": ask("/"),
        "digits of the playground": ask("/digits.js"),
        "metrics": ask("/metrics"),
        "no picture": ask("/v1/read", b"no picture", 415),
        "wrong JSON": ask("/v1/digits", {"digits": [[[1]]]}, 422),
        "deep JSON": ask("/v1/runs", b"[" * 2**20, 422),
        "no such run": ask("/v1/runs/missing", status=404),
        "too large a body": attack(b"POST /v1/read" + HOST + b"content-length: 999999999\r\n\r\n", 413),
        "long headers": attack(b"GET /" + HOST + b"a: b\r\n" * 2**14, 431),
        "tiny chunks": attack(b"POST /v1/read" + CHUNKED + b"1\r\nx\r\n" * 2**16, 400),
        "a client that hangs up": attack(b"POST /v1/read" + HOST + b"content-length: %d\r\n\r\n" % len(photo) + photo),
    }  # fmt: skip


def answer_of(port: int, path: str, body: Any) -> tuple[int, str]:
    """The status of an answer and its beginning."""
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    kind = "application/octet-stream" if content is body else "application/json"
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", content, {"content-type": kind})  # it is http
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            return answer.status, answer.read()[:300].decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read()[:300].decode(errors="replace")


def expect(status: int, received: int, text: str) -> None:
    """Raise unless an answer has the right status."""
    if received == BUSY:
        raise Busy
    if received != status:
        raise RuntimeError(f"expected the status {status}, received {received}: {text}")


def expect_one_of(statuses: tuple[int, ...], sent: bytes, port: int) -> None:
    """Send bytes; without statuses hang up, else raise unless the answer has one of them or the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), 60) as connection, suppress(ConnectionError):
        connection.sendall(sent)
        if statuses:
            expect(statuses[0], int(connection.recv(12)[9:] or statuses[0]), "")


def training(port: int) -> None:
    """Train a small network in the background, and wait for it."""
    follow(port, "/v1/runs", TRAINING)


def teaching(port: int) -> None:
    """Teach from the corrections, and wait for it."""
    follow(port, "/v1/teach", b"")


def follow(port: int, path: str, body: Any) -> None:
    """Start a job and follow it to its end."""
    status, text = answer_of(port, path, body)
    expect(202, status, text)
    number = json.loads(text)["id"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/jobs/{number}/events", timeout=900) as events:
        last = [line for line in events.read().decode().splitlines() if line.startswith("data: ")][-1]
    if json.loads(last.removeprefix("data: "))["status"] != "finished":
        raise RuntimeError(f"expected a job that finishes, received {last}")


def memory(pid: int) -> dict[str, float]:
    """Megabytes of the server and of its workers, and its open files."""
    server, *workers = (proportional(each) for each in (pid, *children(pid)))
    return {"server": server, "workers": sum(workers), "files": len([*Path(f"/proc/{pid}/fd").iterdir()])}


def proportional(pid: int) -> float:
    """Megabytes that a process holds; a page of n processes counts one n-th."""
    with suppress(OSError):  # a worker has just ended
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(re.findall(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[0]) / 1000
    return 0.0


def summary(record: dict[str, Any]) -> str:
    """The memory at the start, in the middle and at the end: medians of a twentieth of the samples each."""
    samples, lines = record["samples"], [f"{sum(record['requests'].values()):,} requests"]
    width = max(1, len(samples) // 20)
    for name, first in (("start", 0), ("middle", (len(samples) - width) // 2), ("end", len(samples) - width)):
        part = samples[first : first + width]
        server, workers, files = (statistics.median(each[key] for each in part) for key in KEYS)
        minute = f"minute {part[0]['minutes']:.0f}"
        lines.append(f"{name}: {minute}, server {server:.0f} MB, workers {workers:.0f} MB, {files:.0f} files")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
