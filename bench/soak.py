"""Eight good clients beside a crowd of hostile ones: what the good ones notice of it, and what the server needs.

    python bench/soak.py                        # 50,000 requests, about half an hour; bench/results/soak.json
    python bench/soak.py --requests 2000
    python bench/soak.py --report-only          # the table in docs/robustness.md again, from the JSON

First the good clients are alone, then the same beside the attackers. Each good client has an address of its own, the
attackers have three, and some share the first good client's, whose failures are counted apart. A good request fails if
its answer is another than before.
"""

import argparse
import base64
import http.client
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from documents import replace_between
from environments import MNIST, ROOT, commit, machine
from hostile import ATTACKS, Sender, choice, request
from pages import Digits
from reading_sets import photo
from serving import SERVERS, children, megabytes, running

RESULTS = ROOT / "bench" / "results" / "soak.json"
DOCUMENT = ROOT / "docs" / "robustness.md"
BEGIN, END = "<!-- soak: written by bench/soak.py -->", "<!-- /soak -->"
GOOD, BAD = 8, 16
"""Clients of each kind."""

GOOD_SHARE = 0.2
"""Of the crowd's requests, too, some are good."""

ALONE_SECONDS = 60.0
"""The good clients are alone for so long."""

PAUSE = 0.05
"""Seconds between two requests of a good client."""

SHARED = "127.0.1.1"
"""The address of the first good client, from which a quarter of the attackers come, too."""

AT_SHARED = " from the attackers' address"
"""Stands in the name of a failure there."""

Request = tuple[str, str, bytes, str]
"""Method, path, body and content type."""


@dataclass
class Seen:
    """What the good clients have seen."""

    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    corrections: int = 0
    """Acknowledged ones."""


def main() -> None:
    """Measure, save, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report-only", action="store_true", help="Write the table from the JSON.")
    given = parser.parse_args()
    if given.report_only:
        record = json.loads(RESULTS.read_text())
    else:
        record = measure(given.requests, given.seed)
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    replace_between(DOCUMENT, BEGIN, END, table(record))


def measure(n: int, seed: int) -> dict[str, Any]:
    """Run the server, and both kinds of clients."""
    with tempfile.TemporaryDirectory() as folder, running(SERVERS["tendigits"], Path(folder)) as (port, process):
        requests = good_requests()
        expected = {name: ask(http.client.HTTPConnection("127.0.0.1", port), one)[1] for name, one in requests.items()}
        alone = Seen()
        ended = threading.Event()
        clients = [start(good_client, port, requests, expected, alone, ended, seed + i) for i in range(GOOD)]
        time.sleep(ALONE_SECONDS)
        stop(ended, clients)
        before, peak = held(process.pid), Peak(process.pid)
        beside, ended, begun = Seen(), threading.Event(), time.monotonic()
        clients = [start(good_client, port, requests, expected, beside, ended, seed + 100 + i) for i in range(GOOD)]
        with ProcessPoolExecutor(1, get_context("spawn")) as other:  # its pictures take this process no time
            answers = other.submit(crowd, port, requests, n, seed).result()
        stop(ended, clients)
        seconds = time.monotonic() - begun
        highest = peak.stop()
        time.sleep(5)
        stored = json.loads(ask(http.client.HTTPConnection("127.0.0.1", port), ("GET", "/v1/corrections", b"", ""))[1])
        return {
            "machine": machine(), "commit": commit(), "requests": n, "seed": seed, "seconds": round(seconds),
            "alone": summary(alone), "beside": summary(beside), "answers": dict(sorted(answers.items())),
            "megabytes": {"before": round(before), "highest": round(highest), "after": round(held(process.pid))},
            "corrections": {"acknowledged": alone.corrections + beside.corrections, "stored": stored["count"]},
        }  # fmt: skip


def good_requests() -> dict[str, Request]:
    """What good clients ask, by name."""
    with np.load(MNIST) as mnist:
        images, labels = mnist["x_test"], mnist["y_test"]
    ink = Digits([cv2.resize(image, (56, 56)) for image in images[:200]], labels[:200].tolist())
    page, _ = photo(ink, np.random.default_rng(0))
    small = cv2.resize(page, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    digit = cv2.imencode(".png", cv2.resize(255 - images[0], (112, 112), interpolation=cv2.INTER_CUBIC))[1].tobytes()
    arrays = json.dumps({"digits": images[:32].tolist()}).encode()
    return {
        "digit": ("POST", "/v1/read?one=true", digit, "image/png"),
        "page": ("POST", "/v1/read", cv2.imencode(".jpg", small)[1].tobytes(), "image/jpeg"),
        "arrays": ("POST", "/v1/digits", arrays, "application/json"),
        "recipes": ("GET", "/v1/recipes", b"", ""),
        "live": ("GET", "/live", b"", ""),
    }


def correction(seed: int) -> Request:
    """A correction of a drawing that no other client has."""
    crop = np.random.default_rng(seed).integers(0, 255, 784, dtype=np.uint8).tobytes()
    body = {"corrections": [{"crop": base64.b64encode(crop).decode(), "label": 7, "predicted": 1, "source": "draw"}]}
    return "POST", "/v1/corrections", json.dumps(body).encode(), "application/json"


def ask(connection: http.client.HTTPConnection, one: Request) -> tuple[int, bytes]:
    """Status and body of an answer."""
    method, path, body, kind = one
    connection.request(method, path, body or None, {"content-type": kind} if kind else {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def good_client(
    port: int, requests: dict[str, Request], expected: dict[str, bytes], seen: Seen, ended: threading.Event, seed: int
) -> None:
    """Ask one thing after the other, on one connection."""
    rng = random.Random(seed)  # noqa: S311
    address = f"127.0.1.{1 + seed % 100}"
    where = AT_SHARED if address == SHARED else ""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(address, 0))
    for number in count():
        if ended.wait(PAUSE):
            return
        name = rng.choice([*requests, "correction"])
        one = requests.get(name) or correction(1_000_000 * seed + number)
        begun = time.perf_counter()
        try:
            status, body = ask(connection, one)
        except (OSError, http.client.HTTPException) as error:
            seen.failures.append(f"{name}{where}: {type(error).__name__}")
            connection.close()
            continue
        seen.milliseconds.setdefault(name, []).append(1000 * (time.perf_counter() - begun))
        if name == "correction":
            seen.corrections += status == 201
        if status not in (200, 201) or (name in expected and body != expected[name]):
            seen.failures.append(f"{name}{where}: {status}")


def crowd(port: int, requests: dict[str, Request], n: int, seed: int) -> Counter[str]:
    """Send `n` requests, most of them hostile, by BAD clients; how often each was answered in which way."""
    answers, numbers = Counter[str](), count()
    clients = [start(bad_client, port, requests, numbers, n, answers, 1000 * seed + i) for i in range(BAD)]
    for client in clients:
        client.join()
    return answers


def bad_client(
    port: int, requests: dict[str, Request], numbers: "count[int]", n: int, answers: Counter[str], seed: int
) -> None:
    """Attack, and now and then ask what good clients ask."""
    rng = random.Random(seed)  # noqa: S311
    sender = Sender(port, (SHARED, "127.0.2.1", "127.0.2.2", "127.0.2.3")[seed % 4])
    while next(numbers) < n:
        if rng.random() < GOOD_SHARE:
            method, path, body, _ = requests[rng.choice([*requests])]
            answers[f"good: {sender.send(request(method, path, body))}"] += 1
            continue
        attack = choice(rng)
        try:
            answer = attack.run(sender, rng)
        except OSError:
            answer = "closed"
        answers[f"{attack.name}: {answer}"] += 1


def start(work: Callable[..., None], *arguments: Any) -> threading.Thread:
    """Run it in a thread of its own."""
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def stop(ended: threading.Event, clients: list[threading.Thread]) -> None:
    """End the good clients."""
    ended.set()
    for client in clients:
        client.join()


def held(pid: int) -> float:
    """Megabytes that the server and its processes hold."""
    total = 0.0
    for one in [pid, *children(pid)]:
        with suppress(OSError, StopIteration):  # it has ended meanwhile
            total += megabytes(one)
    return total


class Peak:
    """Looks a few times a second how much memory the server holds."""

    def __init__(self, pid: int) -> None:
        self._highest, self._ended, self._pid = 0.0, threading.Event(), pid
        self._thread = start(self._look)

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            self._highest = max(self._highest, held(self._pid))

    def stop(self) -> float:
        """The most that was seen, in megabytes."""
        self._ended.set()
        self._thread.join()
        return self._highest


def summary(seen: Seen) -> dict[str, Any]:
    """Numbers of requests and failures, and the milliseconds that they took."""
    asked = {}
    for name, took in sorted(seen.milliseconds.items()):
        figures = (statistics.median(took), float(np.percentile(took, 99)), max(took))
        asked[name] = {"n": len(took)} | dict(
            zip(("p50", "p99", "longest"), np.round(figures, 1).tolist(), strict=True)
        )
    return {"asked": asked, "failures": dict(Counter(seen.failures))}


def table(record: dict[str, Any]) -> str:
    """Format the results as Markdown."""
    alone, beside = record["alone"], record["beside"]
    lines = ["| good clients ask | alone: n, p50, p99 | beside: n, p50, p99, longest |", "| :--- | ---: | ---: |"]
    for name, took in beside["asked"].items():
        lone = alone["asked"][name]
        lines.append(
            f"| {name} | {lone['n']:,}, {lone['p50']:.0f}, {lone['p99']:.0f} ms "
            f"| {took['n']:,}, {took['p50']:.0f}, {took['p99']:.0f}, {took['longest']:.0f} ms |"
        )
    failed, memory, stored = beside["failures"], record["megabytes"], record["corrections"]
    own = {name: n for name, n in failed.items() if AT_SHARED not in name}
    shared = {name.replace(AT_SHARED, ""): n for name, n in failed.items() if AT_SHARED in name}
    statuses = Counter[str]()
    for name, n in record["answers"].items():
        statuses[name.split(": ")[1]] += n
    answered = ", ".join(f"{n:,} {name}" for name, n in statuses.most_common())
    described = record["machine"]
    lines += ["", (
        f"Failed requests of the seven good clients with addresses of their own: {listed(own)}; of the one that has "
        f"the attackers' address: {listed(shared)}. The crowd's "
        f"{record['requests']:,} requests in {record['seconds']:,} s were answered: {answered}. Memory of the server "
        f"with its processes: {memory['before']} MB before, {memory['highest']} at most, {memory['after']} after. "
        f"Corrections: {stored['acknowledged']:,} acknowledged, {stored['stored']:,} stored. "
        f"{described['processor']}, {described['cores']} cores, which the clients share; Python {described['python']}."
    )]  # fmt: skip
    return "\n".join(lines)


def listed(failures: dict[str, int]) -> str:
    """Format how many failed, and in which way."""
    return ", ".join(f"{n} ({name})" for name, n in failures.items()) or "none"


if __name__ == "__main__":
    print(f"kinds of attacks: {', '.join(attack.name for attack in ATTACKS)}", file=sys.stderr)
    main()
