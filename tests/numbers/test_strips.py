"""Strips: where boxes of a strip lie on the page, whatever the direction and the width of its digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.numbers.detections import Detection
from tendigits.numbers.strips import ImagePyramid, crop_strip


def page_with_bar():
    """A black bar of 60 x 20 pixels, in the middle of white paper."""
    page = np.full((120, 300), 255, np.uint8)
    page[50:70, 120:180] = 0
    return page


@given(stretch=st.floats(0.5, 3.0), shift=st.floats(-20, 20))
def test_a_box_of_a_strip_lies_where_it_lies_on_the_page(stretch, shift):
    strip = crop_strip(ImagePyramid(page_with_bar()), Detection(150 + shift, 60, 0.0, 100.0, 26.0, 1.0, stretch))
    dark = np.argwhere(strip.picture < 128)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0) + 1
    assert strip.in_picture([(left, top, right, bottom)])[0] == pytest.approx((120, 50, 180, 70), abs=2 + stretch)
    whole = strip.ends[0], 0, strip.ends[1], 40
    assert strip.in_picture([whole])[0, ::2] == pytest.approx((100 + shift, 200 + shift))


def test_digits_that_are_twice_as_wide_have_their_usual_width_in_a_strip():
    usual, wide = (
        crop_strip(ImagePyramid(page_with_bar()), Detection(150, 60, 0.0, 100.0, 26.0, 1.0, stretch))
        for stretch in (1.0, 2.0)
    )
    widths = [np.ptp(np.argwhere(strip.picture < 128)[:, 1]) + 1 for strip in (usual, wide)]
    assert widths == [60, 30]
