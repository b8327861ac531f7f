import cv2
import numpy as np
import pytest

from tendigits.read.segment import Box, find_components, main_component


def field(height=100, width=300):
    return np.zeros((height, width), np.uint8)


def write(foreground, text, x, y, height=30, thickness=3):
    cv2.putText(foreground, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, height / 22, 255, thickness)
    return foreground


def test_boxes_join_and_have_gaps():
    one, other = Box(0, 0, 10, 20), Box(15, 5, 30, 50)
    assert one.join(other) == (0, 0, 30, 50)
    assert (one.gap(other), other.gap(one)) == (5, 5)
    assert one.gap(Box(0, 22, 5, 30)) == 2
    assert (one.width, one.height) == (10, 20)


def test_specks_and_pale_stains_are_no_components():
    foreground = write(field(), "7", 20, 60)
    foreground[5, 5] = 100
    foreground[80:90, 200:230] = 90
    assert len(find_components(foreground).all) == 1


def test_a_blob_is_cut_without_its_neighbours():
    foreground = field()
    cv2.line(foreground, (20, 20), (60, 70), 255, 4)
    cv2.line(foreground, (40, 20), (80, 70), 255, 4)
    components = find_components(foreground)
    whole = sum(components.cut(component).sum(dtype=int) for component in components.all)
    assert len(components.all) == 2
    assert whole == foreground.sum(dtype=int)


def test_the_main_blob_is_the_digit_and_not_the_box_around_it():
    foreground = write(field(100, 80), "5", 28, 68, height=40)
    digit = main_component(find_components(foreground)).box
    cv2.line(foreground, (0, 3), (79, 3), 255, 2)
    cv2.line(foreground, (2, 0), (2, 99), 255, 2)
    foreground[70:100, 70:80] = 255
    assert main_component(find_components(foreground)).box == digit


def test_no_ink_no_components():
    assert main_component(find_components(field())) is None


def test_a_printed_box_around_the_digit_is_not_part_of_it():
    foreground = write(field(100, 80), "5", 28, 68, height=40)
    digit = main_component(find_components(foreground)).box
    cv2.rectangle(foreground, (8, 8), (70, 90), 255, 2)
    assert main_component(find_components(foreground)).box == digit


def test_a_0_with_a_dot_in_it_is_no_printed_box():
    foreground = field(100, 100)
    cv2.ellipse(foreground, (50, 50), (25, 40), 0, 0, 360, 255, 4)
    cv2.line(foreground, (50, 38), (50, 62), 255, 4)
    assert main_component(find_components(foreground)).box.height > 75


@pytest.mark.parametrize("gap", [2, 12, 30])
def test_of_two_digits_in_one_picture_both_are_seen(gap):
    foreground = write(write(field(100, 140), "3", 20, 68, height=40), "8", 52 + gap, 68, height=40)
    box = main_component(find_components(foreground)).box
    assert box.left < 30
    assert box.right > 60 + gap
