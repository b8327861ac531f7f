"""From what the finder says of a page's cells to detections."""

from dataclasses import replace

import numpy as np
import pytest

from tendigits.numbers.finder import CELL_PX, PADDING_PX, REFERENCE_HEIGHT_PX, even_contrast, find_numbers
from tendigits.numbers.options import DEFAULT_OPTIONS

ONE_COPY = replace(DEFAULT_OPTIONS, min_digit_height_in_smaller_copies_px=400)


def seen(*areas):
    """A finder that says of a page of 400 pixels how probable a number is in areas of cells; digits are 16 high."""

    def network(grey):
        output = np.full((grey.shape[0] // CELL_PX, grey.shape[1] // CELL_PX, 2), -9.0, np.float32)
        output[..., 1] = 0.0
        for rows, columns, probability in areas:
            output[rows, columns, 0] = np.log(probability / (1 - probability))
        return output

    return network


def find(*areas):
    detections, _ = find_numbers(seen(*areas), np.full((400, 400), 255, np.uint8), ONE_COPY)
    return sorted(detections, key=lambda each: each.y)


ROW, NEXT, BETWEEN = (slice(20, 22), slice(10, 40)), (slice(26, 28), slice(10, 40)), (slice(22, 26), slice(12, 15))


def test_a_mask_is_a_number_along_it():
    (number,) = find((*ROW, 0.8))
    assert (number.y, number.height) == (pytest.approx(21 * CELL_PX - PADDING_PX), REFERENCE_HEIGHT_PX)
    assert number.x == pytest.approx(25 * CELL_PX - PADDING_PX)
    assert number.length == pytest.approx(30 * CELL_PX - 2 * DEFAULT_OPTIONS.mask_overhang * 16, abs=CELL_PX)
    assert number.score == pytest.approx(0.8, abs=1e-3)


def test_rows_whose_masks_touch_are_found_one_by_one_and_come_after_whole_masks():
    apart = find((*ROW, 0.8), (*NEXT, 0.8))
    joined = find((*ROW, 0.8), (*NEXT, 0.8), (*BETWEEN, 0.4))
    assert [(each.x, each.y, each.length) for each in joined] == [(each.x, each.y, each.length) for each in apart]
    assert max(each.score for each in joined) < DEFAULT_OPTIONS.min_number_probabilities[0]


def test_a_high_mask_that_no_threshold_parts_is_kept():
    (number,) = find((slice(20, 30), slice(10, 40), 0.95))
    assert number.height == REFERENCE_HEIGHT_PX


def test_pencil_next_to_print_shows_alike_on_paper_in_the_shade():
    page = np.tile(np.linspace(120, 220, 400), (400, 1))
    page[90:94, 50:350] *= 0.1  # print
    page[190:194, 50:350] *= 0.93  # pencil
    page[290:294, 50:350] *= 1.07  # light strokes on dark
    evened = even_contrast(page.round().astype(np.uint8)).astype(int)
    print_, pencil, light = (evened[y + 1, 60:340] - evened[y - 20, 60:340] for y in (90, 190, 290))
    assert evened[10].std() < 1
    assert (5 * pencil < print_).all(), "a fifth of it, where it is a thirteenth in the photo"
    assert (6 * light > -print_).all()
