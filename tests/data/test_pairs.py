import numpy as np
import pytest

from tendigits.data.pairs import HEIGHT, tight, touching
from tendigits.data.strokes import draw_digit


@pytest.mark.parametrize("seed", range(20))
def test_two_digits_stand_side_by_side_and_nearly_touch(seed):
    rng = np.random.default_rng(seed)
    left, right = touching([draw_digit(seed % 10, rng), draw_digit((seed + 3) % 10, rng)], rng)
    assert left.shape == right.shape
    assert left.any()
    assert right.any()
    middle = [float(np.average(np.arange(ink.shape[1]), weights=ink.sum(axis=0))) for ink in (left, right)]
    assert middle[0] < middle[1]
    near = np.argwhere(left > 60)[:, None] - np.argwhere(right > 60)[None]
    assert np.abs(near).max(axis=2).min() <= 4
    assert 0.7 * HEIGHT < max(tight(left).shape) < 1.3 * HEIGHT


@pytest.mark.parametrize("seed", range(10))
def test_three_digits_stand_side_by_side(seed):
    rng = np.random.default_rng(seed)
    inks = touching([draw_digit(label, rng) for label in (3, 1, 8)], rng)
    middles = [float(np.average(np.arange(ink.shape[1]), weights=ink.sum(axis=0))) for ink in inks]
    assert middles == sorted(middles)
    assert len({ink.shape for ink in inks}) == 1
    assert all(ink.any() for ink in inks)


def test_tight():
    ink = np.zeros((9, 9), np.uint8)
    assert tight(ink).shape == (9, 9)
    ink[2:5, 3:8] = 200
    assert tight(ink).shape == (3, 5)
