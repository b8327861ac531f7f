"""Split touching digits: where a component may be cut.

seams = seams_of(foreground, digit_height)      # cuts from top to bottom, with both sides of the component
pieces = pieces_of(seams, digit_height)         # pairs of seams that may have a digit between them
piece = between(foreground, seams, (0, 1))      # the foreground of one piece
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.digits.segment import find_components

Grey = NDArray[np.uint8]
Seam = NDArray[np.intp]
"""intp (height,): in each row the first column to the right of the cut."""
Piece = tuple[int, int]
"""Indices of the seams to its left and right."""

MIN_WIDTH, MAX_WIDTH = 0.12, 1.3
"""Widths of a digit, in digit heights."""

TWO = 0.45
"""The narrowest component that may be two digits, in digit heights."""

MAX_SEAMS_PER_DIGIT = 4
"""Seams within a component for each further digit that it may hold."""

APART = 0.08
"""The smallest distance between two seams, in digit heights."""

EVERY = 0.08
"""The distance between seams that are tried where there is no valley, in digit heights."""

ASIDE = 0.5
"""The cost of a step to the side, in foreground pixels: a cut follows a slanted gap, but wanders no further."""


def seams_of(foreground: Grey, digit_height: float) -> list[Seam]:
    """Find cuts from top to bottom through as little foreground as possible; both sides of the component are included.

    A seam is the cheapest path through one column of the middle row. Columns at a local minimum are taken, the
    cheapest first (seam carving: Avidan and Shamir, 2007).

    Args:
        foreground: uint8 (height, width), the component alone.
        digit_height: in pixels.
    """
    height, width = foreground.shape
    sides = [np.zeros(height, np.intp), np.full(height, width, np.intp)]
    margin = max(2, round(MIN_WIDTH * digit_height))
    if width < TWO * digit_height or width <= 2 * margin:
        return sides
    costs = foreground.astype(np.float32) / np.float32(255) + np.float32(0.01)
    middle = height // 2
    above, below = _path_costs(costs[: middle + 1]), _path_costs(costs[middle:][::-1])
    total = cv2.GaussianBlur((above[-1] + below[-1])[None], (0, 0), max(0.5, 0.02 * digit_height))[0]
    inner = np.arange(margin, width - margin)
    valleys = inner[(total[inner] <= total[inner - 1]) & (total[inner] <= total[inner + 1])]
    most = MAX_SEAMS_PER_DIGIT * max(1, round(width / (0.6 * digit_height)) - 1)
    chosen: list[int] = []
    for column in valleys[np.argsort(total[valleys], kind="stable")]:
        if all(abs(column - other) >= APART * digit_height for other in chosen):
            chosen.append(int(column))
        if len(chosen) == most:
            break
    # Two thick strokes side by side leave no valley, so columns at regular distances are tried too.
    for column in np.arange(margin, width - margin, max(1.0, EVERY * digit_height)):
        if all(abs(column - other) >= 0.7 * EVERY * digit_height for other in chosen):
            chosen.append(int(column))
    columns = np.array(sorted(chosen), np.intp)
    seams = np.concatenate([_trace_back(above, columns), _trace_back(below, columns)[::-1][1:]])
    return [sides[0], *seams.T, sides[1]]


def pieces_of(seams: list[Seam], digit_height: float) -> list[Piece]:
    """The pairs of seams that may have one digit between them; the whole component is always included."""
    last = len(seams) - 1
    middles = [float(seam.mean()) for seam in seams]
    return [
        (i, j)
        for i in range(last)
        for j in range(i + 1, last + 1)
        if (i, j) == (0, last) or MIN_WIDTH * digit_height <= middles[j] - middles[i] <= MAX_WIDTH * digit_height
    ]


def between(foreground: Grey, seams: list[Seam], piece: Piece) -> Grey:
    """The foreground between two seams, uint8 of the same shape; black elsewhere.

    Parts smaller than a tenth of the largest are removed: they are ends of the neighbours' strokes.
    """
    columns = np.arange(foreground.shape[1])
    left, right = seams[piece[0]][:, None], seams[piece[1]][:, None]
    cut: Grey = np.where((columns >= left) & (columns < right), foreground, 0).astype(np.uint8)
    components = find_components(cut)
    if len(components.all) < 2:
        return cut
    most = max(component.area for component in components.all)
    kept = [part for component in components.all if component.area >= 0.1 * most for part in component.parts]
    return np.where(np.isin(components.labels, kept), cut, 0).astype(np.uint8)


def _path_costs(costs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cost of the cheapest path from the first row to each pixel, at most one column to the side per row."""
    costs_so_far = costs.copy()
    far = np.float32(np.inf)
    for before, row in pairwise(costs_so_far):
        left = np.concatenate([[far], before[:-1]]) + np.float32(ASIDE)
        right = np.concatenate([before[1:], [far]]) + np.float32(ASIDE)
        row += np.minimum(before, np.minimum(left, right))
    return costs_so_far


def _trace_back(costs_so_far: NDArray[np.float32], columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """Trace the cheapest paths back from some columns of the last row: intp (height, columns)."""
    padded = np.pad(costs_so_far, ((0, 0), (1, 1)), constant_values=np.inf)
    steps = np.arange(-1, 2)[:, None]
    found = np.empty((len(costs_so_far), len(columns)), np.intp)
    found[-1] = columns
    for row in range(len(costs_so_far) - 2, -1, -1):
        columns = columns + np.argmin(padded[row, columns + 1 + steps] + ASIDE * np.abs(steps), axis=0) - 1
        found[row] = columns
    return found
