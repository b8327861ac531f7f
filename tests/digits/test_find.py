"""Grey pixels -> strokes on any paper, in any light, by any pen; and the digit in a picture of one."""

import cv2
import numpy as np
import pytest
from PIL import Image

from tendigits.digits.find import find_digit, open_page
from tendigits.digits.foreground import find_background, find_foreground, has_dark_foreground, percentile

STROKE = np.zeros((120, 90), np.float32)
cv2.line(STROKE, (20, 15), (70, 100), 1.0, 7)
cv2.circle(STROKE, (45, 60), 25, 1.0, 5)


def picture(paper=230.0, contrast=0.8, noise=0.0):
    rng = np.random.default_rng(0)
    return (paper * (1 - contrast * STROKE) + rng.normal(0, noise, STROKE.shape)).clip(0, 255).astype(np.uint8)


def overlap(foreground):
    """Intersection over union of the foreground and the stroke."""
    found, true = foreground > 110, STROKE > 0.5
    return (found & true).sum() / (found | true).sum()


@pytest.mark.parametrize(("paper", "contrast"), [(90.0, 0.1), (250.0, 0.9)])
def test_any_paper_and_any_pen_give_the_same_foreground(paper, contrast):
    assert overlap(find_foreground(picture(paper, contrast))) > 0.9
    assert np.abs(find_background(picture(paper, contrast)).astype(int) - paper).max() <= 3


@pytest.mark.parametrize("light_corner", [(0, 0), (1, 1)])
def test_in_strong_shade_the_strokes_are_the_smaller_part(light_corner):
    """The border's median is then between the darkest stroke and the lightest paper, or below it."""
    corners = np.full((2, 2), 0.45, np.float32)
    corners[light_corner] = 1.0
    page = np.full((120, 400), 240, np.float32)
    for x in range(60, 360, 60):
        cv2.line(page, (x, 35), (x + 12, 90), 130, 5)
    shaded = (page * cv2.resize(corners, (400, 120), interpolation=cv2.INTER_LINEAR)).astype(np.uint8)
    assert has_dark_foreground(shaded)
    assert not has_dark_foreground(255 - shaded)


@pytest.mark.parametrize("times", [1, 40])
def test_the_box_of_a_digit_is_in_pixels_of_the_picture(times):
    picture = np.full((30, 20), 240, np.uint8)
    picture[5:25, 9:12] = 20
    found = find_digit(np.repeat(np.repeat(picture, times, axis=0), times, axis=1))
    assert np.abs(np.array(found.box) - np.array([9, 5, 12, 25]) * times).max() <= max(1, 0.7 * times)
    assert found.crop[4:24, 13:15].mean() > 100
    blank = find_digit(np.full((30, 50), 9, np.uint8))
    assert (blank.size, blank.box, blank.crop.any()) == ((50, 30), (0, 0, 50, 30), False)


def test_a_large_page_is_shrunk_and_a_tiny_one_enlarged():
    grey, size = open_page(Image.fromarray(np.full((500, 1250), 235, np.uint8)).resize((3750, 1500)))
    assert (grey.shape, size) == ((1229, 3072), (3750, 1500))
    grey, size = open_page(np.full((20, 30), 235, np.uint8))
    assert (grey.shape, size) == ((60, 90), (30, 20))


@pytest.mark.parametrize("gap", [8, 40, 200, 400])
def test_two_digits_are_not_taken_for_one(gap):
    """Close together both are in the crop, which does not look like a digit; further apart, one is not alone."""
    stroke = np.pad(picture(noise=2)[:, 5:85], ((0, 0), (0, gap)), constant_values=230)
    assert find_digit(np.hstack([stroke[:, 80:], stroke])).alone
    found = find_digit(np.hstack([stroke, stroke]))
    assert not found.alone or found.box.width > 1.3 * found.box.height
    assert find_digit(np.hstack([stroke, stroke[:, :25]])).alone, "a neighbour's end at the edge"


def test_a_percentile_is_numpys_without_interpolation():
    pixels = np.random.default_rng(0).integers(0, 256, (101, 101), np.uint8)
    for values in (pixels, pixels[::2, ::2], pixels / 7):
        for percent in (0, 1, 50, 95, 100):
            assert percentile(values, percent) == np.percentile(values, percent, method="nearest")
