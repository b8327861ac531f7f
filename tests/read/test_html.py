"""What a notebook shows of what was read."""

import io
import pickle
import re
from base64 import b64decode
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from helpers import FORM_FIELDS, filled_form, photo_of, printed_table
from tendigits.digits.thumbnail import SIDE, Thumbnail
from tendigits.errors import printable
from tendigits.geometry import Box
from tendigits.read.forms import make_form
from tendigits.read.page import Page
from tendigits.read.reader import Reader
from tendigits.read.results import Number
from tendigits.tables.cell import Cell
from tendigits.tables.table import Table

BOX = Box(3, 4, 30, 20)
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)></svg></pre>&\ud800\x00\n"


class Parsed(HTMLParser):
    """Elements as (tag, attributes, text in it), by Python's own parser; all that is opened is closed."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])
        if tag not in ("img", "br"):
            self.open.append(self.elements[-1])

    def handle_startendtag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag):
        return [(attributes, text) for name, attributes, text in self.elements if name == tag]


def shown(result):
    """What a notebook gets, parsed: no script, no handler, no address but the pictures in it; it can be saved."""
    html = result._repr_html_()
    html.encode()
    parsed = Parsed(html)
    assert {tag for tag, _, _ in parsed.elements} <= {"div", "pre", "br", "table", "tr", "th", "td", "img"}
    for _, attributes, _ in parsed.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("src", "data:image/").startswith("data:image/")
        assert "url(" not in attributes.get("style", "")
    return parsed


class Drawing:
    """The picture with its boxes in what `shown` gives, as an XML parser sees it."""

    def __init__(self, parsed):
        (self.style, address), *_ = [
            (attributes["style"], attributes["src"])
            for attributes, _ in parsed.all("img")
            if attributes["src"].startswith("data:image/svg+xml,")
        ]
        self.svg = ElementTree.fromstring(unquote(address.split(",", 1)[1]))  # our own
        self.marks = self.all("rect", "g/")
        self.boxes = [box_of(mark.attrib) for mark in self.marks]
        self.values = [text.text for text in self.all("text", "g/")]

    def all(self, tag, path=""):
        space = "{http://www.w3.org/2000/svg}"
        return self.svg.findall("/".join(space + name for name in [*path.split("/")[:-1], tag]))

    def picture(self):
        """Its pixels and size."""
        (image,) = self.all("image")
        return np.asarray(picture_in(image.get("href")), float), (int(image.get("width")), int(image.get("height")))


def box_of(attributes):
    left, top, width, height = (float(attributes[name]) for name in ("x", "y", "width", "height"))
    return (left, top, left + width, top + height)


def picture_in(address):
    return Image.open(io.BytesIO(b64decode(address.split(",")[1])))


def line(value="12.5", reason=None, box=BOX):
    return Number(value, Decimal(1), 0.5, reason is None, reason, box, [])


@pytest.fixture(scope="module")
def reader():
    return Reader()


def test_a_page_has_its_picture_with_a_box_for_each_number_and_its_table(reader):
    picture = printed_table([[12, 3, 15], [4, 5, 9], [7, 8, 16]])
    page = reader.read(picture)
    parsed = shown(page)
    drawing = Drawing(parsed)
    assert drawing.svg.get("viewBox") == f"0 0 {picture.width} {picture.height}"
    pixels, size = drawing.picture()
    assert size == picture.size
    assert np.abs(pixels - np.asarray(picture)).mean() < 3
    assert drawing.boxes == [tuple(map(float, each.box)) for each in page.numbers]
    paper = np.asarray(picture) < 128
    for left, top, right, bottom in np.array(drawing.boxes, int):  # around printed digits and nothing else
        assert paper[top:bottom, left:right].any()
    assert drawing.values == [each.value for each in page.numbers]
    assert [text for _, text in parsed.all("td")] == ["12", "3", "15", "4", "5", "9", "7", "8", "16"]
    assert shown(page.table()).all("td") == parsed.all("td")


def test_a_picture_that_lies_turned_is_shown_as_it_is(reader):
    picture = printed_table([[12, 3, 15], [4, 5, 9], [7, 8, 16]]).rotate(90, expand=True)
    pixels, _ = Drawing(shown(reader.read(picture))).picture()
    assert np.abs(pixels - np.asarray(picture)).mean() < 3


def test_what_is_doubtful_is_told_apart_without_colours_and_says_why():
    table = Table(
        [[Cell(Box(0, 0, 9, 9), "5", accepted=False, reason="may be 5 or 6", index=1), Cell(Box(9, 0, 9, 9))]]
    )
    page = Page([line(), line("5", reason="may be 5 or 6")], (100, 50), [table])
    parsed = shown(page)
    drawing = Drawing(parsed)
    accepted, doubtful = drawing.marks
    assert "stroke-dasharray" in doubtful.attrib
    assert "stroke-dasharray" not in accepted.attrib
    assert drawing.values == ["12.5", "5?"]
    assert "may be 5 or 6" in parsed.all("pre")[-1][1]
    ((cell, text), (empty, nothing)) = shown(table).all("td")
    assert (text, cell["title"], "dashed" in cell["style"]) == ("5?", "may be 5 or 6", True)
    assert (nothing, empty) == ("", {})


def test_a_number_in_a_checked_table_is_as_doubtful_as_its_cell():
    rows = [[1, 2, 3], [4, 5, 9], [2, 6, 8]]
    lines = [line(str(n), reason="may be 0" if n == 5 else None) for row in rows for n in row]
    cells = [
        [
            Cell(each.box, each.value, Decimal(each.value), 0.5, each.accepted, each.reason, [("0", 0.1)], 3 * row + i)
            for i, each in enumerate(lines[3 * row : 3 * row + 3])
        ]
        for row in range(3)
    ]
    page = Page(lines, (100, 50), [Table(cells, ruled=True)])
    assert page.checked()[0].doubtful == []  # 4 + 5 = 9
    assert not [mark for mark in Drawing(shown(page)).marks if "stroke-dasharray" in mark.attrib]


def test_a_form_has_the_boxes_of_its_fields(reader):
    form = make_form(filled_form({}), {name: list(box) for name, box in FORM_FIELDS.items()})
    page = reader.read_form(form, photo_of(filled_form({"student": "40275", "points": "31"})))
    parsed = shown(page)
    assert Drawing(parsed).boxes == [tuple(map(float, cell.box)) for cell in page.fields.values()]
    assert "student: 40275" in parsed.all("pre")[-1][1]


def test_a_digit_has_its_picture_and_what_the_network_saw(reader, digits):
    picture = np.pad(255 - digits.x_test[0], 40, constant_values=255)
    digit = reader.digit(picture)
    parsed = shown(digit)
    assert Drawing(parsed).boxes == [tuple(map(float, digit.box))]
    _, (crop, _) = parsed.all("img")
    assert (np.asarray(picture_in(crop["src"])) == digit.crop).all()
    assert digit.text() in parsed.all("pre")[0][1]
    (alone,) = reader.classify([digit.crop])  # no picture is known
    assert len(shown(alone).all("img")) == 1


@given(value=st.text(max_size=30), reason=st.text(max_size=30), name=st.text(min_size=1, max_size=30))
@example(HOSTILE, HOSTILE, HOSTILE)
@example("\uffff", "\ufffe", "\uffff")
def test_any_text_is_text(value, reason, name):
    cell = Cell(Box(1, 2, 3, 4), value, accepted=False, reason=reason, index=0)
    doubtful = line(value, reason=reason)
    table = Table([[cell, cell], [cell, cell]], agreement=name)
    page = Page([doubtful, doubtful], (100, 50), [table], notice=name)
    for result in (page, table, Page([doubtful], (100, 50), fields={name: cell})):
        shown(result)
    assert len(shown(page).all("td")) == 4
    assert Drawing(shown(page)).values == [re.sub("[\ufffe\uffff]", "\ufffd", printable(value)) + "?"] * 2


def test_a_large_picture_is_shown_small_and_its_boxes_lie_where_they_were():
    width, height = 3000, 4000
    box = Box(1500, 2000, 1800, 2100)
    thumbnail = Thumbnail.of(np.random.default_rng(0).integers(0, 256, (2048, 1536), dtype=np.uint8), (width, height))
    page = Page([line(box=box)], (width, height), thumbnail=thumbnail)
    assert thumbnail.grey.shape == (SIDE, SIDE * 3 // 4)
    assert len(page._repr_html_()) < 1_500_000  # even noise
    drawing = Drawing(shown(page))
    assert "width: 750px" in drawing.style
    assert drawing.boxes == [tuple(map(float, box))]


def test_a_page_of_another_process_has_no_picture_but_its_boxes():
    """Nor is it copied: processes that read many pages would send every picture back."""
    grey = np.zeros((500, 1000), np.uint8)
    page = Page([line()], (1000, 500), thumbnail=Thumbnail.of(grey, (1000, 500)))
    grey[:] = 255  # the page's own is a copy
    assert not page.thumbnail.grey.any()
    sent = pickle.dumps(page)
    assert len(sent) < 2000
    for other in (pickle.loads(sent), deepcopy(page), replace(page, thumbnail=None)):
        assert other.thumbnail is None
        drawing = Drawing(shown(other))
        assert drawing.all("image") == []
        assert len(drawing.boxes) == 1
    assert "thumbnail" not in page.as_dict()


def test_printing_a_page_is_a_few_lines(reader):
    table = reader.read(printed_table([[row, 10 * row, 11 * row] for row in range(1, 16)]))
    said = repr(table).splitlines()
    assert re.fullmatch(r"Page of 610x1260 pixels, 45 numbers, 1 table", said[0])
    assert said[1].split() == ["1", "10", "11"]
    assert (len(said), said[-1]) == (12, "  ... and 5 more")
    cell = Cell(Box(1, 2, 3, 4), "7", accepted=False, reason="may be 7 or 1")
    assert repr(Page([], (9, 9), fields={"age": cell})).splitlines() == [
        "Page of 9x9 pixels, 0 numbers, 1 field", "  age: 7?   may be 7 or 1",
    ]  # fmt: skip
