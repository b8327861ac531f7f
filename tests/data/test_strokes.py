import numpy as np
import pytest

from tendigits.data.strokes import FIELD, SHAPES, draw, draw_digit


@pytest.mark.parametrize("label", range(10))
def test_every_shape_is_drawn_within_the_field(label):
    for shape in SHAPES[label]:
        for seed in range(5):
            ink = draw(shape, np.random.default_rng(seed))
            assert (ink.shape, ink.dtype) == ((FIELD, FIELD), np.uint8)
            assert 0.005 < (ink > 100).mean() < 0.4
            assert not np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]]).any()


def test_the_same_seed_draws_the_same_and_another_another():
    one, same, other = (draw_digit(4, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_a_reader_of_mnist_knows_most_of_them(digits):
    from sklearn.neighbors import KNeighborsClassifier

    from tendigits.data.preprocess import to_mnist

    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 20)
    drawn = np.array([to_mnist(draw_digit(int(label), rng)).ravel() for label in labels])
    neighbours = KNeighborsClassifier(3).fit(digits.x_train.reshape(-1, 784), digits.y_train)
    right = neighbours.predict(drawn) == labels
    assert right.mean() > 0.6  # flags, bars and loops are what MNIST lacks
