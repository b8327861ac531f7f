"""What notebooks show of a page, in a real browser."""

import numpy as np
import pytest

from helpers import printed_table
from tendigits.digits.segment import Box
from tendigits.digits.thumbnail import Thumbnail
from tendigits.read.page import Page
from tendigits.read.reader import Reader
from tendigits.read.results import Line
from tendigits.tables.table import Cell, Table

pytestmark = pytest.mark.xdist_group("browser")

PLACES = """() => {
  const seen = (element) => { const r = element.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  return {picture: seen(document.querySelector("image")), boxes: [...document.querySelectorAll("rect")].map(seen)};
}"""


@pytest.mark.parametrize("width", [1200, 320])
def test_boxes_lie_over_the_numbers_however_wide_the_window_is(browser, width):
    result = Reader().read(printed_table([[12, 3, 15], [4, 5, 9], [7, 8, 16]]))
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_content(result._repr_html_())
    places = page.evaluate(PLACES)
    left, top, right, bottom = places["picture"]
    assert right <= width
    scale = (right - left) / result.size[0]
    assert (bottom - top) / result.size[1] == pytest.approx(scale, rel=0.02)
    for shown, line in zip(places["boxes"], result.lines, strict=True):
        expected = [start + scale * edge for start, edge in zip((left, top) * 2, line.box, strict=True)]
        assert shown == pytest.approx(expected, abs=2.5)  # of the screen's pixels: half of a line is outside
    page.close()


def test_hostile_text_does_nothing(browser):
    hostile = "\"'></title></svg></pre></td><img src=http://example.org/x onerror=alert(1)><script>alert(1)</script>"
    cell = Cell(Box(0, 0, 9, 9), hostile, accepted=False, reason=hostile, line=0)
    line = Line(hostile, None, 0.5, False, hostile, Box(0, 0, 9, 9), [])
    picture = Thumbnail.of(np.full((50, 50), 240, np.uint8), (50, 50))
    result = Page([line, line], (50, 50), [Table([[cell] * 2] * 2)], notice=hostile, thumbnail=picture)
    page, done = browser.new_page(), []
    page.on("dialog", lambda dialog: (done.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: done.append(request.url) if not request.url.startswith("data:") else None)
    page.set_content(result._repr_html_())
    page.wait_for_timeout(300)
    assert done == []
    assert page.locator("img, script").count() == 0
    assert page.locator("td").nth(0).inner_text() == hostile + "?"
    page.close()
