"""The HTML that notebooks show of a page."""

from urllib.parse import unquote

import numpy as np
import pytest

from drawing import printed_table
from tendigits.digits.find import Thumbnail
from tendigits.geometry import Box
from tendigits.read.page import Page
from tendigits.read.reader import Reader
from tendigits.read.results import Number
from tendigits.tables.cell import Cell
from tendigits.tables.table import Table

pytestmark = pytest.mark.xdist_group("browser")

PLACES = """() => {
  const seen = (element) => { const r = element.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  return {picture: seen(document.querySelector("image")), boxes: [...document.querySelectorAll("g rect")].map(seen)};
}"""


@pytest.mark.parametrize("width", [1200, 320])
def test_the_picture_is_seen_whole_with_its_boxes_over_the_numbers(browser, width):
    result = Reader().read(printed_table([[12, 3, 15], [4, 5, 9], [7, 8, 16]]))
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_content(result._repr_html_())
    image = page.locator("img")
    assert image.evaluate(
        "async image => { await image.decode(); return [image.naturalWidth, image.naturalHeight]; }"
    ) == [*result.size]
    box = image.bounding_box()
    assert box["width"] <= width
    assert box["width"] / box["height"] == pytest.approx(result.size[0] / result.size[1], rel=0.02)
    drawing = unquote(image.get_attribute("src").removeprefix("data:image/svg+xml,"))
    page.set_content(f"<body style='margin: 0'>{drawing}")
    places = page.evaluate(PLACES)
    assert places["picture"] == [0, 0, *result.size]
    for shown, number in zip(places["boxes"], result.numbers, strict=True):
        assert shown == pytest.approx(list(number.box), abs=2)  # half of a stroke is outside
    page.close()


def test_hostile_text_does_nothing(browser):
    hostile = "\"'></title></svg></pre></td><img src=http://example.org/x onerror=alert(1)><script>alert(1)</script>"
    cell = Cell(Box(0, 0, 9, 9), hostile, accepted=False, reason=hostile, index=0)
    number = Number(hostile, None, 0.5, False, hostile, Box(0, 0, 9, 9), [])
    picture = Thumbnail.of(np.full((50, 50), 240, np.uint8), (50, 50))
    result = Page([number, number], (50, 50), [Table([[cell] * 2] * 2)], notice=hostile, thumbnail=picture)
    page, done = browser.new_page(), []
    page.on("dialog", lambda dialog: (done.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: done.append(request.url) if not request.url.startswith("data:") else None)
    page.set_content(result._repr_html_())
    assert page.locator("img").count() == 1
    assert page.locator("script").count() == 0
    assert page.locator("img").evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 50
    assert page.locator("td").nth(0).inner_text() == hostile + "?"
    assert done == []
    page.close()
