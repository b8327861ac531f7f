"""Rows and columns from ruled lines, or from how numbers are aligned, on drawn pages that lie turned or slanted."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tendigits.numbers.detections import Detection
from tendigits.tables.flat_sheet import flatten
from tendigits.tables.layout import find_layouts
from tendigits.tables.sheet_map import SheetMap

ROWS, COLUMNS = 7, 4
LEFTS, TOPS = (100, 300, 420, 700, 900), tuple(range(100, 100 + 61 * 8, 61))
EMPTY = {(0, 0), (3, 2), (6, 3)}
HEIGHT = 30


def page(lines, warp, keep=lambda cell: True):
    """A page with numbers in most cells, of which only the detections are known; `lines`: across, down, or none."""
    grey = np.full((700, 1000), 235, np.uint8)
    for y in TOPS if "across" in lines else ():
        cv2.line(grey, (LEFTS[0], y), (LEFTS[-1], y), 90, 2)
    for x in LEFTS if "down" in lines else ():
        cv2.line(grey, (x, TOPS[0]), (x, TOPS[-1]), 90, 2)
    cells = [cell for cell in np.ndindex(ROWS, COLUMNS) if cell not in EMPTY and keep(cell)]
    detections = []
    for row, column in cells:
        length = 40 + 15 * ((row + column) % 3)
        x, y = LEFTS[column] + 40 + length / 2, (TOPS[row] + TOPS[row + 1]) / 2
        ends = np.array([[[x - length / 2, y], [x + length / 2, y]]], np.float32)
        (x0, y0), (x1, y1) = cv2.perspectiveTransform(ends, warp)[0].tolist()
        angle = float(np.arctan2(y1 - y0, x1 - x0))
        detections.append(
            Detection((x0 + x1) / 2, (y0 + y1) / 2, angle, float(np.hypot(x1 - x0, y1 - y0)), HEIGHT, 1.0)
        )
    return cv2.warpPerspective(grey, warp, (1300, 1000), borderValue=235), detections, cells


def view(degrees=0.0, pull=0.0):
    """A photo of the page: turned by some degrees, its left side closer to the camera."""
    corners = np.array([[0, 0], [1000, 0], [1000, 700], [0, 700]], np.float32)
    seen = (corners + np.array([[0, -pull], [0, pull], [0, -pull], [0, pull]])).astype(np.float32)
    turn = cv2.getRotationMatrix2D((500, 350), degrees, 1)
    moved = cv2.transform(seen[None], turn)[0] + (150, 150)
    return cv2.getPerspectiveTransform(corners, moved.astype(np.float32))


VIEWS = {"straight": view(), "turned": view(9), "slanted": view(-5, 40)}


@pytest.mark.parametrize("lines", ["across and down", "across", "none"])
@pytest.mark.parametrize("name", VIEWS)
def test_each_number_is_in_its_cell(lines, name):
    grey, detections, cells = page(lines, VIEWS[name])
    (layout,) = find_layouts(flatten(grey, detections))
    assert layout.shape == (ROWS, COLUMNS)
    assert {cell: [i] for i, cell in enumerate(cells)} == layout.cells
    assert layout.ruled == ("down" in lines)


def test_its_own_strokes_do_not_hide_a_ruled_line():
    """What is left of a line when it is taken off the page looks like narrow words on it."""
    grey, detections, cells = page("across and down", view(), lambda cell: cell[0] < 3 or cell[1] in (0, 3))
    sheet = flatten(grey, detections)
    places = sheet.map(np.array([[LEFTS[2] + 150.0, y + 180.0] for y in TOPS[3:-1]]))
    half = np.array([5.0, 12.0])
    strokes = replace(
        sheet,
        top_left=np.concatenate([sheet.top_left, places - half]),
        bottom_right=np.concatenate([sheet.bottom_right, places + half]),
    )
    (layout,) = find_layouts(strokes)
    assert layout.shape == (ROWS, COLUMNS)
    assert {cell: [i] for i, cell in enumerate(cells)} == layout.cells


def test_ruled_lines_show_empty_rows_and_columns():
    grey, detections, _ = page("across and down", VIEWS["slanted"], keep=lambda cell: cell[0] != 4 and cell[1] != 1)
    (layout,) = find_layouts(flatten(grey, detections))
    assert layout.shape == (ROWS, COLUMNS)
    drawn = np.array([[LEFTS[c], TOPS[r]] for r, c in ((4, 1), (4, 2), (5, 2), (5, 1))], np.float32)
    wanted = cv2.perspectiveTransform(drawn[None], VIEWS["slanted"])[0]
    assert np.abs(layout.corners[4, 1] - wanted).max() < 8


def test_lines_of_squared_paper_are_ignored():
    grey, detections, cells = page("none", VIEWS["straight"])
    grey[::24], grey[:, ::24] = 180, 180
    (layout,) = find_layouts(flatten(grey, detections))
    assert {cell: [i] for i, cell in enumerate(cells)} == layout.cells


@pytest.mark.parametrize("degrees", [15, 30, 40])
def test_a_lone_stroke_across_a_page_does_not_turn_it(degrees):
    grey, detections, cells = page("none", VIEWS["straight"])
    steps = 300 * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    start = np.array([40, grey.shape[0] - 40])
    end = start + steps * [1, -1]
    cv2.line(grey, start.tolist(), end.astype(int).tolist(), 40, 3)
    (layout,) = find_layouts(flatten(grey, detections))
    assert {cell: [i] for i, cell in enumerate(cells)} == layout.cells


def test_segments_that_are_points_or_of_another_direction_do_not_count():
    rotation = SheetMap.rotation((100, 100), 100, 0.0)
    horizontal, vertical = np.array([[10.0, 100, 190, 104], [10, 20, 190, 21]]), np.array([[20.0, 10, 22, 190]])
    noise = np.array([[50.0, 50, 50, 50], [60, 10, 60, 90]])
    for segments in (noise, noise[:1]):
        assert np.isfinite(rotation.fitted(segments, segments[:, [1, 0, 3, 2]]).bends).all()
    clean = rotation.fitted(horizontal, vertical)
    noisy = rotation.fitted(np.vstack([horizontal, noise]), vertical)
    np.testing.assert_array_equal(noisy.bends, clean.bends)
    assert clean.bends.any()


def test_extreme_bends_give_finite_results():
    rotation = SheetMap.rotation((100, 100), 100, 0.0)
    bent = SheetMap(rotation.centre, rotation.rotate, np.full((2, 4), 1e3))
    page, corner = bent.rectify(np.zeros((200, 200), np.uint8), 1)
    assert page.size
    assert np.isfinite(corner).all()
