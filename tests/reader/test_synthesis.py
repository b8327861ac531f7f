"""Synthetic pictures: drawn within their field, decided by the seed alone, and like their labels."""

import numpy as np
import pytest

from measuring.lines import Digits, make_line
from measuring.nondigits import FONTS, KINDS
from measuring.rare import make_blotted_sum, make_dates, make_long, make_wide_among
from measuring.signs import make_signed
from measuring.tables import make_sheet
from synthesis import printed
from synthesis.letters import LETTERS, draw_letter
from synthesis.nondigits import draw_nondigit, draw_sign
from synthesis.paper import on_paper, rewrite
from synthesis.printed import draw_printed
from synthesis.strokes import FIELD, SHAPES, draw, draw_digit
from tendigits.data.preprocess import to_mnist

WRITER = Digits([draw_digit(digit, np.random.default_rng(digit)) for digit in range(10)], list(range(10)))


def any_digit(rng):
    return draw_digit(int(rng.integers(10)), rng)


@pytest.mark.parametrize("shape", [*LETTERS, *(shape for shapes in SHAPES.values() for shape in shapes)])
def test_strokes_stay_within_the_field(shape):
    for seed in range(3):
        drawing = draw(shape, np.random.default_rng(seed))
        assert (drawing.shape, drawing.dtype) == ((FIELD, FIELD), np.uint8)
        assert 0.005 < (drawing > 100).mean() < 0.5
        assert not np.concatenate([drawing[[0, -1]], drawing[:, [0, -1]].T]).any()


DRAWERS = [
    any_digit,
    draw_letter,
    draw_sign,
    lambda rng: draw_printed("7", rng),
    lambda rng: draw_nondigit(any_digit, rng),
    lambda rng: rewrite(any_digit(rng), rng),
    lambda rng: on_paper(any_digit(rng), rng, (any_digit(rng),)),
    *KINDS.values(),
    lambda rng: make_line(WRITER, rng)[0],
    lambda rng: make_signed(WRITER, rng)[0],
    lambda rng: make_sheet(WRITER, rng, "ruled").picture,
    lambda rng: make_wide_among(WRITER, rng)[0],
    lambda rng: make_blotted_sum(WRITER, rng)[0],
    lambda rng: make_dates(WRITER, rng)[0],
    lambda rng: make_long(WRITER, rng)[0],
]


@pytest.mark.parametrize("draw", DRAWERS)
def test_the_seed_decides(draw):
    drawn = [draw(np.random.default_rng(seed)) for seed in (1, 1, *range(2, 8))]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert len({drawing.tobytes() for drawing in drawn}) > 5
    assert min(np.ptp(drawing) for drawing in drawn) > 32  # a foreground


def test_the_reader_is_measured_in_no_font_of_its_training():
    assert not set(FONTS) & set(printed.FONTS)


def test_nearest_neighbours_in_mnist_read_most_drawn_digits(digits):
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 20)
    drawn = np.array([to_mnist(draw_digit(int(label), rng)).ravel() for label in labels])
    neighbours = KNeighborsClassifier(3).fit(digits.x_train.reshape(-1, 784), digits.y_train)
    assert (neighbours.predict(drawn) == labels).mean() > 0.6  # flags, bars and loops are what MNIST lacks
