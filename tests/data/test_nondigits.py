import numpy as np
import pytest

from tendigits.data import nondigits
from tendigits.data.strokes import FIELD, draw_digit


def digit(rng):
    return draw_digit(int(rng.integers(10)), rng)


def test_what_is_drawn_has_ink_and_differs():
    drawn = [nondigits.draw_nondigit(digit, np.random.default_rng(seed)) for seed in range(200)]
    assert {ink.shape for ink in drawn} == {(FIELD, FIELD)}
    assert {ink.dtype for ink in drawn} == {np.dtype("uint8")}
    assert sum(ink.any() for ink in drawn) > 180
    assert len({ink.tobytes() for ink in drawn}) > 180


@pytest.mark.parametrize("kind", ["draw_letter", "_sign", "_marks", "_scribble", "_blotch", "_blank"])
def test_every_kind(kind):
    rng = np.random.default_rng(0)
    assert all(getattr(nondigits, kind)(rng).any() for _ in range(30))


def test_no_letter_may_be_a_digit():
    assert not set(nondigits.SIGNS) & set("0123456789IlOoZzSsBbGgqQJjDYy|()")
