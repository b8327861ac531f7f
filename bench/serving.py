"""Requests per second and latencies of `tendigits serve`, and of the same network behind LitServe and behind Keras.

    make bench-serve                    # a quarter of an hour; bench/results/serving.*
    python bench/serving.py --rounds 1
    python bench/serving.py --report-only              # the table again, from the JSON

The load comes from wrk (Debian's package) on the same machine and the same cores. The servers take turns, each in a
fresh process, in rounds; medians are over the rounds.
"""

import base64
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from environments import BENCH, ROOT, options, prepare, python_of, recorded, script, variables
from measuring.lines import Digits
from reading_sets import photo

RESULTS = ROOT / "bench" / "results" / "serving.json"
CLIENTS = (1, 8, 64)
SECONDS = {"digit": 8, "photo": 24}
"""Seconds of each measurement."""

MANY = 100_000
"""Number of requests over which memory is measured."""

ENVIRONMENTS = {"litserve": ("litserve==0.2.17", "-e", str(ROOT))}


@dataclass(frozen=True)
class Server:
    """A server and the requests for it."""

    about: str
    path: str
    script: str | None = None
    environment: str | None = None
    as_json: bool = False
    """Whether the picture is sent as base64 in JSON."""

    def command(self, port: int, folder: Path) -> list[str]:
        """Its command line."""
        if self.script is not None:
            return [python_of(self.environment), script(self.script), str(port)]
        store = ["--store", str(folder / "corrections.db"), "--runs", str(folder)]
        return [sys.executable, "-m", "tendigits", "serve", "--port", str(port), *store]


SERVERS = {
    "tendigits": Server("tendigits serve", "/v1/read?one=true"),
    "litserve": Server("LitServe, batches of 32, the same file", "/predict", "serve_litserve", "litserve", True),
    "keras": Server("FastAPI and Keras' predict", "/predict", "serve_keras"),
}


def main() -> None:
    """Run the servers in turns, save and report."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    record = recorded(RESULTS, given.report_only, lambda: measure(given.data.resolve(), given.rounds))
    RESULTS.with_suffix(".md").write_text(f"# Serving\n\n{table(record)}\n")


def measure(data: Path, rounds: int) -> dict[str, Any]:
    """Measure all turns, and the memory over many requests."""
    if shutil.which("wrk") is None:
        raise SystemExit("expected wrk, which makes the load: apt-get install wrk")
    prepare(ENVIRONMENTS)
    record: dict[str, Any] = {"turns": []}
    with tempfile.TemporaryDirectory() as folder:
        bodies = write_bodies(data, Path(folder))
        for number in range(rounds):
            for name, server in SERVERS.items():
                with running(server, Path(folder)) as (port, _):
                    for clients in CLIENTS:
                        body = bodies["json" if server.as_json else "digit"]
                        turn = load(port, server.path, body, clients, SECONDS["digit"])
                        record["turns"].append({"server": name, "what": "digit", "round": number, **turn})
                    for clients in CLIENTS if name == "tendigits" else ():
                        turn = load(port, "/v1/read", bodies["photo"], clients, SECONDS["photo"])
                        record["turns"].append({"server": name, "what": "photo", "round": number, **turn})
        with running(SERVERS["tendigits"], Path(folder)) as (port, process):
            record["memory"] = [*memory(port, process, bodies["digit"])]
    return record


def write_bodies(data: Path, folder: Path) -> dict[str, tuple[Path, str]]:
    """Write the request bodies: a digit as a PNG of 112x112, the same in JSON, and a photo of 12 megapixels."""
    with np.load(data) as mnist:
        images, labels = mnist["x_test"], mnist["y_test"]
    digit = cv2.resize(255 - images[0], (112, 112), interpolation=cv2.INTER_CUBIC)
    png = cv2.imencode(".png", digit)[1].tobytes()
    ink = Digits([cv2.resize(image, (56, 56)) for image in images[:200]], labels[:200].tolist())
    page, _ = photo(ink, np.random.default_rng(0))
    content = {
        "digit": (png, "image/png"),
        "json": (json.dumps({"image": base64.b64encode(png).decode()}).encode(), "application/json"),
        "photo": (cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes(), "image/jpeg"),
    }
    for name, (body, _) in content.items():
        (folder / name).write_bytes(body)
    return {name: (folder / name, kind) for name, (_, kind) in content.items()}


@contextmanager
def running(server: Server, folder: Path) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Run a server on a free port; yields once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = variables("jax", BENCH / "cache", ours=server.environment is None)
    with subprocess.Popen(
        server.command(port, folder), env=environment, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            wait_for(port)
            yield port, process
        finally:
            os.killpg(process.pid, 15)


def wait_for(port: int) -> None:
    """Wait until the server answers."""
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/docs", timeout=2)
        except urllib.error.HTTPError:
            break
        except OSError:
            time.sleep(0.1)
        else:
            break
    else:
        raise SystemExit(f"nothing answers on port {port}")


def load(port: int, path: str, body: tuple[Path, str], clients: int, seconds: int) -> dict[str, Any]:
    """Send requests for a time, after a short warm-up."""
    wrk(port, path, body, clients, 2)
    return {"clients": clients, **wrk(port, path, body, clients, seconds)}


def wrk(port: int, path: str, body: tuple[Path, str], clients: int, seconds: int) -> dict[str, Any]:
    """Run wrk: requests, seconds, p50 and p99 in milliseconds, errors."""
    post = str(ROOT / "bench" / "peers" / "post.lua")
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "20s", "-s", post]
    command += [f"http://127.0.0.1:{port}{path}", "--", str(body[0]), body[1]]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    print(path, clients, result, file=sys.stderr, flush=True)
    return result


def memory(port: int, process: "subprocess.Popen[bytes]", body: tuple[Path, str]) -> Iterator[dict[str, float]]:
    """Requests so far and megabytes in use, up to MANY requests."""
    total = 0
    while total < MANY:
        total += wrk(port, SERVERS["tendigits"].path, body, 8, 5)["requests"]
        yield {"requests": total, "megabytes": sum(map(megabytes, [process.pid, *children(process.pid)]))}


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def megabytes(pid: int) -> float:
    """Of memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1000


def table(record: dict[str, Any]) -> str:
    """Format the results as Markdown."""
    lines = [
        "| server | asked | clients | answers a second | p50, ms | p99, ms | refused |",
        "| :--- | :--- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for what in ("digit", "photo"):
        for name, server in SERVERS.items():
            for clients in CLIENTS:
                turns = [
                    turn for turn in record["turns"]
                    if (turn["server"], turn["what"], turn["clients"]) == (name, what, clients)
                ]  # fmt: skip
                if turns:
                    rate = statistics.median((turn["requests"] - turn["errors"]) / turn["seconds"] for turn in turns)
                    p50, p99 = (statistics.median(turn[key] for turn in turns) for key in ("p50", "p99"))
                    errors = sum(turn["errors"] for turn in turns) / sum(turn["requests"] for turn in turns)
                    lines.append(
                        f"| {server.about} | {what} | {clients} | {rate:,.1f} | {p50:.1f} | {p99:.1f} | {errors:.1%} |"
                    )
    first, last = record["memory"][0], record["memory"][-1]
    described, versions = record["machine"], record["machine"]["versions"]
    lines += ["", (
        f"Memory in use: {first['megabytes']:.0f} MB after {first['requests']:,} requests, {last['megabytes']:.0f} MB "
        f"after {last['requests']:,}. {described['processor']}, {described['cores']} cores, which wrk uses, too; "
        f"Python {described['python']}, Keras {versions['keras']}, {ENVIRONMENTS['litserve'][0]}."
    )]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    main()
