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


def test_lines_of_noise_do_not_lead_out_of_all_numbers():
    steep = np.array([[10.0, 100, 12, 101.9], [180, 20, 183, 17.1], [90, 150, 92, 151.9], [20, 60, 23, 57.1]])
    sheet = fit((100, 100), 100, 0.0, steep * 1.0, steep[::-1])
    page, corner = SheetMap(sheet.middle, sheet.turn, sheet.bends * 100).flattened(np.zeros((200, 200), np.uint8), 1.0)
    assert page.size
    assert np.isfinite(corner).all()
