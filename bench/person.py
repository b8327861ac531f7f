"""A careful person at the page, in a browser: how many keys eight photos of mark sheets take, and what stays wrong.

    python bench/person.py                                   # bench/results/person.json; Chromium is needed
    python bench/person.py --writers WRITERS.npz             # each sheet by one hand: who wrote MNIST's test digits
    python bench/person.py --address http://127.0.0.1:8000   # at another server, such as an earlier version's
    python bench/person.py --trial --n 2 --save FOLDER       # two photos, kept in a folder; only printed

The sheets are drawn anew each time, from a seed: 30 pupils, five marks and their sum, half of them with half marks, two
with a title and heads; photographed or scanned, some lying or coarse. The person looks at each cell that the page asks
about, and knows what stands there: Enter if it is right, Alt and a digit if it is offered, else types it. The person
looks at nothing else. Words count as nothing.
"""

import shutil
import sys
import tempfile
from contextlib import ExitStack
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Page, sync_playwright

from environments import ROOT, date_and_commit, machine, options, save
from measuring.lines import Digits, Grey, Rng
from measuring.tables import lay_out, photographed, scanned, write_cell, write_word
from tendigits.data.load import load

sys.path.append(str(ROOT / "tests"))
from processes import ServeProcess

RESULTS = ROOT / "bench" / "results" / "person.json"
SEED, N, PUPILS, MARKS, MAX_MARK = 45, 8, 30, 5, 16
EMPTY = 0.04
"""Fraction of the marks that are left out."""
SMALL = 0.6
"""Height of the digits, as a fraction of 60 pixels."""
SIDES = (2200, 1600, 1300, 1100)
"""Pixels of the photos' longer sides."""
MIN_DIGITS_OF_EACH = 3
"""Of a writer whose hand can fill a sheet."""
MAX_KEYS = 1000

READ = "() => document.querySelector('#grid tbody td') || document.querySelector('#reading.doubt')?.textContent"
STATE = """() => {
  const textOf = (cell) => cell.textContent;
  const rows = [...document.querySelectorAll("#grid tbody tr")].map((row) => [...row.cells].slice(1).map(textOf));
  const current = document.querySelector("#grid td.current");
  const at = current && [current.parentElement.rowIndex - 1, current.cellIndex - 1];
  const options = [...document.querySelectorAll("#options button")].map((button) => button.firstChild.textContent);
  const doubts = document.querySelectorAll("#grid td.doubtful").length;
  const isDoubtful = current?.classList.contains("doubtful");
  return { rows, at, options: options.map((text) => text.replace("empty", "")), doubts, isDoubtful };
}"""


def main() -> None:
    """Measure, save, print."""
    parser = options(__doc__)
    parser.add_argument("--writers", type=Path, help="An .npz with the writer of each of MNIST's test digits.")
    parser.add_argument("--address", help="A server that runs already.")
    parser.add_argument("--n", type=int, default=N, help="Photos.")
    parser.add_argument("--save", type=Path, help="Keep the photos in this folder.")
    parser.add_argument("--trial", action="store_true", help="Print the results, and keep nothing.")
    given = parser.parse_args()
    hands = hands_of(given.data.resolve(), given.writers)
    rng, results = np.random.default_rng(SEED), []
    with ExitStack() as stack:
        address = given.address or serve(stack)
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        stack.callback(browser.close)
        for number in range(given.n):
            truth, picture = draw_sheet(hands[number % len(hands)], rng, number)
            if given.save is not None:
                given.save.mkdir(exist_ok=True)
                cv2.imwrite(str(given.save / f"{number}.jpg"), picture)
                (given.save / f"{number}.csv").write_text("".join(",".join(row) + "\n" for row in truth))
            page = browser.new_page()
            results.append({"photo": number, **check(page, f"{address}/#read", picture, truth)})
            print(results[-1], flush=True)
            page.close()
    keys, typed = (sum(each[name] for each in results) for name in ("keys", "typing"))
    left = sum(each["left_wrong"] == 0 for each in results)
    print(f"{keys} keys, {typed} to type all of it; no wrong cell left in {left} of {len(results)}")
    if not given.trial:
        save({"machine": machine(), **date_and_commit(), "rows": results}, RESULTS)


def serve(stack: ExitStack) -> str:
    """Start a server; returns its address."""
    server = ServeProcess(Path(stack.enter_context(tempfile.TemporaryDirectory())), "--no-browser")
    stack.callback(server.process.terminate)
    return f"http://127.0.0.1:{server.port}"


def hands_of(data: Path, writers: Path | None) -> list[Digits]:
    """The digits of each writer who wrote enough of them; or all as one hand."""
    digits = load(data)
    if writers is None:
        return [Digits([*digits.x_test], digits.y_test.tolist())]
    writer = np.load(writers)["writer"]
    own = [np.flatnonzero(writer == name) for name in np.random.default_rng(SEED).permutation(np.unique(writer))]
    full = [i for i in own if np.bincount(digits.y_test[i], minlength=10).min() >= MIN_DIGITS_OF_EACH]
    return [Digits([*digits.x_test[i]], digits.y_test[i].tolist()) for i in full]


def draw_sheet(hand: Digits, rng: Rng, number: int) -> tuple[list[list[str]], Grey]:
    """A mark sheet, as what stands in its cells and as a picture."""
    steps = 2 if number % 2 else 1
    truth = []
    for _ in range(PUPILS):
        marks = rng.integers(0, steps * MAX_MARK + 1, MARKS)
        values = [
            "" if gone else text_of(mark, steps) for mark, gone in zip(marks, rng.random(MARKS) < EMPTY, strict=True)
        ]
        total = sum((Decimal(value) for value in values if value), Decimal(0))
        truth.append(["", *values, str(total.quantize(Decimal("0.1")) if steps == 2 else total)])
    cells = [[write_word(rng, SMALL), *(write_cell(hand, rng, text, SMALL) for text in row[1:])] for row in truth]
    if number % 4 == 2:
        cells = [[write_word(rng, SMALL) for _ in cells[0]], *cells]
    sheet = lay_out(cells, rng, SMALL, "ruled", ("left", "right", "middle"))
    aslant = float(rng.uniform(-6, 6)) if number % 3 == 0 else 0.5
    picture = (photographed if number % 4 < 3 else scanned)(sheet, rng, aslant)
    scale = SIDES[(number // 2) % len(SIDES)] / max(picture.shape)
    picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return truth, np.rot90(picture, 1).copy() if number in (1, 6) else picture


def text_of(mark: int, steps: int) -> str:
    """A mark in whole or half points."""
    return str(mark) if steps == 1 else f"{mark // 2}.{5 * (mark % 2)}"


def check(page: Page, address: str, picture: Grey, truth: list[list[str]]) -> dict[str, Any]:
    """Let the person check a photo on the page."""
    page.goto(address)
    page.wait_for_function("() => document.getElementById('read-network').options.length")  # its scripts run
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    page.set_input_files("#file", {"name": "marks.jpg", "mimeType": "image/jpeg", "buffer": data})
    page.wait_for_function(READ, timeout=120_000)
    if text := page.locator("#reading").inner_text():
        raise SystemExit(text)
    state = settled(page)
    first, keys, offset = state["doubts"], 0, offset_of(state["rows"], truth)
    while (state := settled(page))["doubts"] and keys < MAX_KEYS:
        if not state["isDoubtful"]:
            keys += press(page, "Enter")
            continue
        row, column = state["at"]
        wanted = truth[row - offset][column] if 0 <= row - offset < len(truth) and column < len(truth[0]) else None
        shown = state["rows"][row][column]
        if wanted is None:
            keys += press(page, "Shift+Delete")
        elif same(shown, wanted):
            keys += press(page, "Enter")
        elif any(same(option, wanted) for option in state["options"]):
            keys += press(page, f"Alt+{[same(option, wanted) for option in state['options']].index(True) + 1}")
        else:
            keys += press(page, *(wanted or ["Delete"]), "Enter")
    rows = state["rows"][offset_of(state["rows"], truth) :]
    pairs = [
        (cell, wanted) for own, line in zip(rows, truth, strict=False) for cell, wanted in zip(own, line, strict=False)
    ]
    written = sum(bool(cell) for row in truth for cell in row)
    wrong = [f"{cell} for {wanted}" for cell, wanted in pairs if not same(cell, wanted)]
    missing = max(0, len(truth) - len(rows)) * sum(map(bool, truth[0]))
    return {
        "written": written,
        "doubtful": first,
        "keys": keys,
        "typing": sum(len(cell) + 1 for row in truth for cell in row),
        "left_wrong": len(wrong) + missing,
        "wrong": wrong[:10],
    }


def settled(page: Page) -> dict[str, Any]:
    """What the page shows once its sums are checked."""
    page.wait_for_timeout(40)
    page.wait_for_load_state("networkidle")
    page.wait_for_function("() => !document.getElementById('need').textContent.startsWith('checking')")
    state: dict[str, Any] = page.evaluate(STATE)
    return state


def press(page: Page, *keys: str) -> int:
    """Press keys one by one; returns how many."""
    for key in keys:
        page.keyboard.press(key)
    return len(keys)


def offset_of(rows: list[list[str]], truth: list[list[str]]) -> int:
    """How many rows stand above the first one of the truth, such as a title."""

    def n_same(offset: int) -> int:
        return sum(
            same(a, b) and bool(b)
            for own, line in zip(rows[offset:], truth, strict=False)
            for a, b in zip(own, line, strict=False)
        )

    return max(range(4), key=n_same)


def same(text: str, other: str) -> bool:
    """Whether two texts are the same number."""
    try:
        return text == other or Decimal(text.replace(",", ".")) == Decimal(other)
    except InvalidOperation:
        return False


if __name__ == "__main__":
    main()
