"""The dearest pages that we could think of: how long each takes, how much memory, and what its notice is.

    python bench/dearest.py                   # bench/results/dearest.json, README
    python bench/dearest.py --pages print     # only printed

Each is read in a separate process, within the 60 seconds that a page may take.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from environments import BENCH, ROOT, date_and_commit, machine, observed, parsed, replace_between, save, variables

RESULTS = ROOT / "bench" / "results" / "dearest.json"
BEGIN, END = "<!-- dearest: written by bench/dearest.py -->", "<!-- /dearest -->"
SEED, SECONDS = 44, 60.0
A4 = (3508, 2480)  # pixels at 300 dpi

Grey = NDArray[np.uint8]
Rng = np.random.Generator


def numbers(rng: Rng, rows: int, columns: int, digits: int, ruled: bool = False, shape: tuple[int, int] = A4) -> Grey:
    """A page of numbers in rows and columns."""
    page = np.full(shape, 245, np.uint8)
    down, across = shape[0] / rows, shape[1] / columns
    size = min(0.5 * down, 0.9 * across / digits) / 22
    for row in range(rows):
        for column in range(columns):
            text, at = "".join(map(str, rng.integers(0, 10, digits))), ((column + 0.1) * across, (row + 0.75) * down)
            cv2.putText(page, text, tuple(map(int, at)), 0, size, 20, max(1, round(2 * size)), cv2.LINE_AA)
    for i in range(rows + 1 if ruled else 0):
        cv2.line(page, (0, int(i * down)), (shape[1], int(i * down)), 60, 2)
    for i in range(columns + 1 if ruled else 0):
        cv2.line(page, (int(i * across), 0), (int(i * across), shape[0]), 60, 2)
    return page


def lines(rng: Rng, n: int) -> Grey:
    """Ruled lines in both directions, as dense as possible."""
    page = np.full(A4, 245, np.uint8)
    page[:: A4[0] // n], page[:, :: A4[1] // n] = 60, 60
    return page


def scratches(rng: Rng, n: int) -> Grey:
    """Short strokes in any direction: each may be a 1."""
    page = np.full(A4, 245, np.uint8)
    for x, y, angle in zip(rng.uniform(0, A4[1], n), rng.uniform(0, A4[0], n), rng.uniform(0, np.pi, n), strict=True):
        end = int(x + 40 * np.cos(angle)), int(y + 40 * np.sin(angle))
        cv2.line(page, (int(x), int(y)), end, 20, 4, cv2.LINE_AA)
    return page


PAGES: dict[str, Callable[[Rng], Grey]] = {
    "500 numbers in a ruled table": lambda rng: numbers(rng, 50, 10, 3, True),
    "2,000 numbers of three digits": lambda rng: numbers(rng, 80, 25, 3),
    "2,000 numbers in a ruled table": lambda rng: numbers(rng, 80, 25, 3, True),
    "6,000 numbers, three times as many as are read": lambda rng: numbers(rng, 120, 50, 3),
    "60 lines of 100 digits": lambda rng: np.hstack([numbers(rng, 60, 1, 60), numbers(rng, 60, 1, 40)]),
    "10,000 digits, one next to the other": lambda rng: numbers(rng, 100, 100, 1),
    "squared paper, 250 x 250": lambda rng: lines(rng, 250),
    "20,000 short strokes": lambda rng: scratches(rng, 20_000),
    "noise": lambda rng: rng.integers(0, 256, A4, np.uint8),
    "coarse noise": lambda rng: cv2.resize(rng.integers(0, 256, (350, 248), np.uint8), A4[::-1]),
    "a strip of 16,384 x 60 pixels full of digits": lambda rng: numbers(rng, 2, 600, 1, shape=(60, 16_384)),
    "8,192 x 6,000 pixels, 2,000 numbers": lambda rng: numbers(rng, 80, 25, 3, shape=(8_192, 6_000)),
}
"""Names of pages, and how they are drawn."""


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", nargs="+", help="A part of the name of each page to be read; default: all.")
    parser.add_argument("--read", help=argparse.SUPPRESS)  # one page, in this process
    given = parser.parse_args()
    if given.read:
        print(json.dumps(read(PAGES[given.read](np.random.default_rng(SEED)))))
        return
    chosen = [name for name in PAGES if not given.pages or any(part in name for part in given.pages)]
    record = {}
    for name in chosen:
        record[name] = parsed(
            observed(
                [sys.executable, str(Path(__file__)), "--read", name], variables("jax", BENCH / "cache", ours=True)
            )
        )
        print(name, record[name], flush=True)
    if not given.pages:
        save({"machine": machine(), **date_and_commit(), "pages": record}, RESULTS)
        replace_between(ROOT / "bench" / "README.md", BEGIN, END, table(json.loads(RESULTS.read_text())["pages"]))


def read(page: Grey) -> dict[str, float | int | bool | str | None]:
    """Read a page; its seconds, and the peak of the process' memory in MB."""
    from tendigits.read.reader import TIME_FOR_A_PAGE, Reader

    reader = Reader()
    reader.seconds = TIME_FOR_A_PAGE * SECONDS  # as the processes that read folders and for the server have it
    started = time.perf_counter()
    result = reader.read(page)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    outcome = {"numbers": len(result.numbers), "whole": result.is_whole, "notice": result.notice}
    return {"seconds": round(seconds, 2), "peak_mb": round(peak), **outcome}


def table(pages: dict[str, dict[str, float | int | str]]) -> str:
    """Format the results as Markdown."""
    rows = ["| page | numbers read | seconds | peak, MB | notice |", "| :--- | ---: | ---: | ---: | :--- |"]
    for name, page in pages.items():
        figures = f"{page['numbers']:,} | {page['seconds']:.1f} | {page['peak_mb']:,}"
        rows.append(f"| {name} | {figures} | {page['notice'] or ''} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
