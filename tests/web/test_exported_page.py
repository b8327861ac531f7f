"""The exported page in a browser: it reads single digits as Python does, and needs no server."""

import base64
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from browser import PHONE, WIDTH, barriers, draw, opened_up
from drawing import THREE, crop64, png
from synthesis.strokes import SHAPES
from tendigits.digits.find import find_digit
from tendigits.digits.layers import Layers, with_layers
from tendigits.digits.network import bundled_file
from tendigits.read.reader import Reader

pytestmark = pytest.mark.xdist_group("export")  # the same finished run

SIDE = 560
EMPTY = "Draw a digit."
READ = """async (strokes) => {
  const { pad } = modules["exported/page.js"];
  pad.replace(strokes);
  const canvas = pad.drawing();
  const grey = modules["page/shared/image.js"].greyOf(canvas, "white");
  const digit = await modules["exported/reader.js"].readDigit("", grey);
  return [canvas.toDataURL("image/png").split(",")[1], digit];
}"""


@pytest.mark.parametrize("which", ["reader", *(pytest.param(each, marks=pytest.mark.slow) for each in ("int8", "run"))])
def test_a_drawing_and_a_picture_are_read_in_a_page_opened_as_a_file(exported, open_exported, digits, which):
    page = open_exported((exported(which) / "index.html").as_uri(), reduced_motion="reduce", **PHONE)
    assert page.evaluate(WIDTH) <= 390
    if which == "reader":
        assert barriers(page, {"preload": False}) == []
    expect(page.locator("#prediction")).to_have_text(EMPTY)
    expect(page.locator("#draw-network")).to_be_hidden()  # there is only one
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    expect(page.locator("#layers")).to_contain_text("with 8 bits" if which == "int8" else ": ")
    picture = png(255 - np.kron(digits.x_test[digits.y_test == 7][0], np.ones((9, 9), np.uint8)))
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": picture})
    expect(page.locator("#prediction b")).to_have_text("7")
    page.click("#pad-clear")
    expect(page.locator("#prediction")).to_have_text(EMPTY)
    page.set_input_files("#file", {"name": "b.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#toast")).to_contain_text("expected a whole PNG, JPEG, WebP, BMP or GIF, received b.png")
    draw(page, THREE)
    draw(page, [(0.05, 0.2), (0.05, 0.8)])
    expect(page.locator("#prediction")).to_contain_text("more than one digit")


def any_strokes(rng: np.random.Generator) -> list[Any]:
    """A drawing: a digit of any size anywhere, sometimes with additional strokes."""
    shapes = SHAPES[int(rng.integers(10))]
    shape = shapes[int(rng.integers(len(shapes)))]
    size, lean = rng.uniform(0.05 if rng.random() < 0.1 else 0.35, 0.95), rng.normal(0, 0.2)
    corner = rng.uniform(0, 1 - size, 2)
    strokes = []
    for stroke in shape:
        points = np.concatenate([np.linspace(a, b, 5) for a, b in pairwise(np.array(stroke))])
        points[:, 0] += lean * (0.5 - points[:, 1])
        strokes.append((SIDE * (corner + size * points) + rng.normal(0, 3, points.shape)).tolist())
    if rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 4))):
            steps = rng.normal(0, 90 if rng.random() < 0.2 else 15, (int(rng.integers(1, 40)), 2))
            strokes.append((rng.uniform(0, SIDE, 2) + np.cumsum(steps, axis=0)).tolist())
    return strokes


@pytest.mark.parametrize(
    ("which", "drawings"),
    [("reader", 10), *(pytest.param(which, n, marks=pytest.mark.slow) for which, n in (("run", 30), ("reader", 60)))],
)
def test_crops_predictions_and_layers_are_those_of_python(
    exported, open_exported, tmp_path, request, digits, which, drawings
):
    """Crops differ by at most 1 of 255."""
    page = open_exported(opened_up(exported(which), tmp_path))
    reader = Reader() if which == "reader" else Reader(request.getfixturevalue("run_that_reads"))
    rng, doubtful = np.random.default_rng(0), 0
    for _ in range(drawings):
        picture, answer = page.evaluate(READ, any_strokes(rng))
        picture = base64.b64decode(picture)
        found = np.frombuffer(base64.b64decode(answer["crop"]), np.uint8).reshape(28, 28)
        assert np.abs(found.astype(int) - find_digit(picture).crop.astype(int)).max() <= 1
        expected = reader.digit(picture)
        assert abs(answer["confidence"] - expected.confidence) < 0.02
        np.testing.assert_allclose(answer["probabilities"], expected.probabilities, atol=0.03)
        if abs(expected.confidence - reader.threshold) > 0.02 and sorted(expected.probabilities)[-2] < 0.4:
            assert (answer["label"], answer["accepted"]) == (expected.label, expected.accepted)
            assert answer["reason"] == expected.reason or not expected.accepted
        doubtful += not expected.accepted
    assert 0.03 * drawings < doubtful < 0.7 * drawings  # the drawings are neither all easy nor all hard
    layers = Layers(with_layers(bundled_file()), "reader")
    for crop in digits.x_test[:3] if which == "reader" else ():
        found = page.evaluate('(crop) => modules["exported/reader.js"].readLayers("", crop)', crop64(crop))
        expected = layers(crop)
        assert [layer["name"] for layer in found] == [layer.name for layer in expected]
        for layer, python in zip(found, expected, strict=True):
            units = np.frombuffer(base64.b64decode(layer["units"]), np.uint8).reshape(python.values.shape)
            values = layer["low"] + units / 255 * (layer["high"] - layer["low"])
            assert layer["columns"] == python.values.shape[1]
            np.testing.assert_allclose(values, np.nan_to_num(python.values), atol=0.01 * (layer["high"] - layer["low"]))


@pytest.mark.slow
def test_two_networks_in_one_page(exported, open_exported):
    page = open_exported((exported("both") / "index.html").as_uri(), reduced_motion="reduce")
    draw(page, THREE)
    expect(page.locator("#prediction b")).to_have_text("3")
    page.select_option("#draw-second", "one")
    expect(page.locator("#prediction-second b")).to_have_text("3")
    expect(page.locator("#draw-name")).to_have_text("reader")
    expect(page.locator("#layers-second figcaption")).to_have_text(["Convolution 1: 8 x 14 x 14"])
