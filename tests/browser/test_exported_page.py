"""An exported page in a real browser: its crops and predictions are Python's, and it asks no server."""

import base64
import http.server
import threading
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from helpers import THREE, draw
from synthesis.strokes import SHAPES
from tendigits.digits.find import find_digit
from tendigits.export.source import open_source
from tendigits.export.web import export_page, fetch_runtime
from tendigits.read.reader import Reader

pytestmark = pytest.mark.xdist_group("export")  # the same finished run

SIDE = 560


@pytest.fixture(scope="module")
def exported(digits_npz, tmp_path_factory, request) -> Callable[[str], Path]:
    """The folder of a page, made once: of the reader, of the reader with 8 bits, or of a small run."""

    @cache
    def export(which: str) -> Path:
        source = (
            open_source(request.getfixturevalue("run_that_reads"))
            if which == "run"
            else open_source("reader", digits_npz)
        )
        folder = tmp_path_factory.mktemp("pages") / which
        export_page(source, fetch_runtime(), int8=which == "int8", folder=folder)
        return folder

    return export


@pytest.fixture
def served(exported) -> Iterator[str]:
    """The reader's page behind a plain web server."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=exported("reader"))
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def open_exported(browser: Browser) -> Iterator[Any]:
    """Open a page and wait for its network; in the end it has requested its own files only."""
    asked, complaints, pages = [], [], []

    def start(address: str, **options: Any) -> Page:
        page = browser.new_page(**options)
        pages.append(page)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type != "debug" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.wait_for_selector("html[data-ready]", timeout=30_000)
        return page

    yield start
    for page in pages:
        page.close()
    own = {"", "index.html", "style.css", "tendigits.js", "icon.svg", "favicon.ico"}
    assert {url.rsplit("/", 1)[-1] for url in asked if not url.startswith("blob:")} <= own
    assert complaints == []


@pytest.mark.parametrize(
    "which", ["reader", *(pytest.param(which, marks=pytest.mark.slow) for which in ("int8", "run"))]
)
def test_from_a_file_a_three_is_read(exported, open_exported, which):
    page = open_exported((exported(which) / "index.html").as_uri())
    expect(page.locator("#prediction")).to_contain_text("Draw one digit")
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    page.locator("#pad-undo").click()
    expect(page.locator("#prediction")).to_contain_text("Draw one digit")


def test_from_a_web_server_on_a_phone_in_the_dark(served, open_exported):
    page = open_exported(served, viewport={"width": 375, "height": 740}, color_scheme="dark")
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    found = Axe().run(page).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []


PROBE = """
globalThis.ask = async (strokes) => {
  clearStrokes();
  restoreStrokes(strokes);
  const canvas = drawing();
  const crop = cropOfCanvas(canvas);
  const picture = canvas.toDataURL("image/png").split(",")[1];
  return [picture, btoa(String.fromCharCode(...crop)), await answerFor(crop, model)];
};
"""


def with_probe(folder: Path, place: Path) -> str:
    """The address of a copy of the page in which a test may draw by strokes and see what comes of it."""
    for path in folder.iterdir():
        text = path.read_text()
        (place / path.name).write_text(
            text[: text.rindex("})();")] + PROBE + "})();\n" if path.suffix == ".js" else text
        )
    return (place / "index.html").as_uri()


def any_strokes(rng: np.random.Generator) -> list[Any]:
    """A drawing: a digit of any size anywhere, often with additional strokes, or scribbles alone."""
    shapes = SHAPES[int(rng.integers(10))]
    shape = shapes[int(rng.integers(len(shapes)))]
    size, lean = rng.uniform(0.05 if rng.random() < 0.1 else 0.35, 0.95), rng.normal(0, 0.2)
    corner = rng.uniform(0, 1 - size, 2)
    strokes = []
    for stroke in shape:
        through = np.array(stroke)
        points = np.concatenate([np.linspace(a, b, 5) for a, b in pairwise(through)])
        points[:, 0] += lean * (0.5 - points[:, 1])
        strokes.append((SIDE * (corner + size * points) + rng.normal(0, 3, points.shape)).tolist())
    if rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 4))):
            steps = rng.normal(0, 90 if rng.random() < 0.2 else 15, (int(rng.integers(1, 40)), 2))
            strokes.append((rng.uniform(0, SIDE, 2) + np.cumsum(steps, axis=0)).tolist())
    return strokes


@pytest.mark.parametrize(
    ("which", "drawings"),
    [("reader", 20), *(pytest.param(which, n, marks=pytest.mark.slow) for which, n in (("run", 60), ("reader", 300)))],
)
def test_crops_and_predictions_are_those_of_python(exported, open_exported, tmp_path, request, which, drawings):
    """Crops are the same to 1 of 255."""
    page = open_exported(with_probe(exported(which), tmp_path))
    reader = Reader() if which == "reader" else Reader(request.getfixturevalue("run_that_reads"))
    rng, doubtful = np.random.default_rng(0), 0
    for _ in range(drawings):
        png, crop, answer = page.evaluate("(strokes) => ask(strokes)", any_strokes(rng))
        picture = base64.b64decode(png)
        expected = find_digit(picture).crop
        found = np.frombuffer(base64.b64decode(crop), np.uint8).reshape(28, 28)
        assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1
        expected_digit = reader.digit(picture)
        assert abs(answer["confidence"] - expected_digit.confidence) < 0.02
        np.testing.assert_allclose(answer["probabilities"], expected_digit.probabilities, atol=0.03)
        if abs(expected_digit.confidence - reader.threshold) > 0.02 and sorted(expected_digit.probabilities)[-2] < 0.4:
            assert (answer["label"], answer["accepted"]) == (expected_digit.label, expected_digit.accepted)
            assert answer["reason"] == expected_digit.reason or not expected_digit.accepted
        doubtful += not expected_digit.accepted
    assert 0.03 * drawings < doubtful < 0.7 * drawings  # otherwise the drawings would prove little
