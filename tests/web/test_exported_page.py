"""The exported page in a browser: it reads single digits as Python does, and needs no server."""

import base64
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from browser import PHONE, WIDTH, barriers, draw, opened_up
from drawing import THREE, crop64, file_of, png
from tendigits.digits.find import find_digit
from tendigits.digits.layers import Layers, with_layers
from tendigits.digits.network import bundled_file
from tendigits.read.reader import Reader

pytestmark = pytest.mark.xdist_group("export")  # the same finished run

SIDE = 560
EMPTY = "Draw a digit."
READ = """async (png) => {
  const { openImage, greyOf } = modules["exported/image.js"];
  const picture = await openImage(new File([modules["page/shared/pixels.js"].bytesOf(png)], "a.png"));
  return modules["exported/reader.js"].readDigit("", greyOf(picture, "white"));
}"""


@pytest.mark.parametrize("which", ["reader", *(pytest.param(each, marks=pytest.mark.slow) for each in ("int8", "run"))])
def test_a_drawing_and_a_picture_are_read_in_a_page_opened_as_a_file(exported, open_exported, digits, which):
    page = open_exported((exported(which) / "index.html").as_uri(), reduced_motion="reduce", **PHONE)
    assert page.evaluate(WIDTH) <= 390
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


def any_drawing(rng: np.random.Generator, digits: Any) -> bytes:
    """One or two digits of any size anywhere on paper of any shade."""
    paper = np.full((SIDE, SIDE), rng.integers(150, 256), np.uint8)
    for _ in range(1 + (rng.random() < 0.2)):
        size = int(rng.uniform(20 if rng.random() < 0.1 else 100, 400))
        digit = cv2.resize(digits.x_test[rng.integers(len(digits.x_test))], (size, size), interpolation=cv2.INTER_AREA)
        left, top = rng.integers(0, SIDE - size, 2)
        place = paper[top : top + size, left : left + size]
        np.minimum(place, 255 - digit, out=place)
    noisy = paper + rng.normal(0, rng.choice([0, 4]), paper.shape)
    return file_of(Image.fromarray(noisy.clip(0, 255).astype(np.uint8)))


@pytest.mark.parametrize(
    ("which", "drawings"),
    [("reader", 10), *(pytest.param(which, n, marks=pytest.mark.slow) for which, n in (("run", 60), ("reader", 150)))],
)
def test_crops_and_predictions_are_those_of_python(exported, open_exported, tmp_path, request, digits, which, drawings):
    """Crops differ by at most 1 of 255."""
    page = open_exported(opened_up(exported(which), tmp_path))
    reader = Reader() if which == "reader" else Reader(request.getfixturevalue("run_that_reads"))
    rng, doubtful = np.random.default_rng(0), 0
    for _ in range(drawings):
        picture = any_drawing(rng, digits)
        answer = page.evaluate(READ, base64.b64encode(picture).decode())
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


def test_layers_are_those_of_python(exported, open_exported, tmp_path, digits):
    page = open_exported(opened_up(exported("reader"), tmp_path))
    layers = Layers(with_layers(bundled_file()), "reader")
    for crop in digits.x_test[:3]:
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
