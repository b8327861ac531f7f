import numpy as np
import pytest

from tendigits.data import printed
from tendigits.data.printed import FONTS, draw_printed


@pytest.mark.parametrize("font", FONTS)
def test_every_font_has_every_digit(font, monkeypatch):
    monkeypatch.setattr(printed, "FONTS", (font,))
    drawn = [draw_printed(str(digit), np.random.default_rng(0)) for digit in range(10)]
    assert len({ink.tobytes() for ink in drawn}) == 10
    for ink in drawn:
        assert ink.shape == (96, 96)
        assert 0.01 < (ink > 100).mean() < 0.5
        assert not ink[[0, -1]].any()


def test_sizes_differ():
    rng = np.random.default_rng(0)
    heights = {int((draw_printed("1", rng) > 100).any(axis=1).sum()) for _ in range(30)}
    assert len(heights) > 5
