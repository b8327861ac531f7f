import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.read import split
from tendigits.read.split import ASIDE, best_path, between, pieces_of, seams_of


def two_blocks(gap_ink=20):
    foreground = np.zeros((60, 100), np.uint8)
    foreground[:, 5:45] = foreground[:, 55:95] = 255
    foreground[30:33, 45:55] = gap_ink
    return foreground


def test_a_narrow_blob_is_not_cut():
    seams = seams_of(np.full((60, 20), 255, np.uint8), 60)
    assert [seam.tolist() for seam in seams] == [[0] * 60, [20] * 60]


def test_a_cut_goes_where_there_is_least_ink():
    seams = seams_of(two_blocks(), 60)
    assert any(seam.min() >= 45 and seam.max() <= 55 for seam in seams[1:-1])
    assert all((a <= b).all() for a, b in itertools.pairwise(seams))


def test_a_cut_follows_a_gap_that_leans():
    foreground = np.zeros((60, 100), np.uint8)
    for row in range(60):
        gap = 65 - row // 2
        foreground[row, 5 : gap - 2] = foreground[row, gap + 2 : 95] = 255
    (seam,) = [s for s in seams_of(foreground, 60)[1:-1] if abs(s[30] - 50) < 4]
    assert seam[0] - seam[-1] > 20
    left, right = (
        between(foreground, [np.zeros(60, int), seam, np.full(60, 100)], piece) for piece in ((0, 1), (1, 2))
    )
    np.testing.assert_array_equal(np.maximum(left, right), foreground)
    assert not (left.any(axis=0) & right.any(axis=0))[:30].any()


def test_a_seam_is_the_cheapest_path():
    """Against all paths through a tiny picture."""
    foreground = np.random.default_rng(0).integers(0, 256, (5, 4), dtype=np.uint8)
    costs = foreground.astype(np.float32) / 255
    for column in range(4):
        ways = [
            [*steps, column]
            for steps in itertools.product(range(4), repeat=4)
            if all(abs(a - b) <= 1 for a, b in itertools.pairwise([*steps, column]))
        ]
        cost = [
            sum(costs[r, c] for r, c in enumerate(way)) + ASIDE * sum(a != b for a, b in itertools.pairwise(way))
            for way in ways
        ]
        found = split._path_costs(costs)
        assert found[-1][column] == pytest.approx(min(cost), abs=1e-5)
        assert split._trace_back(found, np.array([column]))[:, 0].tolist() == ways[int(np.argmin(cost))]


def test_pieces_have_the_width_of_a_digit_or_are_the_whole_component():
    pieces = pieces_of([np.full(60, column) for column in (0, 5, 50, 100)], 60)
    assert (0, 3) in pieces
    assert (0, 1) not in pieces
    assert {(0, 2), (2, 3), (1, 2)} <= set(pieces)


@given(st.integers(2, 6), st.data())
def test_the_best_path_is_the_best_of_all(n, data):
    pairs = list(itertools.combinations(range(n), 2))
    scores = {pair: data.draw(st.floats(-9, 0)) for pair in pairs if data.draw(st.booleans())} | {(0, n - 1): -5.0}
    paths = []
    for inner in itertools.chain.from_iterable(itertools.combinations(range(1, n - 1), k) for k in range(n - 1)):
        stops = [0, *inner, n - 1]
        path = list(itertools.pairwise(stops))
        if all(piece in scores for piece in path):
            paths.append(sum(scores[piece] for piece in path))
    found = best_path(n, scores)
    assert sum(scores[piece] for piece in found) == pytest.approx(max(paths))
    assert found[0][0] == 0
    assert found[-1][1] == n - 1


def test_a_missing_path_is_an_error():
    with pytest.raises(ValueError, match="from the first to the last"):
        best_path(3, {(0, 1): -1.0})
