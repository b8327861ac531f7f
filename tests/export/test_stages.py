"""The stages of the exported page in JavaScript, run by Node, against OpenCV and the Python modules they mirror."""

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tendigits.data import preprocess
from tendigits.digits import find, foreground, layers, network, segment
from tendigits.pictures import image, limits
from tendigits.read import reader
from tendigits.web.pages import WEB, join_modules

MODULES = (image, limits, preprocess, find, foreground, segment, network, layers, reader)
ENTRY = """import { findForeground } from "./foreground.js";
import { enlarged, enlargedSmoothly, shrunk } from "./resize.js";
export const stages = { enlarged, enlargedSmoothly, findForeground, shrunk };
"""
RUN = """
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(([name, { bytes, width, height }, ...rest]) => {
  const found = stages[name]({ pixels: Uint8Array.from(Buffer.from(bytes, "base64")), width, height }, ...rest);
  const pixels = found?.pixels ?? found;
  return pixels instanceof Uint8Array ? Array.from(pixels) : pixels;
})));
"""


def run(cases: list[Any]) -> list[Any]:
    """The results of stages: name, picture and further arguments of each."""
    name = "page/shared/stages/entry.js"
    script = f"const {{ stages }} = {join_modules(name, {name: ENTRY})}{RUN}"
    sent = [
        [name, {"bytes": base64.b64encode(picture.tobytes()).decode(), "width": picture.shape[1],
                "height": picture.shape[0]}, *rest]
        for name, picture, *rest in cases
    ]  # fmt: skip
    ended = subprocess.run(["node", "-e", script], input=json.dumps(sent), text=True, capture_output=True, check=True)
    return json.loads(ended.stdout)


def any_picture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Noise, smooth or not."""
    noise = rng.integers(0, 256, (height, width), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), rng.uniform(1, 3)) if rng.random() < 0.5 else noise


def any_page(rng: np.random.Generator) -> np.ndarray:
    """Digits on paper of any shade, with or without noise."""
    height, width = (int(side) for side in rng.integers(20, 400, 2))
    page = np.full((height, width), rng.integers(120, 256), np.uint8)
    scale = height / rng.uniform(30, 90)
    for _ in range(int(rng.integers(0, 4))):
        place = (int(rng.integers(0, width)), int(rng.integers(height // 3, height)))
        pen = int(rng.integers(0, 100))
        cv2.putText(page, str(rng.integers(1000)), place, 0, scale, pen, max(1, int(2 * scale)), cv2.LINE_AA)
    shade = np.linspace(1, rng.uniform(0.4, 1), width)
    page = np.clip(page * shade + rng.normal(0, rng.choice([0, 2, 8]), page.shape), 0, 255).astype(np.uint8)
    return 255 - page if rng.random() < 0.3 else page


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_constants_are_those_of_python():
    defined = {name: getattr(module, name) for module in MODULES for name in vars(module) if name.isupper()}
    defined |= {"MAX_BYTES": limits.MAX_BYTES, "CUBIC": -0.75, "UNIT": 2048}  # the last two are OpenCV's
    defined |= {"DECODED_SIDE": 1024}  # the page's own: the browser shrinks a larger picture of a digit
    web = Path(str(WEB))
    files = [*web.glob("exported/*.js"), *web.glob("page/shared/stages/*.js"), web / "page/shared/image.js"]
    script = "".join(path.read_text() for path in files)
    found = re.findall(r"^(?:export )?const ([A-Z_]+) = ([-\d.e]+);", script, re.MULTILINE)
    assert len(found) > 25
    assert {name: float(value) for name, value in found} == {name: defined[name] for name, _ in found}


def test_pictures_are_resized_as_by_opencv(rng):
    cases = []
    for _ in range(20):
        height, width, times = (int(n) for n in rng.integers((20, 20, 2), (200, 200, 9)))
        large, small = any_picture(rng, height, width), any_picture(rng, height // 5, width // 5)
        whole = any_picture(rng, height // 7 * times, width // 7 * times)
        cases += [
            ["shrunk", large, *(int(rng.integers(1, side + 1)) for side in (width, height))],
            ["shrunk", large, width // 2, height // 2],
            ["shrunk", whole, width // 7, height // 7],
            ["enlarged", small, *(int(side * rng.uniform(1, 10)) for side in small.shape[::-1])],
            ["enlargedSmoothly", small, small.shape[1] * times, small.shape[0] * times],
        ]
    methods = {"shrunk": cv2.INTER_AREA, "enlarged": cv2.INTER_LINEAR, "enlargedSmoothly": cv2.INTER_CUBIC}
    for (name, picture, *size), found in zip(cases, run(cases), strict=True):
        expected = cv2.resize(picture, size, interpolation=methods[name]).ravel()
        difference = np.abs(np.array(found) - expected.astype(int)).max()
        assert difference <= (1 if name == "enlargedSmoothly" else 0), name


@pytest.mark.slow
def test_foregrounds_are_those_of_python(rng):
    pages = [any_page(rng) for _ in range(60)]
    expected = [foreground.find_foreground(page) for page in pages]
    assert 5 < sum(each is None for each in expected) < 30
    for found, wanted in zip(run([["findForeground", page] for page in pages]), expected, strict=True):
        assert (found is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_array_equal(found, wanted.ravel())
