"""Synthetic pictures: drawn within their field, decided by the seed alone, and what they say they are."""

import numpy as np
import pytest

from synthesis.letters import LETTERS, draw_letter
from synthesis.nondigits import draw_nondigit, draw_sign
from synthesis.pairs import HEIGHT, tight, touching
from synthesis.paper import on_paper, rewrite
from synthesis.printed import draw_printed
from synthesis.strokes import FIELD, SHAPES, draw, draw_digit
from synthesis.writers import SyntheticWriter
from tendigits.data.preprocess import to_mnist
from tendigits.digits.find import find_digit


@pytest.fixture(scope="module")
def writer(digits):
    return SyntheticWriter(digits.x_train, digits.y_train)


def any_digit(rng):
    return draw_digit(int(rng.integers(10)), rng)


@pytest.mark.parametrize("shape", [*LETTERS, *(shape for shapes in SHAPES.values() for shape in shapes)])
def test_strokes_stay_within_the_field(shape):
    for seed in range(3):
        drawing = draw(shape, np.random.default_rng(seed))
        assert (drawing.shape, drawing.dtype) == ((FIELD, FIELD), np.uint8)
        assert 0.005 < (drawing > 100).mean() < 0.5
        assert not np.concatenate([drawing[[0, -1]], drawing[:, [0, -1]].T]).any()


@pytest.mark.parametrize(
    "draw",
    [
        any_digit,
        draw_letter,
        draw_sign,
        lambda rng: draw_printed("7", rng),
        lambda rng: draw_nondigit(any_digit, rng),
        lambda rng: rewrite(any_digit(rng), rng),
        lambda rng: on_paper(any_digit(rng), rng, (any_digit(rng),)),
    ],
)
def test_the_seed_decides(draw):
    drawn = [draw(np.random.default_rng(seed)) for seed in (1, 1, *range(2, 20))]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert len({drawing.tobytes() for drawing in drawn}) > 15


def test_nearest_neighbours_in_mnist_read_most_drawn_digits(digits):
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 20)
    drawn = np.array([to_mnist(draw_digit(int(label), rng)).ravel() for label in labels])
    neighbours = KNeighborsClassifier(3).fit(digits.x_train.reshape(-1, 784), digits.y_train)
    assert (neighbours.predict(drawn) == labels).mean() > 0.6  # flags, bars and loops are what MNIST lacks


@pytest.mark.parametrize("labels", [(3, 7), (1, 1), (3, 1, 8)])
def test_touching_digits_stand_side_by_side(labels):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        row = touching([draw_digit(label, rng) for label in labels], rng)
        assert len({drawing.shape for drawing in row}) == 1
        middles = [float(np.average(np.arange(drawing.shape[1]), weights=drawing.sum(axis=0))) for drawing in row]
        assert middles == sorted(middles)
        near = np.argwhere(row[0] > 60)[:, None] - np.argwhere(row[1] > 60)[None]
        assert np.abs(near).max(axis=2).min() <= 4
        assert 0.7 * HEIGHT < max(tight(row[0]).shape) < 1.3 * HEIGHT


def test_the_reader_finds_a_writers_digits_on_paper(writer):
    pictures = [writer.picture(i, np.random.default_rng(i)) for i in range(60)]
    assert [label for _, label in pictures] == writer.y[:60].tolist()
    assert np.mean([find_digit(picture).crop.any() for picture, _ in pictures]) >= 0.95
    assert all(min(writer.nondigit(np.random.default_rng(seed)).shape) > 1 for seed in range(60))
