"""Grey pixels -> what may be digits: any paper, light and pen, with the desk and printed lines removed."""

import cv2
import numpy as np
import pytest
from PIL import Image

from tendigits.read.find import find_digit, find_page
from tendigits.read.foreground import find_background, find_foreground, has_dark_foreground
from tendigits.read.ruled_lines import remove_ruled_lines
from tendigits.read.segment import find_components
from tendigits.read.sheet import crop_to_sheet

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


def test_light_strokes_shade_and_faint_pencil_on_noisy_paper():
    shade = np.linspace(1, 0.4, STROKE.shape[1], dtype=np.float32)
    assert not has_dark_foreground(255 - picture())
    assert overlap(find_foreground(255 - picture())) > 0.9
    assert overlap(find_foreground((picture() * shade).astype(np.uint8))) > 0.85
    assert overlap(find_foreground(picture(contrast=0.2, noise=3))) > 0.8


@pytest.mark.parametrize(("paper", "noise"), [(5.0, 0), (250.0, 4), (250.0, 12)])
def test_a_blank_sheet_has_no_foreground(paper, noise):
    foreground = find_foreground(picture(paper, contrast=0, noise=noise))
    assert foreground is None or (foreground > 140).mean() < 0.01


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


def test_a_large_picture_is_shrunk():
    bar = np.full((100, 60), 235, np.uint8)
    bar[30:70, 28:33] = 40
    page = find_page(Image.fromarray(np.tile(bar, (3, 5))).resize((2500, 2500)))
    assert page.size == (2500, 2500)
    assert max(page.components.foreground.shape) <= 2048
    assert page.scale == pytest.approx(2500 / page.components.foreground.shape[1])
    assert [len(line) for line in page.lines] == [5, 5, 5]


def written(text="2345"):
    """Digits 42 pixels high, from x = 60 to 206 and y = 39 to 80."""
    foreground = np.zeros((120, 500), np.uint8)
    cv2.putText(foreground, text, (60, 80), cv2.FONT_HERSHEY_SIMPLEX, 2, 255, 4)
    return foreground


def lefts(foreground):
    return [component.box.left for component in find_components(foreground).all if component.area > 50]


@pytest.mark.parametrize(("y", "slope"), [(60, 0), (83, 4), (60, -6)])
def test_ruled_lines_go_and_the_digits_stay(y, slope):
    foreground = written()
    ruled = foreground.copy()
    cv2.line(ruled, (0, y), (499, y + slope), 200, 2)
    cv2.line(ruled, (400, 0), (400, 119), 200, 2)
    cleaned = remove_ruled_lines(ruled, shortest=110)
    assert lefts(cleaned) == pytest.approx(lefts(foreground), abs=3)
    assert (cleaned[foreground > 100] > 100).mean() > 0.9
    assert (cleaned[:, 220:] > 80).mean() < 0.002


def test_squared_paper_and_the_boxes_of_a_form():
    squared = written()
    squared[::20] = np.maximum(squared[::20], 120)
    squared[:, ::20] = np.maximum(squared[:, ::20], 120)
    cleaned = remove_ruled_lines(squared, shortest=110)
    assert len(lefts(cleaned)) == 4
    assert (cleaned[written() > 100] > 100).mean() > 0.85
    digits = np.zeros((120, 500), np.uint8)
    for number, digit in enumerate("1745"):
        cv2.putText(digits, digit, (60 + 50 * number + 10, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 3)
    boxed = digits.copy()
    for left in range(60, 260, 50):
        cv2.rectangle(boxed, (left, 30), (left + 50, 95), 200, 2)
    assert lefts(remove_ruled_lines(boxed, shortest=110)) == pytest.approx(lefts(digits), abs=3)


def test_a_1_between_two_lines_stays_and_digits_alone_do_not_change():
    foreground = np.zeros((120, 500), np.uint8)
    for y in (30, 90):
        cv2.line(foreground, (0, y), (499, y), 200, 2)
    cv2.line(foreground, (200, 30), (200, 90), 255, 4)
    (one,) = find_components(remove_ruled_lines(foreground, 110)).all
    assert one.box.height > 50
    for text in ("2345", "11", "4747"):
        np.testing.assert_array_equal(remove_ruled_lines(written(text), 110), written(text))


def sheet():
    picture = np.full((300, 400), 220, np.uint8)
    for x in (100, 200, 300):
        picture[120:180, x : x + 6] = 40
    return picture


def on_desk(picture, desk=70, turn=0.0):
    height, width = picture.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1)
    matrix[:, 2] += 60
    return cv2.warpAffine(picture, matrix, (width + 120, height + 120), borderValue=desk)


@pytest.mark.parametrize(("desk", "turn"), [(5, 0), (70, -8), (130, 3)])
def test_a_desk_is_removed_and_what_is_written_stays(desk, turn):
    picture = on_desk(sheet(), desk, turn)
    crop, left, top = crop_to_sheet(picture)
    assert crop.min() < 60
    assert np.abs(crop[[0, -1]].astype(int) - 220).max() < 40
    assert 0 <= min(left, top) <= max(left, top) <= 62
    page = find_page(picture)
    assert [len(line) for line in page.lines] == [3]
    box = page.in_picture(page.lines[0][1].box)
    assert ((box.left + box.right) / 2, (box.top + box.bottom) / 2) == pytest.approx((263, 210), abs=6)


def test_a_shadow_across_the_sheet_leaves_no_edge():
    shaded = (sheet() * np.linspace(0.5, 1, 400)).astype(np.uint8)
    assert [len(line) for line in find_page(on_desk(shaded, 40, turn=2)).lines] == [3]


def test_without_a_sheet_on_a_desk_nothing_changes():
    light_line = np.full((200, 200), 40, np.uint8)
    cv2.line(light_line, (20, 100), (180, 110), 240, 12)
    noise = np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)
    for picture in (sheet(), 255 - sheet(), np.full((7, 5), 3, np.uint8), noise, light_line):
        crop, left, top = crop_to_sheet(picture)
        np.testing.assert_array_equal(crop, picture)
        assert (left, top) == (0, 0)
