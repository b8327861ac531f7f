"""Printed lines are taken out of the ink: ruled paper, tables, the boxes of forms.

ink = without_rules(ink, shortest=120)
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.read.segment import WEAK

Grey = NDArray[np.uint8]

STEP = 2
"""Pixels by which a line may step up or down and is still one."""

UNBROKEN = 0.8
"""Share of its length that a line has ink on at least."""

COMB = 3
"""So many short lines from one long line to the next are the sides of boxes; fewer may be 1s."""


def without_rules(ink: Grey, shortest: int) -> Grey:
    """Take out lines that were printed: straight, thin, along an axis or nearly so, and far longer than a stroke.

    Where a stroke crosses the line it stays, for there the ink is thicker than the line. Between two lines the sides
    of boxes go too.

    Args:
        shortest: a line is at least so long, in pixels: three times the height of a digit, or more.
    """
    mask = (ink >= WEAK).astype(np.uint8)
    across = _lines_across(mask, shortest)
    down = _lines_across(np.ascontiguousarray(mask.T), shortest).T
    if not across.any() and not down.any():
        return ink
    sides = _comb(mask, across, shortest // 4)
    rules = _thin(mask, across) | _thin(mask.T, down.T).T | _thin(mask.T, sides.T).T
    rules |= _crossings(mask & ~rules, across & (down | sides))
    kept = mask & ~rules
    cleaned = ink.copy()
    cleaned[cv2.dilate(rules, np.ones((5, 5), np.uint8)) > kept] = 0
    return cleaned


def _lines_across(mask: Grey, shortest: int) -> Grey:
    """Pixels of nearly horizontal lines, with what crosses them: 1 and 0, as the mask."""
    runs, labels, stats = _runs_across(mask, shortest)
    width, height = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    straight = (width >= shortest) & (height <= np.maximum(12, width // 8))
    straight[0] = False
    # The bars of 7s and 5s that stand in a row make no line: it has hardly a gap.
    places = np.argwhere(runs & straight[labels].astype(np.uint8))
    covered = np.unique(np.stack([labels[places[:, 0], places[:, 1]], places[:, 1]]), axis=1)[0]
    straight &= np.bincount(covered, minlength=len(stats)) >= UNBROKEN * width
    found = runs & straight[labels].astype(np.uint8)
    return found if straight.any() and _thickness(found) * 15 <= shortest else np.zeros_like(mask)


def _runs_across(mask: Grey, shortest: int) -> tuple[Grey, NDArray[np.int32], NDArray[np.int32]]:
    """Long runs of ink across, and the connected ones among them: their labels and OpenCV's figures of each."""
    # A line that is not quite level is a staircase; made thicker, its steps are long.
    thick = cv2.dilate(mask, np.ones((2 * STEP + 1, 1), np.uint8))
    runs = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, max(12, shortest // 4)), np.uint8)) & mask
    joined = cv2.dilate(runs, np.ones((3, max(3, shortest // 8)), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8, ltype=cv2.CV_32S)
    return runs, labels, stats


def _thin(mask: Grey, lines: Grey) -> Grey:
    """The pixels of lines across that nothing goes through: where the ink is no higher than the line is thick."""
    if not lines.any():
        return lines
    high = np.ones((2 + round(1.5 * _thickness(lines)), 1), np.uint8)
    thin: Grey = lines & ~cv2.morphologyEx(np.ascontiguousarray(mask), cv2.MORPH_OPEN, high)
    return thin


def _crossings(rest: Grey, crossed: Grey) -> Grey:
    """What is left where two lines cross, and nothing else is."""
    if not crossed.any():
        return crossed
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8, ltype=cv2.CV_32S)
    pixels = np.bincount(labels.ravel(), weights=crossed.ravel(), minlength=len(stats))
    alone = pixels >= 0.5 * stats[:, cv2.CC_STAT_AREA]
    alone[0] = False
    found: Grey = alone[labels].astype(np.uint8) & rest
    return found


def _thickness(lines: Grey) -> float:
    """The usual thickness of lines across: pixels in each column over lines in it."""
    starts = (np.diff(lines.astype(np.int8), axis=0, prepend=0) == 1).sum(axis=0)
    columns = starts > 0
    return float(np.median(lines.sum(axis=0)[columns] / starts[columns])) if columns.any() else 0.0


def _comb(mask: Grey, across: Grey, shortest: int) -> Grey:
    """Straight upright lines that go from one line across to another, where there are as many as boxes have."""
    none = np.zeros_like(mask)
    if not across.any():
        return none
    reached = cv2.dilate(across, np.ones((7, 7), np.uint8))
    runs, labels, stats = _runs_across(np.ascontiguousarray(mask.T & ~reached.T), shortest)
    thick = 2 * _thickness(across) + 2 * STEP + 2
    sides = []
    for label in range(1, len(stats)):
        top, left, height, width, _ = stats[label].tolist()  # of the picture that lies on its side
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
