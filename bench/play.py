"""From the pen to the bars: how long the playground takes to say what its networks read, idle and while they learn.

    python bench/play.py                 # a minute and a half; then bench/results/play.json and bench/README.md
    python bench/play.py --report-only   # bench/README.md again, from the JSON

The classic network on all of MNIST. `api`: a request to POST /v1/play/draw. `page`: in Chromium, from a move of the pen
until the frame in which the bars show it; with what the browser needs to draw, to make a PNG and to wait for its frame.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from documents import replace_between
from environments import README, ROOT, commit, machine
from tendigits.data.mnist import load_data

RESULTS = ROOT / "bench" / "results" / "play.json"
BEGIN, END = "<!-- play: written by bench/play.py -->", "<!-- /play -->"
FLAGS = ["--no-sandbox", "--disable-gpu"]
PAUSE = 0.03
"""Seconds between two requests, or moves of the pen: a hand is not faster."""
SIDE = 160
"""Pixels of the picture, as the page sends it."""
TIMEOUT = 180.0
"""Seconds in which the process starts and the network is made."""

MEASURE = """async ([moves, pause]) => {
  const pad = document.getElementById("play-pad");
  const frame = pad.getBoundingClientRect();
  const answered = []; // [when a drawing was asked for, when the bars showed the answer]
  const fetch_ = window.fetch;
  window.fetch = async (path, options) => {
    const began = performance.now();
    const response = await fetch_(path, options);
    if (String(path).endsWith("draw")) {
      const json = response.json.bind(response);
      response.json = async () => {
        const value = await json();
        requestAnimationFrame(() => setTimeout(() => answered.push([began, performance.now()])));
        return value;
      };
    }
    return response;
  };
  const pen = (kind, x, y) => pad.dispatchEvent(new PointerEvent(kind, {
    pointerId: 1, button: 0, bubbles: true, cancelable: true,
    clientX: frame.left + x * frame.width, clientY: frame.top + y * frame.height }));
  pad.setPointerCapture = () => {};
  const moved = [];
  for (let i = 0; i < moves; i++) {
    const turn = (i / 40) * 2 * Math.PI; // a zero, over and over
    if (i % 40 === 0) {
      if (i) pen("pointerup", 0.5, 0.5);
      document.getElementById("play-pad-clear").click();
      pen("pointerdown", 0.5 + 0.2 * Math.sin(turn), 0.5 - 0.3 * Math.cos(turn));
      continue;
    }
    pen("pointermove", 0.5 + 0.2 * Math.sin(turn), 0.5 - 0.3 * Math.cos(turn));
    moved.push(performance.now());
    await new Promise((done) => setTimeout(done, pause));
  }
  await new Promise((done) => setTimeout(done, 1000));
  window.fetch = fetch_;
  const shownAfter = (at) => Math.min(...answered.filter(([began]) => began >= at).map(([, shown]) => shown));
  return moved.map((at) => shownAfter(at) - at).filter(Number.isFinite);
}"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """`tendigits serve` in a process of its own; gives its address."""
    command = [sys.executable, "-m", "tendigits", "serve", "--port", "0", "--store", "a.db", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        try:
            found = re.search(r"http://\S+:\d+", process.stdout.readline() if process.stdout else "")
            if found is None:
                raise SystemExit("the server did not start")
            yield found[0]
        finally:
            process.terminate()


def summary(milliseconds: list[float]) -> dict[str, float]:
    """Median and 99th percentile."""
    return {
        "n": len(milliseconds),
        "median": round(statistics.median(milliseconds), 1),
        "p99": round(statistics.quantiles(milliseconds, n=100)[98], 1),
        "max": round(max(milliseconds), 1),
    }


def ask(address: str, picture: bytes, n: int) -> list[float]:
    """Milliseconds of each of n requests."""
    taken = []
    with httpx.Client(base_url=address, timeout=TIMEOUT) as client:
        for _ in range(n):
            began = time.perf_counter()
            client.post("/v1/play/draw", content=picture).raise_for_status()
            taken.append(1000 * (time.perf_counter() - began))
            time.sleep(PAUSE)
    return taken


def draw(page: Page, n: int) -> list[float]:
    """Milliseconds from each of n moves of the pen to the bars."""
    page.locator("#play-pad").scroll_into_view_if_needed()
    moved: list[float] = page.evaluate(MEASURE, [n, 1000 * PAUSE])
    return moved


def measure(n: int) -> dict[str, Any]:
    """All figures: idle, and while the network learns."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("needs Chromium: apt-get install chromium")
    digit, picture = load_data()[1][0][0], BytesIO()
    Image.fromarray(255 - digit).resize((SIDE, SIDE)).save(picture, "PNG")
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as address, sync_playwright() as playwright:
        began = time.perf_counter()
        httpx.put(f"{address}/v1/play/networks/a", json={}, timeout=TIMEOUT).raise_for_status()
        found["seconds to start"] = round(time.perf_counter() - began, 1)
        httpx.post(f"{address}/v1/play/step/batch", timeout=TIMEOUT).raise_for_status()  # everything is compiled
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page()
        page.goto(f"{address}/#play")
        page.wait_for_selector("#figures-a")
        ask(address, picture.getvalue(), 20)
        for state in ("idle", "learning"):
            if state == "learning":
                httpx.post(f"{address}/v1/play/train", timeout=TIMEOUT).raise_for_status()
                time.sleep(2)
            found[state] = {"page": summary(draw(page, n))}
            page.goto("about:blank")  # the page asks again at each step of the networks
            found[state]["api"] = summary(ask(address, picture.getvalue(), n))
            page.goto(f"{address}/#play")
            page.wait_for_selector("#figures-a")
        browser.close()
    return found


def report(results: dict[str, Any]) -> str:
    """The table for bench/README.md."""
    rows = [
        f"| {state} | {results[state]['api']['median']} | {results[state]['api']['p99']} | "
        f"{results[state]['page']['median']} | {results[state]['page']['p99']} |"
        for state in ("idle", "learning")
    ]
    return "\n".join([
        "| milliseconds | request: median | p99 | pen to bars: median | p99 |", "| --- | ---: | ---: | ---: | ---: |",
        *rows, "",
        f"{results['idle']['page']['n']} moves of the pen each, {results['machine']['cores']} cores, "
        f"{results['machine']['processor']}. The first network is there after {results['seconds to start']} s.",
    ])  # fmt: skip


def main() -> None:
    """Measure, keep, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=400, help="of the pen, for each figure")
    parser.add_argument("--report-only", action="store_true")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the figures are kept")
    options = parser.parse_args()
    if not options.report_only:
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        results = measure(options.moves) | {"machine": machine(), "commit": commit(), "load before": load}
        options.results.write_text(json.dumps(results, indent=1) + "\n")
        print(json.dumps(results, indent=1))
    if options.results == RESULTS:
        replace_between(README, BEGIN, END, report(json.loads(RESULTS.read_text())))


if __name__ == "__main__":
    main()
