"""Ruled lines of a page, printed or drawn: long thin strokes along its rows and columns.

strokes = find_strokes(grey, digit_height=30)                       # long and straight, in any direction
horizontal, vertical = find_ruled_lines(grey, sheet_map, 30)        # faint ones too, once the page can be rectified
"""

from dataclasses import dataclass

import cv2
import numpy as np

from tendigits.pictures.image import Grey
from tendigits.tables.options import OPTIONS
from tendigits.tables.sheet_map import Floats, Mask, SheetMap, flat_scale


@dataclass(frozen=True)
class RuledLine:
    """A horizontal or a vertical line of a rectified sheet."""

    position: float  # y of a horizontal line, x of a vertical one
    start: float
    end: float
    length: float  # of its pieces together


def find_strokes(grey: Grey, digit_height: float) -> Floats:
    """Find long straight edges in any direction: float64 (n, 4), x and y of both ends, in pixels of the page.

    Uses OpenCV's line segment detector (von Gioi and others 2012).
    """
    scale = flat_scale(grey, digit_height)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = cv2.createLineSegmentDetector().detect(small)[0]
    strokes = np.zeros((0, 4)) if found is None else np.asarray(found, np.float64).reshape(-1, 4) / scale
    lengths = np.hypot(strokes[:, 2] - strokes[:, 0], strokes[:, 3] - strokes[:, 1])
    long: Floats = strokes[lengths >= OPTIONS.min_stroke_length * max(OPTIONS.flat_digit_height_px, digit_height)]
    return long


def find_ruled_lines(grey: Grey, sheet_map: SheetMap, digit_height: float) -> tuple[Floats, Floats, Mask]:
    """Find pieces of horizontal and of vertical lines: float64 (n, 4) each, x and y of both ends on the page.

    Also whether each vertical one goes on above or below; a 1 as high as its cell, which looks like one, does not.
    """
    scale = flat_scale(grey, digit_height)
    digit = digit_height * scale
    page, corner = sheet_map.rectify(grey, scale)

    def in_page(points: Floats) -> Floats:
        return sheet_map.inverse(points / scale + corner).reshape(-1, 4)

    horizontal, _ = _pieces(thin_and_dark(page, digit), digit)
    vertical, goes_on = _pieces(thin_and_dark(np.ascontiguousarray(page.T), digit), digit)
    return in_page(horizontal), in_page(vertical[:, ::-1]), goes_on


def join_pieces(pieces: Floats, axis: int, extent: float, digit_height: float) -> list[RuledLine]:
    """Join pieces, float64 (n, 4) on the sheet, at the same position into lines, sorted by position.

    Args:
        axis: 1 for horizontal lines, 0 for vertical ones: the coordinate that is constant along a line.
        extent: of the table along the lines; short lines are dropped.
    """
    positions = (pieces[:, axis] + pieces[:, axis + 2]) / 2
    order = np.argsort(positions)
    gaps = np.diff(positions[order]) > OPTIONS.max_piece_offset * digit_height
    lines = []
    for group in np.split(order, np.flatnonzero(gaps) + 1) if len(order) else []:
        start, end = pieces[group, 1 - axis], pieces[group, 3 - axis]
        length = _union_length(start, end)
        if length >= OPTIONS.min_line_extent * extent:
            position = float(np.average(positions[group], weights=end - start))
            lines.append(RuledLine(position, float(start.min()), float(end.max()), length))
    min_distance = OPTIONS.min_cell_size * digit_height
    kept: list[RuledLine] = []
    for line in sorted(lines, key=lambda line: -line.length):
        if all(abs(line.position - other.position) >= min_distance for other in kept):
            kept.append(line)
    return sorted(kept, key=lambda line: line.position)


def _union_length(starts: Floats, ends: Floats) -> float:
    """The length of a union of intervals."""
    length, covered = 0.0, -np.inf
    for i in np.argsort(starts).tolist():
        length += max(0.0, float(ends[i]) - max(covered, float(starts[i])))
        covered = max(covered, float(ends[i]))
    return length


def thin_and_dark(page: Grey, digit: float) -> Grey:
    """Mask, uint8 like the page, of what is darker than the paper above and below it.

    The edge of a sheet has paper on one side only.
    """
    thickness = max(3, round(OPTIONS.max_line_thickness * digit) | 1)  # an even one shifts what it closes
    darkness = cv2.subtract(cv2.morphologyEx(page, cv2.MORPH_CLOSE, np.ones((thickness, 1), np.uint8)), page)
    mask: Grey = (darkness >= OPTIONS.min_line_contrast).astype(np.uint8)
    return mask


def _pieces(mask: Grey, digit: float) -> tuple[Floats, Mask]:
    """x and y of both ends of each piece of the lines in a mask, float64 (2 n, 2), and whether it is of a long one."""
    shortest = round(OPTIONS.min_stroke_length * digit)
    # A line that rises or falls a little has long runs of pixels only if it is thicker.
    thick = cv2.dilate(mask, np.ones((3, 1), np.uint8))
    padded = cv2.copyMakeBorder(thick, 0, 0, 1, 1, cv2.BORDER_CONSTANT)  # or what ends at the edge would count as long
    runs = cv2.morphologyEx(padded, cv2.MORPH_OPEN, np.ones((1, shortest), np.uint8))[:, 1:-1]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
    left, _, width, _, _ = stats[1:].T.astype(np.int64)
    n_pieces = np.maximum(1, np.round(width / (OPTIONS.line_piece_length * digit)).astype(np.int64))
    # Of each piece: its line, and its columns in the line, as many as in the line's other pieces or one more.
    line = np.repeat(np.arange(len(width)), n_pieces)
    number = np.arange(len(line)) - (np.cumsum(n_pieces) - n_pieces)[line]
    shorter, n_longer = width[line] // n_pieces[line], width[line] % n_pieces[line]
    start, stop = (n * shorter + np.minimum(n, n_longer) for n in (number, number + 1))
    # Of each pixel: its piece. A line has pixels in each of its columns.
    y, x = np.nonzero(runs > 0)
    column = x + (np.cumsum(width) - width - left)[labels[y, x] - 1]
    piece = np.repeat(np.arange(len(line)), stop - start)[column]
    count = np.bincount(piece, minlength=len(line))
    mean_x, mean_y = (np.bincount(piece, each, len(line)) / count for each in (x, y))
    offset = x - mean_x[piece]
    square, product = (np.bincount(piece, offset * other, len(line)) for other in (offset, y))
    slope = product / np.maximum(1e-6, square)
    ends = left[line] + np.stack([start, stop - 1])
    points = np.stack([ends, mean_y + slope * (ends - mean_x)], axis=2) + 0.5
    is_thin = count <= (2 * OPTIONS.max_line_thickness * digit + 2) * (stop - start)
    # Lines that rise or fall a little, or are broken, count as long ones.
    reach, offset = (2 * round(distance * digit) + 1 for distance in (OPTIONS.line_reach, OPTIONS.max_line_offset))
    wide = cv2.dilate(runs, np.ones((offset, 1), np.uint8))
    coverage = cv2.boxFilter(wide, cv2.CV_32F, (reach, 1), borderType=cv2.BORDER_CONSTANT)
    goes_on = coverage[mean_y.astype(np.int64), mean_x.astype(np.int64)] >= OPTIONS.min_line_coverage
    return np.asarray(points[:, is_thin].transpose(1, 0, 2).reshape(-1, 2), np.float64), goes_on[is_thin]
