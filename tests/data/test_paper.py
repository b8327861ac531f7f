import numpy as np
import pytest

from tendigits.data.paper import by_another_hand, enlarge, on_paper
from tendigits.read.reader import find_digit


@pytest.fixture(scope="module")
def inks(digits):
    return [enlarge(image) for image in digits.x_test[:60]]


def test_enlarged_a_digit_stays_what_it_is(digits):
    ink = enlarge(digits.x_test[0])
    assert ink.shape == (96, 96)
    back = ink[6:90, 6:90].reshape(28, 3, 28, 3).mean(axis=(1, 3))
    assert np.abs(back - digits.x_test[0]).mean() < 6


def test_another_hand_leaves_ink_in_the_field_and_the_seed_decides(inks):
    for seed, ink in enumerate(inks):
        bent = by_another_hand(ink, np.random.default_rng(seed))
        assert bent.shape == ink.shape
        assert 0.1 < (bent > 100).sum() / (ink > 100).sum() < 4
    same = [by_another_hand(inks[0], np.random.default_rng(5)) for _ in range(2)]
    np.testing.assert_array_equal(*same)


def test_on_paper_the_reader_still_finds_ink(inks):
    found = 0
    for seed, ink in enumerate(inks):
        picture = on_paper(ink, np.random.default_rng(seed), (inks[seed - 1],))
        assert picture.dtype == np.uint8
        assert 20 <= max(picture.shape) <= 120
        found += bool(find_digit(picture).crop.any())
    assert found >= 0.95 * len(inks)
