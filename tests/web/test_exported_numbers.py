"""Numbers in an exported page, in a real browser: read as by Python, shown, copied and saved; it asks no server."""

import base64
import io
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from helpers import opened_up, page_of_numbers
from synthesis import hands
from synthesis.fonts import load_fonts
from synthesis.hands import Shapes
from synthesis.lines import LineWriter
from synthesis.pages import PageWriter
from synthesis.patterns import Patterns
from synthesis.texts import draw_number
from tendigits.pictures.image import open_image
from tendigits.read.reader import Reader

pytestmark = pytest.mark.xdist_group("export")  # the same finished run

COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
ASK = """([bytes, width, height]) => {
  const pixels = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
  return modules["client.js"].readPage("", { pixels, width, height }, () => {});
}"""


@pytest.fixture(scope="module")
def pictures(digits) -> Callable[[int], list[np.ndarray]]:
    """Generated pictures, n of each kind: lines, pages, and numbers in OpenCV's fonts."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = load_fonts(sorted(folder.glob("DejaVuS*.ttf")), written=False)
    fonts += load_fonts([folder / "STIXGeneralItalic.ttf"], written=True)

    @cache
    def shapes(drawings: int) -> Shapes:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hands, "KEPT", drawings)  # of each character, and of words
            patch.setattr(hands, "WORDS", drawings)
            return Shapes(digits.x_train, digits.y_train, fonts, np.random.default_rng(0))

    patterns = Patterns(np.random.default_rng(0), n=12)

    def make(n: int) -> list[np.ndarray]:
        drawn = shapes(40 if n == 1 else 600)  # all take ten seconds
        return [
            *(line.picture for line in LineWriter(drawn, patterns).lines(np.random.default_rng(1), n)),
            *(page.picture for page in PageWriter(drawn, patterns).pages(np.random.default_rng(2), n)),
            *(printed(np.random.default_rng(seed)) for seed in range(n)),
        ]

    return make


def printed(rng: np.random.Generator) -> np.ndarray:
    """Numbers in lines on a page of any size and shade, some of it rotated, light on dark or noisy."""
    height, width = (int(side) for side in rng.integers(100, 700, 2))
    page = np.full((height, width), rng.integers(190, 256), np.uint8)
    size = rng.uniform(14, 60)
    for y in np.arange(1.5 * size, height, size * rng.uniform(1.7, 3)):
        x = rng.uniform(5, 40)
        while x < width - 4 * size:
            text, font = draw_number(rng), int(rng.choice([0, 2, 3, 4, 6, 7]))
            pen = int(rng.integers(0, 90))
            place = (int(x), int(y))
            cv2.putText(page, text, place, font, size / 22, pen, max(1, int(size / 12)), cv2.LINE_AA)
            x += size * (len(text) + 3)
    if rng.random() < 0.3:
        page = 255 - page
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.normal(0, 3), 1)
    page = cv2.warpAffine(page, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    shade = 1 - rng.uniform(0, 0.5) * np.linspace(0, 1, width)
    noisy = page * shade + rng.normal(0, rng.uniform(0, 8), page.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def read(page: Page, picture: np.ndarray) -> list[dict[str, Any]]:
    """The lines that the page reads in grey pixels."""
    data = base64.b64encode(np.ascontiguousarray(picture).tobytes()).decode()
    lines: list[dict[str, Any]] = page.evaluate(ASK, [data, picture.shape[1], picture.shape[0]])["lines"]
    return lines


def line_at(lines: list[dict[str, Any]], box: Sequence[float]) -> dict[str, Any] | None:
    """Which of the lines has this box, up to three pixels."""
    return next((each for each in lines if np.abs(np.subtract(each["box"], box)).max() <= 3), None)


MARGIN = 0.05
"""Of a confidence, from 0 to 1."""


@pytest.fixture
def lines_alone(monkeypatch):
    """The exported page turns nothing, and knows no tables."""
    monkeypatch.setattr("tendigits.read.reader.turns_of", lambda *_: 0)
    monkeypatch.setattr("tendigits.read.reader.read_tables", lambda _, grey, readings, *more: (readings, []))


@pytest.mark.usefixtures("lines_alone")
@pytest.mark.parametrize("n", [pytest.param(1, id="few"), pytest.param(25, id="many", marks=pytest.mark.slow)])
def test_numbers_are_those_of_python(exported, open_exported, tmp_path, pictures, n):
    """In reading order, accepted alike. Sums of floats end in another bit: 8-bit activations make a step of it, a step
    moves a box by a hundredth of a pixel, and that decides on a hard page's margins."""
    page, reader = open_exported(opened_up(exported("reader"), tmp_path)), Reader()
    numbers = surplus = flips = reasons = 0
    different: list[Any] = []
    far: list[Any] = []
    blank = [np.full((80, 200), 255, np.uint8), np.full((1, 1), 7, np.uint8), np.zeros((40, 3000), np.uint8)]
    for picture in [*pictures(n), *blank]:
        expected, found = reader.read(picture).numbers, read(page, picture)
        numbers += len(expected)
        surplus += max(0, len(found) - len(expected))
        for line in expected:
            other = line_at(found, line.box)
            if other is None or other["value"] != line.value:
                different.append((line.value, line.accepted, other))
                continue
            assert other["number"] == (None if line.number is None else str(line.number))
            reasons += other["reason"] != line.reason
            flips += other["accepted"] != line.accepted
            if abs(other["confidence"] - line.confidence) > MARGIN:
                far.append((line.value, line.confidence, other["confidence"]))
    assert numbers > 10 * n
    assert len(different) + surplus <= max(1, 0.03 * numbers), different
    assert len(far) <= max(1, 0.07 * numbers), far
    assert flips <= max(1, 0.01 * numbers)
    assert reasons <= max(2, 0.05 * numbers)
    assert not any(accepted or (other is not None and other["accepted"]) for _, accepted, other in different), different


@pytest.mark.slow
@pytest.mark.usefixtures("lines_alone")
def test_with_a_network_of_ones_own(exported, open_exported, tmp_path, pictures):
    """A fine-tuned network says which digit each is; here it is the package's, said to be one's own."""
    from tendigits.digits.network import bundled

    (place := tmp_path / "own").mkdir()
    address = opened_up(exported("reader"), place)
    script = (place / "tendigits.js").read_text()
    assert script.count('"own": false') == 1
    (place / "tendigits.js").write_text(script.replace('"own": false', '"own": true'))
    page, reader = open_exported(address), Reader(bundled())
    numbers = right = 0
    for picture in pictures(4):
        expected, found = reader.read(picture).numbers, read(page, picture)
        numbers += len(expected)
        others = [line_at(found, line.box) for line in expected]
        right += sum(
            other is not None and other["value"] == line.value for other, line in zip(others, expected, strict=True)
        )
    assert right >= 0.97 * numbers


def test_open_a_picture_and_save_its_numbers(served, open_exported, digits):
    page = open_exported(f"{served}#read")
    picture = page_of_numbers(digits, rows=3)
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": picture})
    rows = page.locator("#lines tbody tr")
    expect(rows).to_have_count(3, timeout=60_000)
    expect(page.locator("#reading")).to_be_hidden()
    expected = Reader().read(picture).numbers
    assert [row.locator("td").nth(1).inner_text() for row in rows.all()] == [line.value for line in expected]
    assert [row.locator("td").nth(3).inner_text() for row in rows.all()] == [line.reason or "" for line in expected]
    expect(page.locator(".box")).to_have_count(12)
    image, box = page.locator("#stage img").bounding_box(), page.locator(".box rect").first.bounding_box()
    assert image["x"] < box["x"] < image["x"] + image["width"] / 4  # the boxes lie on the picture
    with page.expect_download() as started:
        page.click("#csv")
    text = started.value.path().read_text().splitlines()
    assert text[0] == "line,value,number,confidence,accepted,reason,left,top,right,bottom"
    assert text[1].startswith(f"1,{expected[0].value},{expected[0].number},")
    box = [int(edge) for edge in text[1].split(",")[-4:]]
    np.testing.assert_allclose(box, tuple(expected[0].box), atol=1)  # half a pixel may be rounded up or down
    for scheme, rules in (("light", None), ("dark", COLOURS)):  # nothing else depends on the scheme
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=rules).response["violations"]
        assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []


def test_pictures_that_cannot_be_opened_and_one_without_numbers(exported, open_exported):
    page = open_exported(f"{(exported('reader') / 'index.html').as_uri()}#read")
    page.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#reading")).to_have_text(
        "a.png was not read: expected a whole PNG, JPEG, WebP, BMP or GIF, received a.png; save it again"
    )
    data = io.BytesIO()
    Image.new("L", (90, 60), 255).save(data, "PNG")
    page.set_input_files("#file", {"name": "b.png", "mimeType": "image/png", "buffer": data.getvalue()})
    expect(page.locator("#lines")).to_contain_text("No number was found.", timeout=60_000)


OPEN = """async ([bytes, type]) => {
  const file = new File([Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0))], "a", { type });
  const { pixels, width, height } = await modules["image.js"].openImage(file);
  return [btoa(Array.from(pixels, (value) => String.fromCharCode(value)).join("")), width, height];
}"""


def test_a_photo_stands_upright_and_white_strokes_on_transparency_are_seen(exported, open_exported, tmp_path, digits):
    page = open_exported(opened_up(exported("reader"), tmp_path))
    upright = Image.open(io.BytesIO(page_of_numbers(digits)))
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = Image.new("LA", upright.size, (255, 0))
    clear.paste((255, 255), mask=upright.point(lambda value: 255 - value))
    for picture, kind, options in ((upright.transpose(Image.Transpose.ROTATE_90), "JPEG", {"exif": exif}),
                                   (clear, "PNG", {})):  # fmt: skip
        data = io.BytesIO()
        picture.save(data, kind, **options)
        file = [base64.b64encode(data.getvalue()).decode(), f"image/{kind.lower()}"]
        pixels, width, height = page.evaluate(OPEN, file)
        assert (width, height) == upright.size
        found = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(height, width)
        assert np.abs(found.astype(int) - open_image(data.getvalue()).grey.astype(int)).max() <= 2
