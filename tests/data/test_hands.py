import numpy as np
import pytest

from tendigits.data.hands import Hands, with_bar, with_flag
from tendigits.data.paper import enlarge


@pytest.fixture(scope="module")
def hands(digits):
    return Hands(digits.x_train, digits.y_train)


def test_a_picture_keeps_its_label_and_the_seed_decides(hands):
    for i in range(30):
        picture, label = hands.picture(i, np.random.default_rng(i))
        assert label == hands.y[i]
        np.testing.assert_array_equal(picture, hands.picture(i, np.random.default_rng(i))[0])
    assert (picture.shape != hands.picture(29, np.random.default_rng(1))[0].shape) or (picture != picture.T).any()


def test_a_nondigit_is_a_picture(hands):
    for seed in range(60):
        picture = hands.nondigit(np.random.default_rng(seed))
        assert picture.dtype == np.uint8
        assert min(picture.shape) > 1


@pytest.mark.parametrize(("label", "change"), [(1, with_flag), (7, with_bar)])
def test_a_flag_and_a_bar_are_ink_more_at_the_right_place(hands, label, change):
    for i in np.flatnonzero(hands.y == label)[:30]:
        ink = enlarge(hands.x[i])
        rows = np.flatnonzero((ink > 100).any(axis=1))
        more = change(ink, np.random.default_rng(int(i))).astype(int) - ink
        assert more.min() >= 0
        places = np.argwhere(more > 100)
        assert 10 < len(places) < 1500
        middle = (places[:, 0].mean() - rows[0]) / (rows[-1] - rows[0])
        assert (0 < middle < 0.95) if label == 1 else (0.3 < middle < 0.75)
