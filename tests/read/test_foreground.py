import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays

from tendigits.read.foreground import find_background, find_foreground, has_dark_foreground

STROKE = np.zeros((120, 90), np.float32)
cv2.line(STROKE, (20, 15), (70, 100), 1.0, 7)
cv2.circle(STROKE, (45, 60), 25, 1.0, 5)


def picture(paper=230.0, contrast=0.8, noise=0.0, stroke=STROKE):
    rng = np.random.default_rng(0)
    return (paper * (1 - contrast * stroke) + rng.normal(0, noise, stroke.shape)).clip(0, 255).astype(np.uint8)


def overlap(foreground):
    """How well the foreground is the stroke: intersection over union."""
    found, true = foreground > 110, STROKE > 0.5
    return (found & true).sum() / (found | true).sum()


@pytest.mark.parametrize("contrast", [0.1, 0.3, 0.9])
@pytest.mark.parametrize("paper", [90.0, 160.0, 250.0])
def test_any_paper_and_any_pen_give_the_same_ink(paper, contrast):
    assert overlap(find_foreground(picture(paper, contrast))) > 0.9


def test_light_ink_on_dark_ground():
    assert not has_dark_foreground(255 - picture())
    assert overlap(find_foreground(255 - picture())) > 0.9


def test_shade_is_taken_away():
    shade = np.linspace(1, 0.4, STROKE.shape[1], dtype=np.float32)
    shaded = (picture() * shade).astype(np.uint8)
    assert overlap(find_foreground(shaded)) > 0.85


def test_faint_pencil_on_grainy_paper():
    assert overlap(find_foreground(picture(contrast=0.2, noise=3))) > 0.8


@pytest.mark.parametrize("noise", [0, 1, 4, 12])
@pytest.mark.parametrize("paper", [5.0, 128.0, 250.0])
def test_a_blank_sheet_has_no_ink(paper, noise):
    blank = picture(paper, contrast=0, noise=noise)
    foreground = find_foreground(blank)
    assert foreground is None or (foreground > 140).mean() < 0.01


def test_the_ground_under_a_digit_is_the_paper():
    background = find_background(picture(200))
    assert np.abs(background.astype(int) - 200).max() <= 3


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_any_pixels_give_ink_of_their_shape_or_none(grey):
    foreground = find_foreground(grey)
    assert foreground is None or (foreground.shape, foreground.dtype) == (grey.shape, np.uint8)


@pytest.mark.parametrize("light_corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_in_a_strong_shade_the_ink_is_what_there_is_less_of(light_corner):
    """The border's median is then in the middle between the darkest foreground and the lightest paper, or below it."""
    corners = np.full((2, 2), 0.45, np.float32)
    corners[light_corner] = 1.0
    shade = cv2.resize(corners, (400, 120), interpolation=cv2.INTER_LINEAR)
    page = np.full((120, 400), 240, np.float32)
    for x in range(60, 360, 60):
        cv2.line(page, (x, 35), (x + 12, 90), 130, 5)
    picture = (page * shade).astype(np.uint8)
    assert has_dark_foreground(picture)
    assert not has_dark_foreground(255 - picture)
