"""Detections: where numbers stand on a page, which of them show the same number, and their reading order.

groups = group_detections(detections)   # lists of detections that show the same number
rows = in_rows(detections)              # lists of indices, from top to bottom and from left to right
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.foreground import median

CHUNK = 64  # detections compared with all others at once; the arrays then fit into a core's cache
MAX_ROW_OFFSET = 0.6  # digit heights: how far the centres of two neighbours in a row may differ across the row


@dataclass(frozen=True)
class Detection:
    """Where a number stands, in pixels of the page."""

    x: float  # of its centre
    y: float
    angle: float  # writing direction in radians; above 0 it runs downwards
    length: float  # from the first digit's left edge to the last one's right edge
    height: float  # height of the digits
    score: float  # 0 to 1: mean probability of a number along it
    stretch: float = 1.0  # how much wider its digits are than usual

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the upright box around it."""
        cosine, sine = abs(float(np.cos(self.angle))), abs(float(np.sin(self.angle)))
        across = (self.length * cosine + self.height * sine) / 2
        down = (self.length * sine + self.height * cosine) / 2
        return self.x - across, self.y - down, self.x + across, self.y + down

    def within(self, shape: tuple[int, ...]) -> "Detection":
        """The same up to the edges of a page of this height and width: the box of a cut 1 may go on beyond them."""
        half = self.length / 2 * np.array([np.cos(self.angle), np.sin(self.angle)])
        ends = np.array([self.x, self.y]) + np.array([-half, half])
        start, end = inside = np.clip(ends, 0, shape[::-1])
        if (inside == ends).all():
            return self
        (x, y), length = ((start + end) / 2).tolist(), float(np.hypot(*(end - start)))
        return replace(self, x=x, y=y, length=max(length, self.height / 4))


def group_detections(detections: Sequence[Detection]) -> Iterator[list[Detection]]:
    """Group each detection with the first one that shows the same number, or a part of it; keeps their order."""
    table, remaining = as_table(detections), np.ones(len(detections), bool)
    while len(rest := np.flatnonzero(remaining)):
        chunk = rest[:CHUNK]
        for first, same in zip(chunk, show_same_number(table[chunk], table[rest]), strict=True):
            if remaining[first]:
                members = rest[same & remaining[rest]]
                remaining[members] = False
                yield [detections[i] for i in members.tolist()]


def as_table(detections: Sequence[Detection]) -> NDArray[np.float64]:
    """x, y, length, height, and the cosine and sine of the angle: float64 (n, 6)."""
    rows = [(d.x, d.y, d.length, d.height, np.cos(d.angle), np.sin(d.angle)) for d in detections]
    return np.array(rows, np.float64).reshape(-1, 6)


def show_same_number(detections: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the centre of one detection lies on another: float64 (n, 6) and (m, 6) of `as_table` -> bool (n, m)."""
    return _contains_centres(others, detections) | _contains_centres(detections, others).T


def _contains_centres(centres: NDArray[np.float64], detections: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each detection contains each centre: bool (detections, centres)."""
    length, height, cosine, sine = detections[:, 2:].T
    axes = np.stack([[cosine, sine], [-sine, cosine]]).transpose(0, 2, 1)  # along and across, (detections, 2) each
    along, across = abs(axes @ centres[:, :2].T - (axes * detections[:, :2]).sum(axis=2)[..., None])
    contains: NDArray[np.bool_] = (along <= length[:, None] / 2) & (across <= height[:, None] / 2)
    return contains


def in_rows(detections: Sequence[Detection]) -> list[list[int]]:
    """Put numbers into reading order: indices by row, from top to bottom and from left to right.

    A number continues the row of the nearest number to its left that is at the same height, so rows may rise or fall.
    """
    if not detections:
        return []
    angle = median([each.angle for each in detections])
    axis = np.array([np.cos(angle), np.sin(angle)])
    centres = np.array([[each.x, each.y] for each in detections])
    along, across = centres @ axis, centres @ np.array([-axis[1], axis[0]])
    rows: list[list[int]] = []
    heights, n_rows = np.array([each.height for each in detections]), 0
    last = np.empty(len(detections), np.int64)  # number of each row
    for i in np.argsort(along, kind="stable").tolist():
        ends = last[:n_rows]
        offsets = abs(across[i] - across[ends])
        offsets[offsets > MAX_ROW_OFFSET * np.minimum(heights[i], heights[ends])] = np.inf
        row = int(offsets.argmin()) if np.isfinite(offsets).any() else n_rows
        if row == n_rows:
            rows.append([])
            n_rows += 1
        rows[row].append(i)
        last[row] = i
    return sorted(rows, key=lambda row: median(across[row]))
