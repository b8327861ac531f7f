"""The stages of reading in JavaScript against OpenCV, Pillow and the Python modules, in Node; pictures are random."""

import base64
import json
import subprocess
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
import pytest
from tendigits.numbers.order import in_rows
from tendigits.numbers.values import Mark, common_separator, is_usual, to_decimal

from tendigits.data.preprocess import to_mnist
from tendigits.digits.foreground import find_foreground
from tendigits.digits.segment import find_components
from tendigits.export.bundle import join_modules
from tendigits.export.constants import constants
from tendigits.export.web import WORKER
from tendigits.numbers.finder import Place
from tendigits.numbers.strips import Pyramid, cut
from tendigits.numbers.views import LOOKS

PAGE = files("tendigits.web") / "exported" / "worker"

RUN = """
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const given = (value) => (value?.bytes
  ? { pixels: Uint8Array.from(Buffer.from(value.bytes, "base64")), width: value.width, height: value.height } : value);
const made = (value) => (value?.picture ?? value)?.pixels ?? value ?? null;
const plain = (value) => (value instanceof Uint8Array ? Array.from(value) : value);
console.log(JSON.stringify(cases.map(([module, name, ...values]) => {
  const [first, ...rest] = values.map(given);
  const picture = name === "cutStrip" ? modules["strips.js"].makePyramid(first) : first;
  return plain(made(modules[module][name](picture, ...rest)));
})));
"""


def run(cases: list[Any]) -> list[Any]:
    """The results of functions: module, name and arguments of each."""
    modules = {"constants.js": f"export const constants = {json.dumps(constants())};\n"}
    modules |= {name: (PAGE / name).read_text() for name in WORKER if name != "worker.js"}
    script = join_modules(modules)
    script = script[: script.rindex("})();")] + RUN + "})();\n"
    ended = subprocess.run(["node", "-e", script], input=json.dumps(cases), text=True, capture_output=True, check=True)
    return json.loads(ended.stdout)


def sent(picture: np.ndarray) -> dict[str, Any]:
    data = base64.b64encode(np.ascontiguousarray(picture).tobytes()).decode()
    return {"bytes": data, "width": picture.shape[1], "height": picture.shape[0]}


def any_picture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Noise, smooth or not."""
    noise = rng.integers(0, 256, (height, width), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), rng.uniform(1, 3)) if rng.random() < 0.5 else noise


def any_page(rng: np.random.Generator) -> np.ndarray:
    """A number on paper of any shade, with or without noise."""
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


def test_pictures_are_shrunk_as_by_opencv(rng):
    cases, expected = [], []
    for kind in ("any", "half", "whole") * 20:
        height, width = (int(side) for side in rng.integers(20, 200, 2))
        across, down = int(rng.integers(1, width + 1)), int(rng.integers(1, height + 1))
        if kind == "half":
            across, down = width // 2, height // 2
        elif kind == "whole":
            across, down = max(1, width // 7), max(1, height // 7)
            times = int(rng.integers(2, 6))
            height, width = down * times, across * times
        picture = any_picture(rng, height, width)
        cases.append(["resize.js", "shrunk", sent(picture), across, down])
        expected.append(cv2.resize(picture, (across, down), interpolation=cv2.INTER_AREA))
    for found, wanted in zip(run(cases), expected, strict=True):
        np.testing.assert_array_equal(found, wanted.ravel())


def test_pictures_are_enlarged_as_by_opencv(rng):
    cases, expected, most = [], [], []
    for _ in range(30):
        height, width = (int(side) for side in rng.integers(2, 60, 2))
        picture, times = any_picture(rng, height, width), int(rng.integers(2, 9))
        size = int(width * rng.uniform(1, 10)), int(height * rng.uniform(1, 10))
        cases += [["resize.js", "enlarged", sent(picture), *size],
                  ["resize.js", "enlargedSmoothly", sent(picture), width * times, height * times]]  # fmt: skip
        expected += [cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR),
                     cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)]  # fmt: skip
        most += [0, 1]  # of 255
    for found, wanted, difference in zip(run(cases), expected, most, strict=True):
        assert np.abs(np.array(found) - wanted.ravel().astype(int)).max() <= difference


def test_strips_are_cut_as_by_opencv(rng):
    cases, expected = [], []
    for _ in range(60):
        height, width = (int(side) for side in rng.integers(5, 300, 2))
        picture, high = any_picture(rng, height, width), rng.uniform(3, 150)
        place = Place(
            rng.uniform(0, width), rng.uniform(0, height), rng.normal(0, 0.3), high * rng.uniform(0.3, 6), high, 0.5
        )
        look = LOOKS[int(rng.integers(len(LOOKS)))]
        cases.append(["strips.js", "cutStrip", sent(picture), vars(place), vars(look)])
        expected.append(cut(Pyramid(picture), place, look).picture)
    found = run(cases)
    for strip, wanted in zip(found, expected, strict=True):
        assert np.abs(np.array(strip) - wanted.ravel().astype(int)).max() <= 1
    same = [np.mean(np.array(strip) == wanted.ravel()) for strip, wanted in zip(found, expected, strict=True)]
    assert np.mean(same) > 0.9999


def test_foregrounds_are_those_of_python(rng):
    pages = [any_page(rng) for _ in range(60)]
    expected = [find_foreground(page) for page in pages]
    assert 5 < sum(each is None for each in expected) < 30
    for found, wanted in zip(
        run([["foreground.js", "findForeground", sent(page)] for page in pages]), expected, strict=True
    ):
        assert (found is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_array_equal(found, wanted.ravel())


def test_components_are_those_of_opencv(rng):
    pictures = [any_picture(rng, *(int(side) for side in rng.integers(2, 80, 2))) for _ in range(40)]
    found = run([["segment.js", "findComponents", sent(picture)] for picture in pictures])
    for picture, each in zip(pictures, found, strict=True):
        wanted = sorted([*component.box, component.area] for component in find_components(picture).all)
        boxes = [
            [*(one["box"][edge] for edge in ("left", "top", "right", "bottom")), one["area"]]
            for one in each["components"]
        ]
        assert sorted(boxes) == wanted


def test_digits_become_like_those_of_mnist(rng):
    pictures = [any_picture(rng, *(int(side) for side in rng.integers(1, 70, 2))) for _ in range(40)]
    for picture, found in zip(
        pictures, run([["preprocess.js", "toMnist", sent(each)] for each in pictures]), strict=True
    ):
        assert np.abs(np.array(found) - to_mnist(picture).ravel().astype(int)).max() <= 2  # weights end in another bit


def test_rows_are_those_of_python(rng):
    pages = []
    for _ in range(40):
        angle, high = rng.normal(0, 0.1), rng.uniform(10, 30)
        x, y, height = (rng.uniform(0, 600, 25), rng.uniform(0, 300, 25), high * rng.uniform(0.8, 1.2, 25))
        angles = angle + rng.normal(0, 0.02, 25)
        places = [Place(*each, 40.0, high, 0.9) for *each, high in zip(x, y, angles, height, strict=True)]
        pages.append(places[: int(rng.integers(0, 26))])
    found = run([["order.js", "inRows", [vars(place) for place in page]] for page in pages])
    assert found == [in_rows(page) for page in pages]


def test_numbers_mean_what_they_mean_in_python(rng):
    texts = ["".join(rng.choice(list("0123456789.,-/:+=()%x"), int(rng.integers(1, 7)))) for _ in range(2000)]
    common = ["1.234,50", "1,234.5", "007", "0.50", ".5", "12%", "12.50%", "0%", "0.0%", "100%", "(12)", "(0)", "(-3)"]
    common += ["+4", "-0", "=500.-", "500/-", "(5)%", "1.234", "12:30", "3x4=12", "1/2", "2026-11-27", "5,-"]
    texts += common
    marks = {None: Mark.AUTO, ".": Mark.POINT, ",": Mark.COMMA}
    cases = [["numbers.js", "toDecimal", text, mark] for text in texts for mark in marks]
    expected = [to_decimal(text, mark) for text in texts for mark in marks.values()]
    assert run(cases) == [None if number is None else str(number) for number in expected]
    assert run([["numbers.js", "isUsual", text] for text in texts]) == [is_usual(text) for text in texts]
    pages = [list(rng.choice(common, int(rng.integers(0, 6)))) for _ in range(200)]
    names = {mark: name for name, mark in marks.items()}
    assert run([["numbers.js", "commonMark", page] for page in pages]) == [
        names[common_separator(page)] for page in pages
    ]
