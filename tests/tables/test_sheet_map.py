import numpy as np

from tendigits.tables.sheet_map import SheetMap

ROTATION = SheetMap.rotation((100, 100), 100, 0.0)


def test_segments_that_are_points_or_of_another_direction_do_not_count():
    horizontal, vertical = np.array([[10.0, 100, 190, 104], [10, 20, 190, 21]]), np.array([[20.0, 10, 22, 190]])
    noise = np.array([[50.0, 50, 50, 50], [60, 10, 60, 90]])
    for segments in (noise, noise[:1]):
        assert np.isfinite(ROTATION.fitted(segments, segments[:, [1, 0, 3, 2]]).bends).all()
    clean = ROTATION.fitted(horizontal, vertical)
    noisy = ROTATION.fitted(np.vstack([horizontal, noise]), vertical)
    np.testing.assert_array_equal(noisy.bends, clean.bends)
    assert clean.bends.any()


def test_extreme_bends_give_finite_results():
    bent = SheetMap(ROTATION.centre, ROTATION.rotate, np.full((2, 4), 1e3))
    page, corner = bent.rectify(np.zeros((200, 200), np.uint8), 1)
    assert page.size
    assert np.isfinite(corner).all()
