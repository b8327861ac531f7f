import cv2
import numpy as np
import pytest

from tendigits.read.ruled_lines import remove_ruled_lines
from tendigits.read.segment import find_components


def written(text="2345", height=120, width=500):
    """Digits 42 pixels high, from x = 60 to 206 and y = 39 to 80."""
    foreground = np.zeros((height, width), np.uint8)
    cv2.putText(foreground, text, (60, 80), cv2.FONT_HERSHEY_SIMPLEX, 2, 255, 4)
    return foreground


def digits_in(foreground):
    return [component.box for component in find_components(foreground).all if component.area > 50]


@pytest.mark.parametrize("slope", [0, 4, -6])
@pytest.mark.parametrize("y", [60, 70, 83])
def test_rules_go_and_the_digits_stay(slope, y):
    foreground = written()
    ruled = foreground.copy()
    cv2.line(ruled, (0, y), (499, y + slope), 200, 2)
    cv2.line(ruled, (400, 0), (400, 119), 200, 2)
    cleaned = remove_ruled_lines(ruled, shortest=110)
    assert [box.left for box in digits_in(cleaned)] == pytest.approx([box.left for box in digits_in(foreground)], abs=3)
    assert (cleaned[foreground > 100] > 100).mean() > 0.9
    assert (cleaned[:, 220:] > 80).mean() < 0.002


def test_squared_paper():
    foreground = written()
    squared = foreground.copy()
    squared[::20] = np.maximum(squared[::20], 120)
    squared[:, ::20] = np.maximum(squared[:, ::20], 120)
    cleaned = remove_ruled_lines(squared, shortest=110)
    assert len(digits_in(cleaned)) == 4
    assert (cleaned[foreground > 100] > 100).mean() > 0.85


@pytest.mark.parametrize("pitch", [50, 60])
def test_the_boxes_of_a_form(pitch):
    foreground = np.zeros((120, 500), np.uint8)
    boxed = foreground.copy()
    for number, digit in enumerate("1745"):
        for picture in (foreground, boxed):
            cv2.putText(picture, digit, (60 + pitch * number + 10, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 255, 3)
        cv2.rectangle(boxed, (60 + pitch * number, 30), (60 + pitch * (number + 1), 95), 200, 2)
    cleaned = remove_ruled_lines(boxed, shortest=110)
    assert [box.left for box in digits_in(cleaned)] == pytest.approx([box.left for box in digits_in(foreground)], abs=3)


def test_a_1_between_two_lines_stays():
    foreground = np.zeros((120, 500), np.uint8)
    cv2.line(foreground, (0, 30), (499, 30), 200, 2)
    cv2.line(foreground, (0, 90), (499, 90), 200, 2)
    cv2.line(foreground, (200, 30), (200, 90), 255, 4)
    (one,) = digits_in(remove_ruled_lines(foreground, 110))
    assert one.height > 50


@pytest.mark.parametrize("text", ["2345", "7", "11", "4747"])
def test_without_rules_nothing_changes(text):
    foreground = written(text)
    np.testing.assert_array_equal(remove_ruled_lines(foreground, 110), foreground)
