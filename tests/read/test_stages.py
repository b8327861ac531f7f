"""The stages of reading, as a picture."""

import numpy as np
import pytest

from drawing import printed_table
from tendigits.errors import UserError
from tendigits.read.page import Page
from tendigits.read.reader import Reader
from tendigits.read.stages import CAPTION_PX, FOUND


def test_the_stages_of_a_page_are_drawn():
    picture = printed_table([("40275", "3", "44"), ("40312", "4", "18"), ("41999", "5", "29")])
    page = Reader(threads=1).read(picture, debug=True)
    assert [reading.text for reading in page.stages.readings] == [number.text for number in page.numbers]
    drawn = np.asarray(page.debug())
    height, width = page.stages.grey.shape
    scale = drawn.shape[1] / 2 / width
    assert drawn.shape == (2 * (round(height * scale) + CAPTION_PX), 2 * round(width * scale), 3)
    colour = [int(FOUND[i : i + 2], 16) for i in (1, 3, 5)]
    has_colour = (drawn == colour).all(axis=2)
    assert has_colour[: len(drawn) // 2, drawn.shape[1] // 2 :].any(), "the numbers found, at the top right"
    assert not has_colour[len(drawn) // 2 :].any()


def test_stages_are_kept_only_where_they_are_asked_for():
    with pytest.raises(UserError, match="debug=True"):
        Page([], (10, 10)).debug()
