"""Words on a flat page: groups of strokes that were not read as numbers.

words = find_words(grey, flat, first, last, height)     # float64 (n, 4): left, top, right, bottom on the flat page
words = words[in_table(words, first, last, height)]     # names beside numbers, and the heads of their columns
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.tables.bands import split_rows
from tendigits.tables.sheet_map import SheetMap, scale_for

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]

THICKEST = 0.4
"""Of a digit's height: the widest stroke."""

STRENGTH = 0.3
"""Share of the darkness of the numbers' strokes that a word's strokes have at least."""

LONGEST = 2.0
"""Heights of a digit: longer straight strokes are ruled lines."""

GAP = 0.45
"""Heights of a digit between two letters of a word, or two words of a cell, at most."""

HEIGHTS, NARROWEST = (0.35, 2.2), 0.6
"""Heights of a digit: a word's height, and least width."""

LEAST, DENSEST_LINE = 0.15, 0.055
"""Heights of a digit: the least area of a word's strokes (squared), also by its width; a broken ruled line has less."""

AROUND = 0.15
"""Heights of a digit: strokes this close to a number belong to it."""

UNREAD = 0.5
"""Share of the strokes of a word that are not those of a number, at least."""

HEADS, ABOVE = 2, 2.5
"""Fewest words of a row of heads; and how far above the numbers it may be, in distances between rows."""


def find_words(grey: Grey, flat: SheetMap, first: Floats, last: Floats, height: float) -> Floats:
    """Find words on a page, uint8 (height, width), that a map lays flat.

    Args:
        first, last: float64 (n, 2), the corners of the numbers on the flat page.
        height: of a digit.

    Returns:
        float64 (m, 4): left, top, right and bottom of each on the flat page.
    """
    scale = scale_for(grey, height)
    page, corner = flat.flattened(grey, scale)
    digit = height * scale
    numbers = np.round((np.concatenate([first, last], axis=1) - np.tile(corner, 2)) * scale).astype(int)
    strokes = _strokes(page, numbers, digit)
    found = np.array([*_groups(strokes, numbers, digit)], np.float64).reshape(-1, 4)
    return found / scale + np.tile(corner, 2)


def in_table(words: Floats, first: Floats, last: Floats, height: float) -> NDArray[np.bool_]:
    """Which words stand in a row of numbers, or are heads of their columns: bool (m,)."""
    levels = np.concatenate([first[:, 1] + last[:, 1], words[:, 1] + words[:, 3]]) / 2
    at = np.column_stack([np.zeros(len(levels)), levels])
    cuts = split_rows(at, at, height, closed=False)
    row = np.searchsorted(cuts, levels)
    numbers, own = np.bincount(row[: len(first)], minlength=len(cuts) + 1), row[len(first) :]
    middles = np.array([levels[row == each].mean() for each in range(len(cuts) + 1)])
    pitch = float(np.median(np.diff(middles[numbers > 0]))) if (numbers > 0).sum() > 1 else 0.0
    heads = np.bincount(own, minlength=len(cuts) + 1) >= HEADS
    heads[:-1] &= (numbers[1:] > 0) & (np.diff(middles) <= ABOVE * pitch)
    heads[-1] = False
    kept: NDArray[np.bool_] = ((numbers > 0) | heads)[own]
    return kept


def _strokes(page: Grey, numbers: NDArray[np.int_], digit: float) -> Grey:
    """Where a page is as dark as in its numbers' strokes: 0 or 1; ruled lines are left out."""
    widest = max(3, round(THICKEST * digit)) | 1
    darkness = cv2.morphologyEx(page, cv2.MORPH_CLOSE, np.ones((widest, widest), np.uint8)) - page
    own = [darkness[max(0, top) : bottom, max(0, left) : right] for left, top, right, bottom in numbers.tolist()]
    level = STRENGTH * float(np.median([np.percentile(cut, 95) for cut in own if cut.size] or [0.0]))
    strokes: Grey = (darkness >= max(level, 1.0)).astype(np.uint8)
    longest = round(LONGEST * digit)
    for shape in ((1, longest), (longest, 1)):
        thick = cv2.dilate(strokes, np.ones((3, 1) if shape[0] == 1 else (1, 3), np.uint8))
        lines = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones(shape, np.uint8))
        strokes[cv2.dilate(lines, np.ones((3, 3), np.uint8)) > 0] = 0
    return strokes


def _groups(strokes: Grey, numbers: NDArray[np.int_], digit: float) -> Iterator[tuple[int, int, int, int]]:
    """Groups of strokes, most of which are not those of numbers."""
    unread = strokes.copy()
    around = round(AROUND * digit)
    for left, top, right, bottom in numbers.tolist():
        unread[max(0, top - around) : bottom + around, max(0, left - around) : right + around] = 0
    joined = cv2.morphologyEx(strokes, cv2.MORPH_CLOSE, np.ones((3, round(GAP * digit) | 1), np.uint8))
    n, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    areas, left_over = (np.bincount(labels[each > 0], minlength=n) for each in (strokes, unread))
    for label in range(1, n):
        left, top, width, height, _ = stats[label].tolist()
        sized = HEIGHTS[0] * digit <= height <= HEIGHTS[1] * digit and width >= NARROWEST * digit
        least = max(LEAST * digit**2, DENSEST_LINE * digit * width, UNREAD * areas[label])
        if sized and left_over[label] >= least:
            yield left, top, left + width, top + height
