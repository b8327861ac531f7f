"""An exported page in a real browser: its crops and predictions are Python's, and it asks no server."""

import base64
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from helpers import THREE, crop64, draw, opened_up, page_of_numbers
from synthesis.strokes import SHAPES
from tendigits.digits.find import find_digit
from tendigits.digits.layers import Layers, with_layers
from tendigits.digits.network import bundled_file
from tendigits.export.run_network import run_network
from tendigits.read.reader import Reader

pytestmark = pytest.mark.xdist_group("export")  # the same finished run

SIDE = 560


@pytest.mark.parametrize(
    "which", ["reader", *(pytest.param(which, marks=pytest.mark.slow) for which in ("int8", "run"))]
)
def test_from_a_file_a_three_is_read(exported, open_exported, which):
    page = open_exported((exported(which) / "index.html").as_uri())
    expect(page.locator("#prediction")).to_contain_text("Draw a digit or a number")
    expect(page.locator("#draw-network")).to_be_hidden()  # there is one
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    expect(page.locator("#layers")).to_contain_text("with 8 bits" if which == "int8" else ": ")
    page.locator("#pad-undo").click()
    expect(page.locator("#prediction")).to_contain_text("Draw a digit or a number")


def test_from_a_web_server_on_a_phone_in_the_dark(served, open_exported):
    page = open_exported(served, viewport={"width": 375, "height": 740}, color_scheme="dark")
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    found = Axe().run(page).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []


ASK = """async (strokes) => {
  const { pad } = modules["page.js"];
  pad.clear();
  pad.restore(strokes);
  const canvas = pad.drawing();
  const digit = await modules["client.js"].readDigit("", modules["image.js"].greyOf(canvas, "white"));
  return [canvas.toDataURL("image/png").split(",")[1], digit];
}"""


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
    [("reader", 10), *(pytest.param(which, n, marks=pytest.mark.slow) for which, n in (("run", 60), ("reader", 150)))],
)
def test_crops_and_predictions_are_those_of_python(exported, open_exported, tmp_path, request, which, drawings):
    """Crops are the same to 1 of 255."""
    page = open_exported(opened_up(exported(which), tmp_path))
    reader = Reader() if which == "reader" else Reader(request.getfixturevalue("run_that_reads"))
    rng, doubtful = np.random.default_rng(0), 0
    for _ in range(drawings):
        png, answer = page.evaluate(ASK, any_strokes(rng))
        picture = base64.b64decode(png)
        expected = find_digit(picture).crop
        found = np.frombuffer(base64.b64decode(answer["crop"]), np.uint8).reshape(28, 28)
        assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1
        expected_digit = reader.digit(picture)
        assert abs(answer["confidence"] - expected_digit.confidence) < 0.02
        np.testing.assert_allclose(answer["probabilities"], expected_digit.probabilities, atol=0.03)
        if abs(expected_digit.confidence - reader.threshold) > 0.02 and sorted(expected_digit.probabilities)[-2] < 0.4:
            assert (answer["label"], answer["accepted"]) == (expected_digit.label, expected_digit.accepted)
            assert answer["reason"] == expected_digit.reason or not expected_digit.accepted
        doubtful += not expected_digit.accepted
    assert 0.03 * drawings < doubtful < 0.7 * drawings  # otherwise the drawings would prove little


@pytest.mark.parametrize("which", ["reader", pytest.param("run", marks=pytest.mark.slow)])
def test_layers_are_those_of_python(exported, open_exported, tmp_path, request, digits, which):
    page = open_exported(opened_up(exported(which), tmp_path))
    data = bundled_file() if which == "reader" else None
    layers = Layers(with_layers(data) if data else run_network(request.getfixturevalue("run_that_reads")), which)
    for crop in digits.x_test[:3]:
        found = page.evaluate('(crop) => modules["client.js"].readLayers("", crop)', crop64(crop))
        expected = layers(crop)
        assert [layer["name"] for layer in found] == [layer.name for layer in expected]
        for layer, python in zip(found, expected, strict=True):
            units = np.frombuffer(base64.b64decode(layer["units"]), np.uint8).reshape(python.values.shape)
            values = layer["low"] + units / 255 * (layer["high"] - layer["low"])
            assert layer["columns"] == python.values.shape[1]
            np.testing.assert_allclose(values, np.nan_to_num(python.values), atol=0.01 * (layer["high"] - layer["low"]))


def test_layers_and_a_number_are_shown_as_they_are_drawn(exported, open_exported):
    page = open_exported((exported("reader") / "index.html").as_uri())
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    expect(page.locator("#layers canvas")).to_have_count(5)
    draw(page, [(0.05, 0.2), (0.05, 0.8)])
    expect(page.locator("#prediction b")).to_have_text("13", timeout=30_000)
    expect(page.locator("#bars")).to_be_hidden()


@pytest.mark.slow
def test_a_runs_page_reads_pictures_as_python_does(exported, open_exported, request, digits):
    page = open_exported(f"{(exported('run') / 'index.html').as_uri()}#read")
    picture = page_of_numbers(digits, rows=3)
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": picture})
    rows = page.locator("#lines tbody tr")
    expect(rows).to_have_count(3, timeout=60_000)
    expected = Reader(request.getfixturevalue("run_that_reads")).read(picture).numbers
    assert [row.locator("td").nth(1).inner_text() for row in rows.all()] == [line.value for line in expected]


@pytest.mark.slow
def test_two_networks_in_one_page_from_a_file(exported, open_exported, request, digits):
    page = open_exported((exported("both") / "index.html").as_uri(), reduced_motion="reduce")
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    page.select_option("#draw-beside", "one")
    expect(page.locator("#prediction-beside b")).to_have_text("3")
    expect(page.locator("#draw-name")).to_have_text("reader")
    expect(page.locator("#layers-beside figcaption")).to_have_text(["Convolution 1: 8 x 14 x 14"])
    found = Axe().run(page, options={"preload": False}).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []
    page.click("nav a[href='#read']")
    picture = page_of_numbers(digits)
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": picture})
    rows = page.locator("#lines tbody tr")
    expect(rows).to_have_count(2, timeout=60_000)
    expect(page.locator("#beside-name")).to_have_text("one")  # as it was chosen on the page Draw
    for column, reader in ((1, Reader()), (2, Reader(request.getfixturevalue("run_that_reads")))):
        expected = [line.value for line in reader.read(picture).numbers]
        assert [row.locator("td").nth(column).inner_text() for row in rows.all()] == expected
