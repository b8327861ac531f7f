import numpy as np
import pytest
from PIL import Image

from tendigits.errors import DataError
from tendigits.read.find import find_digit, find_page


def test_what_is_found_is_as_large_as_the_picture_says():
    found = find_digit(np.full((30, 50), 9, np.uint8))
    assert (found.size, found.box, found.crop.any()) == ((50, 30), (0, 0, 50, 30), False)


@pytest.mark.parametrize("times", [1, 3, 40])
def test_the_box_of_a_digit_is_in_pixels_of_the_picture(times):
    picture = np.full((30, 20), 240, np.uint8)
    picture[5:25, 9:12] = 20
    found = find_digit(np.repeat(np.repeat(picture, times, axis=0), times, axis=1))
    assert np.abs(np.array(found.box) - np.array([9, 5, 12, 25]) * times).max() <= max(1, 0.7 * times)
    assert found.crop[4:24, 13:15].mean() > 100


def page_of_bars(rows, columns, height=40):
    """Bars like 1s, in a grid."""
    page = np.full((100 * rows, 60 * columns), 235, np.uint8)
    for row in range(rows):
        for column in range(columns):
            page[100 * row + 30 : 100 * row + 30 + height, 60 * column + 28 : 60 * column + 33] = 40
    return page


def test_a_page_has_lines_from_top_to_bottom_and_blobs_from_left_to_right():
    page = find_page(page_of_bars(3, 5))
    assert [len(line) for line in page.lines] == [5, 5, 5]
    assert [line[0].box.top // 100 for line in page.lines] == [0, 1, 2]
    assert [component.box.left // 60 for component in page.lines[1]] == [0, 1, 2, 3, 4]
    assert page.digit_height == pytest.approx(40, abs=2)
    assert page.scale == 1


def test_a_large_picture_is_looked_at_smaller():
    page = find_page(Image.fromarray(page_of_bars(3, 5)).resize((4096, 4096)))
    assert page.size == (4096, 4096)
    assert max(page.components.foreground.shape) <= 2048
    assert page.scale == pytest.approx(4096 / page.components.foreground.shape[1])
    assert [len(line) for line in page.lines] == [5, 5, 5]


def test_printed_lines_are_gone():
    ruled = page_of_bars(3, 5)
    ruled[[85, 86, 185, 186, 285, 286]] = 90
    ruled[:, 290:292] = 90
    assert [len(line) for line in find_page(ruled).lines] == [5, 5, 5]


def test_a_blank_page_has_no_lines():
    assert find_page(np.full((300, 300), 200, np.uint8)).lines == []


def test_what_is_no_picture_is_told():
    for find in (find_digit, find_page):
        with pytest.raises(DataError):
            find(b"no picture")
