import cv2
import numpy as np
import pytest

from tendigits.read.lines import find_lines, median_digit_height
from tendigits.read.segment import find_components


def field(height=100, width=300):
    return np.zeros((height, width), np.uint8)


def write(foreground, text, x, y, height=30, thickness=3):
    cv2.putText(foreground, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, height / 22, 255, thickness)
    return foreground


def lines_of(foreground):
    return [[component.box for component in line] for line in find_lines(find_components(foreground).all)]


def test_digits_come_in_reading_order():
    foreground = field(200, 400)
    for y, text in ((50, "123"), (110, "45"), (170, "6789")):
        write(foreground, text, 30, y)
    lines = lines_of(foreground)
    assert [len(line) for line in lines] == [3, 2, 4]
    for line in lines:
        assert [box.left for box in line] == sorted(box.left for box in line)


@pytest.mark.parametrize("angle", [-5, -2, 2, 5])
def test_a_turned_page_keeps_its_lines(angle):
    foreground = field(300, 700)
    for y in (80, 160, 240):
        write(foreground, "12345678", 100, y, height=36)
    turned = cv2.warpAffine(foreground, cv2.getRotationMatrix2D((350, 150), angle, 1), (700, 300))
    assert [len(line) for line in lines_of(turned)] == [8, 8, 8]


def test_the_bar_of_a_5_belongs_to_it_and_a_full_stop_to_nothing():
    foreground = field()
    cv2.ellipse(foreground, (40, 60), (14, 18), 0, -120, 160, 255, 4)
    cv2.line(foreground, (32, 32), (58, 30), 255, 4)
    write(foreground, "1", 90, 78, height=44)
    cv2.circle(foreground, (130, 78), 3, 255, -1)
    (line,) = lines_of(foreground)
    assert len(line) == 2
    assert line[0].top < 32


def test_two_halves_of_a_digit_over_each_other_are_one():
    foreground = field()
    write(foreground, "8", 20, 80, height=44)
    cv2.line(foreground, (70, 38), (95, 38), 255, 4)  # a 5 with a gap in its middle
    cv2.line(foreground, (70, 38), (70, 58), 255, 4)
    cv2.ellipse(foreground, (80, 74), (14, 10), 0, -90, 150, 255, 4)
    foreground[60:63, 60:100] = 0
    (line,) = lines_of(foreground)
    assert len(line) == 2
    assert (line[1].top, line[1].bottom) == (36, 87)


def test_no_blobs_no_lines():
    assert find_lines([]) == []
    assert median_digit_height([]) == 0
