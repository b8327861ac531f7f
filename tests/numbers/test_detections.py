from dataclasses import replace

import pytest

from tendigits.numbers.detections import Detection


def test_a_number_ends_at_the_pages_edge():
    inside = Detection(50.0, 20.0, 0.1, 40.0, 20.0, 1.0)
    assert inside.within((40, 100)) is inside
    cut = replace(inside, x=10.0, angle=0.0).within((40, 100))
    assert (cut.x, cut.y, cut.length) == pytest.approx((15, 20, 30))
    assert replace(inside, x=-90.0, angle=0.0).within((40, 100)).length > 0
