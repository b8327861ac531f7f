"""The playground in headless Chromium: an epoch, the pen while a network learns, pictures a second, and bytes.

python bench/play.py       # two minutes; bench/results/play.json
"""

import argparse
import gzip
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Page, sync_playwright

from environments import ROOT, date_and_commit, machine, save
from tendigits.web.playground import write_playground

EPOCHS = {"64,64": 3, "512,512": 1}  # hidden layers -> epochs of 60,000 digits
# Counts requests for predictions and updates of the bars: the first request after a move of the pen has its drawing.
COUNT = """
let sent = 0;
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (...message) { sent += message[0].do === "draw"; post.apply(this, message); };
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
globalThis.pen = async (moves) => {
  const [pad, bars] = ["play-pad", "play-bars-a"].map((id) => document.getElementById(id));
  const [{ x, y }, found] = [pad.getBoundingClientRect(), []];
  let [shown, wake] = [sent, () => {}];
  new MutationObserver(() => { shown += 1; wake(); }).observe(bars, { attributes: true, subtree: true });
  pad.setPointerCapture = () => {};
  const move = (type, i) => pad.dispatchEvent(
    new PointerEvent(type, { pointerId: 1, clientX: x + 40 + 2 * i, clientY: y + 30 + 40 * (i % 2) }));
  await wait(0);
  shown = sent;
  move("pointerdown", 0);
  for (let i = 1; i <= moves; i++) {
    const [began, wanted] = [performance.now(), sent + 1];
    move("pointermove", i);
    while (shown < wanted) await new Promise((done) => { wake = done; });
    found.push(performance.now() - began);
    await wait(60);
  }
  return found;
};
globalThis.frames = (seconds) => new Promise((done) => {
  const [began, next] = [performance.now(), (n) => performance.now() - began < 1000 * seconds
    ? requestAnimationFrame(() => next(n + 1)) : done(n / seconds)];
  next(0);
});
"""


def main() -> None:
    """Write the page, measure and save."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        paths = {path.name: path for path in write_playground(Path(name), all_digits=True)}
        sizes = {file: path.stat().st_size for file, path in paths.items()}
        page_files = [path for file, path in paths.items() if file not in ("digits.js", "more_digits.js")]
        packed = sum(len(gzip.compress(path.read_bytes())) for path in page_files)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(0)  # none
        page.add_init_script(COUNT)
        link = f"{paths['index.html'].as_uri()}#play?digits=60000&hidden="
        results = {hidden: measure(page, link + hidden, EPOCHS[hidden]) for hidden in EPOCHS}
        browser.close()
    record = {"machine": machine(), **date_and_commit(), "bytes": sizes, "page_gzipped": packed, "networks": results}
    print(record)
    save(record, ROOT / "bench" / "results" / "play.json")


def measure(page: Page, address: str, epochs: int) -> dict[str, Any]:
    """Seconds an epoch, with the test after it; then milliseconds from the pen to the bars, and pictures a second."""
    page.goto("about:blank")
    page.goto(address)
    page.locator("#play-status", has_text="Choose settings, then train.").wait_for()
    seconds = []
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        page.click("#play-epoch")
        page.locator("#figures-a td >> nth=1", has_text=f"{epoch}.00").wait_for()
        seconds.append(time.perf_counter() - began)
    page.click("#play-train")
    pen = page.evaluate("pen(60)")
    return {"epoch_s": median(seconds), "pen_ms": median(pen), "frames_per_s": page.evaluate("frames(3)")}


if __name__ == "__main__":
    main()
