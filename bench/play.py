"""The playground in headless Chromium: an epoch, the pen while a network learns, pictures a second, and bytes.

python bench/play.py       # two minutes; bench/results/play.json, and the table of bench/README.md
"""

import gzip
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Page, sync_playwright

from environments import ROOT, options, recorded, replace_between
from tables import met, row
from tendigits.web.playground import write_playground

RESULTS = ROOT / "bench" / "results" / "play.json"
BEGIN, END = "<!-- play: written by bench/play.py -->", "<!-- /play -->"
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
    """Measure, save and report."""
    record = recorded(RESULTS, options(__doc__).parse_args().report_only, measure_page)
    replace_between(ROOT / "bench" / "README.md", BEGIN, END, table(record))


def measure_page() -> dict[str, Any]:
    """Write the page, and measure its files and networks."""
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
    return {"bytes": sizes, "page_gzipped": packed, "networks": results}


def table(record: dict[str, Any]) -> str:
    """Format the results as Markdown, with their targets."""
    networks = [record["networks"][hidden] for hidden in EPOCHS]
    seconds, pen, frames = ([each[key] for each in networks] for key in ("epoch_s", "pen_ms", "frames_per_s"))
    is_fast = seconds[0] <= 0.9 and seconds[1] <= 9
    all_bytes, more = sum(record["bytes"].values()), record["bytes"]["more_digits.js"]
    return "\n".join(
        [
            f"{record['machine']['processor']}, {record['machine']['cores']} cores; {record['date'][:10]}.",
            "",
            row("", *(f"784-{hidden.replace(',', '-')}-10" for hidden in EPOCHS), "target", ""),
            row(":---", "---:", "---:", ":---", ":---"),
            row("seconds an epoch", *(f"{each:.2f}" for each in seconds), "<= 0.9, <= 9", met(is_fast)),
            row("from the pen to the bars, ms", *(f"{each:.1f}" for each in pen), "<= 20", met(max(pen) <= 20)),
            row("pictures a second", *(f"{each:.0f}" for each in frames), ">= 60", met(min(frames) >= 59.5)),
            "",
            f"The page has {record['page_gzipped'] / 1e3:.0f} kB gzipped without digits (target: 150), the folder "
            f"{(all_bytes - more) / 1e6:.1f} MB (3), with all digits {all_bytes / 1e6:.1f} MB (14).",
        ]
    )


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
