"""Remove printed lines from the foreground: ruled paper, tables, the boxes of forms.

foreground = remove_ruled_lines(foreground, shortest=120)
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.read.segment import WEAK

Grey = NDArray[np.uint8]

STEP = 2
"""Pixels: the largest step up or down within one line."""

UNBROKEN = 0.8
"""The smallest share of a line's length that must be covered."""

COMB = 3
"""The fewest short lines between two long ones that count as the sides of boxes; fewer may be 1s."""


def remove_ruled_lines(foreground: Grey, shortest: int) -> Grey:
    """Remove printed lines: straight, thin, along an axis or nearly so, and far longer than a stroke.

    A stroke that crosses a line stays, because the foreground is thicker there. The sides of boxes between two lines
    are removed too.

    Args:
        shortest: the shortest printed line in pixels: at least three times the height of a digit.
    """
    mask = (foreground >= WEAK).astype(np.uint8)
    across = _lines_across(mask, shortest)
    down = _lines_across(np.ascontiguousarray(mask.T), shortest).T
    if not across.any() and not down.any():
        return foreground
    sides = _comb(mask, across, shortest // 4)
    rules = _thin(mask, across) | _thin(mask.T, down.T).T | _thin(mask.T, sides.T).T
    rules |= _crossings(mask & ~rules, across & (down | sides))
    kept = mask & ~rules
    cleaned = foreground.copy()
    cleaned[cv2.dilate(rules, np.ones((5, 5), np.uint8)) > kept] = 0
    return cleaned


def _lines_across(mask: Grey, shortest: int) -> Grey:
    """Find nearly horizontal lines, with what crosses them: 1 and 0, like the mask."""
    runs, labels, stats = _runs_across(mask, shortest)
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    straight = (width >= shortest) & (height <= np.maximum(12, width // 8))
    straight[0] = False
    # The bars of 7s and 5s in a row aren't a line: a line has few gaps.
    places = np.argwhere(runs & straight[labels].astype(np.uint8))
    covered = np.unique(np.stack([labels[places[:, 0], places[:, 1]], places[:, 1]]), axis=1)[0]
    straight &= np.bincount(covered, minlength=len(stats)) >= UNBROKEN * width
    found = runs & straight[labels].astype(np.uint8)
    return found if straight.any() and _thickness(found) * 15 <= shortest else np.zeros_like(mask)


def _runs_across(mask: Grey, shortest: int) -> tuple[Grey, NDArray[np.int32], NDArray[np.int32]]:
    """Find long horizontal runs of foreground; with them the labels and OpenCV's statistics of connected runs."""
    # A line that is not quite level is a staircase; once thickened, its steps are long.
    thick = cv2.dilate(mask, np.ones((2 * STEP + 1, 1), np.uint8))
    runs = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, max(12, shortest // 4)), np.uint8)) & mask
    joined = cv2.dilate(runs, np.ones((3, max(3, shortest // 8)), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8, ltype=cv2.CV_32S)
    return runs, labels, stats


def _thin(mask: Grey, lines: Grey) -> Grey:
    """The pixels of horizontal lines that no stroke crosses: the foreground is no higher than the line is thick."""
    if not lines.any():
        return lines
    high = np.ones((2 + round(1.5 * _thickness(lines)), 1), np.uint8)
    thin: Grey = lines & ~cv2.morphologyEx(np.ascontiguousarray(mask), cv2.MORPH_OPEN, high)
    return thin


def _crossings(rest: Grey, crossed: Grey) -> Grey:
    """The remains of two lines where they cross, unless something else is there."""
    if not crossed.any():
        return crossed
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8, ltype=cv2.CV_32S)
    pixels = np.bincount(labels.ravel(), weights=crossed.ravel(), minlength=len(stats))
    alone = pixels >= 0.5 * stats[:, cv2.CC_STAT_AREA]
    alone[0] = False
    found: Grey = alone[labels].astype(np.uint8) & rest
    return found


def _thickness(lines: Grey) -> float:
    """The median thickness of horizontal lines: pixels per column over lines per column."""
    starts = (np.diff(lines.astype(np.int8), axis=0, prepend=0) == 1).sum(axis=0)
    columns = starts > 0
    return float(np.median(lines.sum(axis=0)[columns] / starts[columns])) if columns.any() else 0.0


def _comb(mask: Grey, across: Grey, shortest: int) -> Grey:
    """Find straight vertical lines from one horizontal line to another, if there are at least COMB of them."""
    none = np.zeros_like(mask)
    if not across.any():
        return none
    reached = cv2.dilate(across, np.ones((7, 7), np.uint8))
    runs, labels, stats = _runs_across(np.ascontiguousarray(mask.T & ~reached.T), shortest)
    thick = 2 * _thickness(across) + 2 * STEP + 2
    sides = []
    for label in range(1, len(stats)):
        top, left, height, width, _ = stats[label].tolist()  # of the transposed picture
        columns = np.s_[left : left + width]
        ends = (
            reached[max(0, top - 4) : top + 4, columns].any()
            and reached[top + height - 4 : top + height + 4, columns].any()
        )
        if height >= shortest and width <= thick and ends:
            sides.append(label)
    if len(sides) < COMB:
        return none
    found: Grey = cv2.dilate((runs & np.isin(labels, sides).astype(np.uint8)).T, np.ones((15, 1), np.uint8)) & mask
    return found
