import numpy as np

from tendigits.tables.sheet_map import SheetMap, fit


def test_segments_that_are_points_or_go_across_say_nothing():
    level, upright = np.array([[10.0, 100, 190, 104], [10, 20, 190, 21]]), np.array([[20.0, 10, 22, 190]])
    noise = np.array([[50.0, 50, 50, 50], [60, 10, 60, 90]])
    for segments in (noise, noise[:1]):
        assert np.isfinite(fit((100, 100), 100, 0.0, segments, segments[:, [1, 0, 3, 2]]).bends).all()
    clean = fit((100, 100), 100, 0.0, level, upright)
    noisy = fit((100, 100), 100, 0.0, np.vstack([level, noise]), upright)
    np.testing.assert_array_equal(noisy.bends, clean.bends)
    assert clean.bends.any()


def test_the_wildest_bends_lead_to_numbers():
    sheet = SheetMap.turned_by((100, 100), 100, 0.0)
    page, corner = SheetMap(sheet.middle, sheet.turn, np.full((2, 4), 1e3)).flattened(np.zeros((200, 200), np.uint8), 1)
    assert page.size
    assert np.isfinite(corner).all()
