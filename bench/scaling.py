"""Pictures per second with one and two workers, here and on Ray, and the cost of a million.

    python bench/scaling.py            # a quarter of an hour; bench/results/ and docs/scale.md
    python bench/scaling.py --report-only               # docs/scale.md again, from the JSON

The contestants take turns. A rate counts the pictures after the first: the start of a call has its own column.
"""

import json
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from environments import (
    BENCH,
    ROOT,
    date_and_commit,
    machine,
    observed,
    options,
    replace_between,
    save,
    variables,
)
from reading_sets import mnist_digits, photo

RESULTS = ROOT / "bench" / "results" / "scaling.json"
DOCUMENT = ROOT / "docs" / "scale.md"
READING = "<!-- reading: written by bench/scaling.py -->", "<!-- /reading -->"
MILLION = "<!-- million: written by bench/scaling.py -->", "<!-- /million -->"
WORK = BENCH / "scaling"
COUNTS = {"photos": 120, "digits": 20_000}
ABOUT = {"photos": "telephone photos, 12 megapixels, ten numbers", "digits": "pictures of one digit"}
HOW = {
    "processes, 1": ["--workers", "1"],
    "processes, 2": ["--workers", "2"],
    "Ray, 1 actor": ["--workers", "1", "--ray", "local"],
    "Ray, 2 actors": ["--workers", "2", "--ray", "local"],
}
CORES = (8, 64, 512)
PRICE = 0.04
"""US dollars per core and hour: an assumption, about what clouds charge."""


def main() -> None:
    """Make the pictures, read them in turns, save and report."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if not given.report_only:
        data = given.data.resolve()
        folders = {kind: make_pictures(kind, data) for kind in COUNTS}
        record: dict[str, Any] = {
            "machine": machine(),
            **date_and_commit(),
            "bytes": sum(path.stat().st_size for path in folders["photos"].iterdir()) / COUNTS["photos"],
            "reading": {kind: {name: [] for name in HOW} for kind in COUNTS},
        }
        for _ in range(given.rounds):
            for kind, folder in folders.items():
                for name, arguments in HOW.items():
                    record["reading"][kind][name].append(read(folder, kind, arguments))
            save(record, RESULTS)
        shutil.rmtree(WORK)
    record = json.loads(RESULTS.read_text())
    replace_between(DOCUMENT, *READING, reading_table(record))
    replace_between(DOCUMENT, *MILLION, million_table(record))


def make_pictures(kind: str, data: Path) -> Path:
    """Make a folder of pictures with MNIST's test digits."""
    folder = WORK / kind
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    digits, rng = mnist_digits(data), np.random.default_rng(0)
    for number in range(COUNTS[kind]):
        if kind == "photos":
            (folder / f"{number:05}.jpg").write_bytes(cv2.imencode(".jpg", photo(digits, rng)[0])[1].tobytes())
        else:
            cv2.imwrite(str(folder / f"{number:05}.png"), 255 - digits.ink[number % len(digits.ink)])
    return folder


def read(folder: Path, kind: str, arguments: list[str]) -> dict[str, float]:
    """Seconds until all pictures are read, and until the first is."""
    common = [*arguments, "--quiet", *(["--one"] if kind == "digits" else [])]
    first = min(folder.iterdir())
    return {"all": command(["read", str(folder), *common]), "one": command(["read", str(first), *common])}


def command(arguments: list[str]) -> float:
    """Seconds of a whole command."""
    out = WORK / "out"
    shutil.rmtree(out, ignore_errors=True)
    turn = observed(
        [sys.executable, "-m", "tendigits", *arguments, "--parquet", str(out)],
        variables("jax", BENCH / "cache", ours=True),
    )
    if "error" in turn:
        raise SystemExit(f"{arguments}: {turn['error']}")
    return round(float(turn["elapsed"]), 3)


def rate(record: dict[str, Any], kind: str, name: str) -> float:
    """Pictures per second, median over the rounds."""
    rounds: list[dict[str, float]] = record["reading"][kind][name]
    return statistics.median((COUNTS[kind] - 1) / (turn["all"] - turn["one"]) for turn in rounds)


def reading_table(record: dict[str, Any]) -> str:
    """The rates, and the speed-up of two workers."""
    lines = ["| | workers | a second | times one | seconds to start |", "| :--- | :--- | ---: | ---: | ---: |"]
    for kind, about in ABOUT.items():
        for name in HOW:
            alone = name.replace("2 actors", "1 actor").replace(", 2", ", 1")
            start = statistics.median(turn["one"] for turn in record["reading"][kind][name])
            ratio = rate(record, kind, name) / rate(record, kind, alone)
            lines.append(f"| {about} | {name} | {rate(record, kind, name):,.1f} | {ratio:.2f} | {start:.1f} |")
    described = record["machine"]
    rounds = len(record["reading"]["photos"]["processes, 1"])
    lines += ["", (
        f"Medians of {rounds} rounds, {COUNTS['photos']} photos and {COUNTS['digits']:,} digits each. "
        f"{described['processor']}, {described['cores']} cores; {record['date']}."
    )]  # fmt: skip
    return "\n".join(lines)


def million_table(record: dict[str, Any]) -> str:
    """Time and cost of a million pictures, from the rate per core with two workers."""
    lines = [
        "| a million | cores | takes | core hours | US dollars | MB a second from the store |",
        "| :--- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind, about in ABOUT.items():
        a_core = rate(record, kind, "Ray, 2 actors") / 2
        for cores in CORES:
            hours = 1e6 / (a_core * cores) / 3600
            store = f"{a_core * cores * record['bytes'] / 1e6:,.0f}" if kind == "photos" else ""
            cells = f"{cores} | {duration(hours)} | {hours * cores:,.1f} | {hours * cores * PRICE:,.2f} | {store}"
            lines.append(f"| {about} | {cells} |")
    return "\n".join(lines)


def duration(hours: float) -> str:
    """A duration in the largest fitting unit."""
    if hours >= 1:
        return f"{hours:.1f} h"
    return f"{hours * 60:.1f} min" if hours * 60 >= 1 else f"{hours * 3600:.0f} s"


if __name__ == "__main__":
    main()
