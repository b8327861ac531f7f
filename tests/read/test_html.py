"""What a notebook shows of results; tests/web has the same in a browser."""

import io
import pickle
import re
from base64 import b64decode
from copy import deepcopy
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from drawing import printed_table
from tendigits.digits.find import THUMBNAIL_SIDE, Thumbnail
from tendigits.errors import printable
from tendigits.geometry import Box
from tendigits.read.page import Page
from tendigits.read.reader import Reader
from tendigits.read.results import Number
from tendigits.tables.cell import Cell
from tendigits.tables.table import Table

BOX = Box(3, 4, 30, 20)
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)></svg></pre>&\ud800\x00\n"


class Shown:
    """What a notebook shows of a result, as a tree; it has no script, no handler and no address."""

    def __init__(self, result):
        html = re.sub(r"<(br|img [^>]*)>", r"<\1/>", result._repr_html_())
        self.tree = ElementTree.fromstring(f"<div>{html}</div>".encode())
        for element in self.tree.iter():
            assert element.tag in {"div", "pre", "br", "table", "tr", "th", "td", "img"}
            assert not [name for name in element.attrib if name.startswith("on")]
            assert element.get("src", "data:image/").startswith("data:image/")
            assert "url(" not in element.get("style", "")
        for image in self.tree.iter("img"):
            if image.get("src").startswith("data:image/svg+xml,"):
                self.style, self.svg = image.get("style"), ElementTree.fromstring(unquote(image.get("src")[19:]))
                self.marks = self.in_svg("g", "rect")
                self.values = [text.text for text in self.in_svg("g", "text")]

    def texts(self, tag):
        return ["".join(element.itertext()) for element in self.tree.iter(tag)]

    def in_svg(self, *path):
        return self.svg.findall("/".join("{http://www.w3.org/2000/svg}" + name for name in path))

    @property
    def boxes(self):
        edges = [[float(mark.get(name)) for name in ("x", "y", "width", "height")] for mark in self.marks]
        return [(left, top, left + width, top + height) for left, top, width, height in edges]


def picture_in(address):
    return np.asarray(Image.open(io.BytesIO(b64decode(address.split(",")[1]))), float)


def number(value="12.5", reason=None, box=BOX):
    return Number(value, None, 0.5, reason is None, reason, box, [])


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.mark.parametrize("turned", [0, 270])
def test_a_page_has_its_picture_a_box_for_each_number_and_its_table(reader, turned):
    picture = printed_table([[12, 3, 15], [4, 5, 9], [7, 8, 15]] * 2).rotate(-turned, expand=True)
    page = reader.read(picture)
    assert page.turned == turned
    shown = Shown(page)
    assert shown.svg.get("viewBox") == f"0 0 {picture.width} {picture.height}"
    (image,) = shown.in_svg("image")
    assert (int(image.get("width")), int(image.get("height"))) == picture.size
    assert np.abs(picture_in(image.get("href")) - np.asarray(picture)).mean() < 3
    assert shown.boxes == [tuple(map(float, each.box)) for each in page.numbers]
    ink = np.asarray(picture) < 128
    assert all(ink[top:bottom, left:right].any() for left, top, right, bottom in np.array(shown.boxes, int))
    assert shown.values == [each.value for each in page.numbers]
    assert shown.texts("td") == ["12", "3", "15", "4", "5", "9", "7", "8", "15"] * 2
    assert Shown(page.table()).texts("td") == shown.texts("td")


def test_doubtful_values_are_marked_without_colour_and_explained():
    cells = [Cell(Box(0, 0, 9, 9), "5", accepted=False, reason="may be 5 or 6", index=1), Cell(Box(9, 0, 9, 9))]
    page = Page([number(), number("5", reason="may be 5 or 6")], (100, 50), [Table([cells])])
    shown = Shown(page)
    assert ["stroke-dasharray" in mark.attrib for mark in shown.marks] == [False, True]
    assert shown.values == ["12.5", "5?"]
    assert "may be 5 or 6" in shown.texts("pre")[-1]
    doubtful, empty = Shown(page.tables[0]).tree.iter("td")
    assert (doubtful.text, doubtful.get("title"), "dashed" in doubtful.get("style")) == ("5?", "may be 5 or 6", True)
    assert (empty.text, empty.attrib) == (None, {})


def test_a_label_never_stands_on_another_number():
    rows = [number(str(1000 + y), box=Box(2, y, 82, y + 30)) for y in range(100, 500, 32)]
    right = [number(each.value, box=Box(86, each.box.top, 166, each.box.bottom)) for each in rows]
    shown = Shown(Page([*rows, *right], (168, 600)))
    assert len(shown.boxes) == 2 * len(rows)
    assert 0 < len(shown.values) < 2 * len(rows), "without those for which there is no room"
    for text in shown.in_svg("g", "text"):
        x, y = float(text.get("x")), float(text.get("y"))
        assert not any(left < x + 5 < end and top < y - 5 < bottom for left, top, end, bottom in shown.boxes)


def test_a_digit_has_its_picture_and_its_crop(reader, digits):
    digit = reader.digit(np.pad(255 - digits.x_test[0], 40, constant_values=255))
    shown = Shown(digit)
    assert shown.boxes == [tuple(map(float, digit.box))]
    _, crop = shown.tree.iter("img")
    assert (picture_in(crop.get("src")) == digit.crop).all()
    assert shown.texts("pre") == [digit.text()]
    (without_picture,) = reader.classify([digit.crop])
    assert len([*Shown(without_picture).tree.iter("img")]) == 1


@given(value=st.text(max_size=30), reason=st.text(max_size=30), name=st.text(min_size=1, max_size=30))
@example(HOSTILE, HOSTILE, HOSTILE)
@example("\uffff", "\ufffe", "\uffff")
@example("5.-", "", "closing marks are not part of the value")
def test_any_text_is_escaped(value, reason, name):
    cell = Cell(Box(1, 2, 3, 4), value, accepted=False, reason=reason, index=0)
    doubtful = number(value, reason=reason, box=Box(900, 450, 1000, 550))
    table = Table([[cell, cell], [cell, cell]], agreement=name)
    shown = Shown(Page([doubtful, doubtful], (2000, 1000), [table], notice=name))
    Shown(Page([doubtful], (100, 50), fields={name: cell}))
    assert len(shown.texts("td")) == 4
    assert shown.values == [re.sub("[\ufffe\uffff]", "\ufffd", printable(doubtful.value)) + "?"] * 2


def test_a_large_picture_is_shown_small_with_its_boxes_in_place():
    size, box = (3000, 4000), Box(1500, 2000, 1800, 2100)
    thumbnail = Thumbnail.of(np.random.default_rng(0).integers(0, 256, (2048, 1536), dtype=np.uint8), size)
    page = Page([number(box=box)], size, thumbnail=thumbnail)
    assert thumbnail.grey.shape == (THUMBNAIL_SIDE, THUMBNAIL_SIDE * 3 // 4)
    assert len(page._repr_html_()) < 1_500_000  # even noise
    assert "width: 750px" in Shown(page).style
    assert Shown(page).boxes == [tuple(map(float, box))]


def test_a_page_from_another_process_has_boxes_without_a_picture():
    page = Page([number()], (1000, 500), thumbnail=Thumbnail.of(np.zeros((500, 1000), np.uint8), (1000, 500)))
    sent = pickle.dumps(page)
    assert len(sent) < 2000
    for other in (pickle.loads(sent), deepcopy(page)):
        assert other.thumbnail is None
        assert Shown(other).in_svg("image") == []
        assert len(Shown(other).boxes) == 1
