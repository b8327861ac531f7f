"""Ruled lines of a page, printed or drawn: long thin strokes along its rows and columns.

strokes = find_strokes(grey, digit_height=30)       # what is long and straight, in whatever direction
lines = find_ruled_lines(grey, flat, digit_height)  # also faint ones, once it is known how the sheet lies
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.tables.sheet_map import DIGIT, SheetMap, scale_for

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]

SHORTEST = 1.7
"""Heights of a digit: a shorter stroke may be a part of a digit or a sign."""

THICKEST = 0.4
"""Of a digit's height."""

FAINTEST, NOISE = 8.0, 4.0
"""A line is darker than the paper beside it by so many of 255, and by so many times what is usual on the page."""

PIECE = 5.0
"""Heights of a digit: a longer line is given in pieces, so that it may be curved."""

APART, NARROWEST = 0.25, 0.7
"""Heights of a digit: pieces that are closer are one line; and cells are wider and higher."""

WHOLE = 0.5
"""Share of a table's width or height that a ruled line covers at least."""


@dataclass(frozen=True, eq=False)
class RuledLines:
    """Pieces of lines in pixels of the page: float64 (n, 4), x and y of their ends."""

    across: Floats
    down: Floats


def find_strokes(grey: Grey, digit_height: float) -> Floats:
    """Long straight edges of whatever direction, float64 (n, 4): x and y of both ends, in pixels of the page.

    By the line segment detector of von Gioi and others (2012): fast, and no direction is preferred.
    """
    scale = scale_for(grey, digit_height)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = cv2.createLineSegmentDetector().detect(small)[0]
    strokes = np.zeros((0, 4)) if found is None else np.asarray(found, np.float64).reshape(-1, 4) / scale
    lengths = np.hypot(strokes[:, 2] - strokes[:, 0], strokes[:, 3] - strokes[:, 1])
    long: Floats = strokes[lengths >= SHORTEST * max(DIGIT, digit_height)]
    return long


def find_ruled_lines(grey: Grey, flat: SheetMap, digit_height: float) -> RuledLines:
    """Find the ruled lines of a page, uint8 (height, width), laid flat by a map."""
    scale = scale_for(grey, digit_height)
    page, corner = flat.flattened(grey, scale)
    found = []
    for picture, transposed in ((page, False), (np.ascontiguousarray(page.T), True)):
        pieces = np.array([*_pieces(_thin_and_dark(picture, digit_height * scale), digit_height * scale)], np.float64)
        ends = pieces.reshape(-1, 2)[:, ::-1] if transposed else pieces.reshape(-1, 2)
        found.append(flat.back(ends / scale + corner).reshape(-1, 4))
    return RuledLines(*found)


@dataclass(frozen=True)
class Line:
    """A ruled line of a flat sheet."""

    at: float
    """Where it stands, across it."""
    low: float
    high: float
    """Where it begins and ends, along it."""
    length: float
    """Of its pieces together."""


def join_pieces(pieces: Floats, axis: int, extent: float, digit_height: float) -> list[Line]:
    """Join the pieces of lines, float64 (n, 4), that stand at the same place of an axis.

    Of lines between which no digit would find room, the longest one is kept; what is short beside the extent of the
    table along it is left out.
    """
    at = (pieces[:, axis] + pieces[:, axis + 2]) / 2
    order = np.argsort(at)
    lines: list[Line] = []
    groups = np.split(order, np.flatnonzero(np.diff(at[order]) > APART * digit_height) + 1) if len(at) else []
    for group in groups:
        low, high = pieces[group, 1 - axis], pieces[group, 3 - axis]
        length = _union(low, high)
        if length >= WHOLE * extent:
            place = float(np.average(at[group], weights=high - low))
            lines.append(Line(place, float(low.min()), float(high.max()), length))
    kept: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.length):
        if all(abs(line.at - other.at) >= NARROWEST * digit_height for other in kept):
            kept.append(line)
    return sorted(kept, key=lambda line: line.at)


def _union(low: Floats, high: Floats) -> float:
    """The length that some intervals cover together."""
    length, end = 0.0, -np.inf
    for i in np.argsort(low).tolist():
        length += max(0.0, float(high[i]) - max(end, float(low[i])))
        end = max(end, float(high[i]))
    return length


def _thin_and_dark(page: Grey, digit: float) -> Grey:
    """Where a page is darker than a little above and below: the edge of a sheet has paper on one side only."""
    thickest = max(3, round(THICKEST * digit))
    darkness = cv2.morphologyEx(page, cv2.MORPH_CLOSE, np.ones((thickest, 1), np.uint8)) - page
    dark: Grey = (darkness >= max(FAINTEST, NOISE * float(np.median(darkness)))).astype(np.uint8)
    return dark


def _pieces(dark: Grey, digit: float) -> Iterator[tuple[float, float, float, float]]:
    """Pieces of the level lines in a mask of what is dark and thin: x and y of both ends."""
    shortest = round(SHORTEST * digit)
    # A line that rises or falls a little still has long runs of pixels when it is thicker.
    thick = cv2.dilate(dark, np.ones((3, 1), np.uint8))
    runs = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, shortest), np.uint8))
    n, labels, stats, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
    for label in range(1, n):
        left, top, width, height, _ = stats[label].tolist()
        inside = labels[top : top + height, left : left + width] == label
        parts = max(1, round(width / (PIECE * digit)))
        for part in np.array_split(np.arange(width), parts):
            rows, columns = np.nonzero(inside[:, part])
            if len(rows) == 0 or len(rows) > (2 * THICKEST * digit + 2) * len(part):
                continue
            x, y = columns + float(part[0]), rows.astype(np.float64)
            away = x - x.mean()
            slope = float(away @ y / max(1e-6, away @ away))
            first, last = float(x.min()), float(x.max())
            level = float(y.mean()) - slope * float(x.mean())
            yield (
                left + first + 0.5, top + level + slope * first + 0.5,
                left + last + 0.5, top + level + slope * last + 0.5,
            )  # fmt: skip
