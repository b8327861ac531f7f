"""Rows and columns between ruled lines and gaps."""

import numpy as np
import pytest

from tendigits.tables.bands import Bands, split_rows
from tendigits.tables.ruled_lines import RuledLine

HEIGHT = 20.0


def corners(places):
    """Numbers 40 pixels wide at these x and y."""
    centres, half = np.array(places, np.float64), np.array([20, HEIGHT / 2])
    return centres - half, centres + half


@pytest.mark.parametrize(
    ("places", "between_lines", "n_rows"),
    [
        ([(100 * c, 15 * r + 2 * (c % 2)) for c in range(5) for r in range(3)], True, 3),  # fields of a form
        ([(0, 0), (100, 15), (200, 2), (300, 14)], True, 1),  # a row of numbers at different heights
        ([(0, 0), (100, 15), (200, 2), (300, 14)], False, 2),
        ([(0, 0), (100, 15), (200, 0), (200, 15), (300, 0)], True, 1),  # one stands below another; most do not
        ([(0, 0), (100, 0), (100, 25)], True, 2),
    ],
)
def test_numbers_between_two_lines_are_rows_where_most_stand_below_others(places, between_lines, n_rows):
    assert len(split_rows(*corners(places), HEIGHT, between_lines)) == n_rows - 1


def test_which_edges_are_ruled_is_known():
    lines = [RuledLine(100.0, 0.0, 300.0, 300.0), RuledLine(300.0, 0.0, 300.0, 300.0)]
    bands = Bands.between(lines, np.array([150.0, 250.0]), [], lambda inside, _: [200.0] if inside.all() else [])
    assert bands.edges(0.0, 400.0).tolist() == [100, 200, 300]
    assert bands.are_edges_ruled().tolist() == [True, False, True]
