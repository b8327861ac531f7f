"""Foreground -> connected components -> lines; and the digit in a picture of one."""

import cv2
import numpy as np
import pytest

from tendigits.read.lines import find_lines
from tendigits.read.segment import find_components, main_component


def field(height=100, width=300):
    return np.zeros((height, width), np.uint8)


def write(foreground, text, x, y, height=30, thickness=3):
    cv2.putText(foreground, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, height / 22, 255, thickness)
    return foreground


def lines_of(foreground):
    return [[component.box for component in line] for line in find_lines(find_components(foreground).all)]


def test_specks_and_pale_stains_are_no_components():
    foreground = write(field(), "7", 20, 60)
    foreground[5, 5] = 100
    foreground[80:90, 200:230] = 90
    assert len(find_components(foreground).all) == 1
    assert main_component(find_components(field())) is None


def test_the_main_component_is_the_digit_without_the_box_around_it():
    alone = write(field(100, 80), "5", 28, 68, height=40)
    digit = main_component(find_components(alone)).box
    cut_off = alone.copy()
    cv2.line(cut_off, (0, 3), (79, 3), 255, 2)
    cv2.line(cut_off, (2, 0), (2, 99), 255, 2)
    cut_off[70:100, 70:80] = 255
    whole = alone.copy()
    cv2.rectangle(whole, (8, 8), (70, 90), 255, 2)
    for boxed in (cut_off, whole):
        assert main_component(find_components(boxed)).box == digit


def test_a_0_with_a_dot_in_it_is_no_printed_box():
    foreground = field(100, 100)
    cv2.ellipse(foreground, (50, 50), (25, 40), 0, 0, 360, 255, 4)
    cv2.line(foreground, (50, 38), (50, 62), 255, 4)
    assert main_component(find_components(foreground)).box.height > 75


@pytest.mark.parametrize("gap", [2, 30])
def test_of_two_digits_in_one_picture_both_are_seen(gap):
    foreground = write(write(field(100, 140), "3", 20, 68, height=40), "8", 52 + gap, 68, height=40)
    box = main_component(find_components(foreground)).box
    assert box.left < 30
    assert box.right > 60 + gap


@pytest.mark.parametrize("angle", [-5, 0, 5])
def test_digits_come_in_reading_order_even_on_a_rotated_page(angle):
    foreground = field(300, 700)
    for y in (80, 160, 240):
        write(foreground, "12345678", 100, y, height=36)
    turned = cv2.warpAffine(foreground, cv2.getRotationMatrix2D((350, 150), angle, 1), (700, 300))
    lines = lines_of(turned)
    assert [len(line) for line in lines] == [8, 8, 8]
    for line in lines:
        assert [box.left for box in line] == sorted(box.left for box in line)


def test_the_bar_of_a_5_belongs_to_it_and_a_full_stop_to_nothing():
    foreground = field()
    cv2.ellipse(foreground, (40, 60), (14, 18), 0, -120, 160, 255, 4)
    cv2.line(foreground, (32, 32), (58, 30), 255, 4)
    write(foreground, "1", 90, 78, height=44)
    cv2.circle(foreground, (130, 78), 3, 255, -1)
    (line,) = lines_of(foreground)
    assert len(line) == 2
    assert line[0].top < 32
