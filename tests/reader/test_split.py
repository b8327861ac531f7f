import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from split import best_path, between, seams_of


def test_a_cut_follows_the_gap_with_the_least_ink():
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
