"""Touching digits: where a blob may be cut, and which of the cuts make the best digits.

seams = seams_of(ink, usual)                    # ways from top to bottom, the blob's sides among them
pieces = pieces_of(seams, usual)                # pairs of seams that may have a digit between them
piece_ink = between(ink, seams, (0, 1))         # the ink of one
best = best_path(len(seams), {(0, 1): ..., })   # the pieces that together are the likeliest
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.read.segment import find_blobs

Grey = NDArray[np.uint8]
Seam = NDArray[np.intp]
"""intp (height,): in each row the first column that is to the right of the cut."""
Piece = tuple[int, int]
"""From which seam to which."""

NARROWEST, WIDEST = 0.12, 1.3
"""Width of one digit, in usual heights."""

TWO = 0.45
"""Width of a blob, in usual heights, from which on it may be two digits."""

MOST_SEAMS = 4
"""Within a blob, for each digit more than one that it may hold."""

APART = 0.08
"""Between two seams, in usual heights."""

EVERY = 0.08
"""Between two seams that are tried where there is no valley, in usual heights."""

ASIDE = 0.5
"""What a step to the side costs, in pixels of ink: a cut follows a gap that leans, and wanders no further."""


def seams_of(ink: Grey, usual: float) -> list[Seam]:
    """Ways through the blob from top to bottom that cross as little ink as they can, its two sides among them.

    Args:
        ink: uint8 (height, width), the blob alone.
        usual: height of a digit in pixels.

    A seam is the cheapest way through one column of the middle row; those of the columns at a local minimum are
    taken, the cheapest first (seam carving: Avidan and Shamir, 2007).
    """
    height, width = ink.shape
    sides = [np.zeros(height, np.intp), np.full(height, width, np.intp)]
    margin = max(2, round(NARROWEST * usual))
    if width < TWO * usual or width <= 2 * margin:
        return sides
    costs = ink.astype(np.float32) / np.float32(255) + np.float32(0.01)
    middle = height // 2
    above, below = _ways(costs[: middle + 1]), _ways(costs[middle:][::-1])
    total = cv2.GaussianBlur((above[-1] + below[-1])[None], (0, 0), max(0.5, 0.02 * usual))[0]
    inner = np.arange(margin, width - margin)
    valleys = inner[(total[inner] <= total[inner - 1]) & (total[inner] <= total[inner + 1])]
    most = MOST_SEAMS * max(1, round(width / (0.6 * usual)) - 1)
    chosen: list[int] = []
    for column in valleys[np.argsort(total[valleys], kind="stable")]:
        if all(abs(column - other) >= APART * usual for other in chosen):
            chosen.append(int(column))
        if len(chosen) == most:
            break
    # Where two thick strokes lie along each other there is no valley: between the valleys every so many columns too.
    for column in np.arange(margin, width - margin, max(1.0, EVERY * usual)):
        if all(abs(column - other) >= 0.7 * EVERY * usual for other in chosen):
            chosen.append(int(column))
    columns = np.array(sorted(chosen), np.intp)
    seams = np.concatenate([_back(above, columns), _back(below, columns)[::-1][1:]])
    return [sides[0], *seams.T, sides[1]]


def pieces_of(seams: list[Seam], usual: float) -> list[Piece]:
    """The pairs of seams between which one digit may stand; the whole blob is always among them."""
    last = len(seams) - 1
    middles = [float(seam.mean()) for seam in seams]
    return [
        (i, j)
        for i in range(last)
        for j in range(i + 1, last + 1)
        if (i, j) == (0, last) or NARROWEST * usual <= middles[j] - middles[i] <= WIDEST * usual
    ]


def between(ink: Grey, seams: list[Seam], piece: Piece) -> Grey:
    """The ink between two seams, uint8 of the same shape; black elsewhere.

    Without the ends of the neighbour's strokes: parts of less than a tenth of the largest.
    """
    columns = np.arange(ink.shape[1])
    left, right = seams[piece[0]][:, None], seams[piece[1]][:, None]
    cut: Grey = np.where((columns >= left) & (columns < right), ink, 0).astype(np.uint8)
    blobs = find_blobs(cut)
    if len(blobs.all) < 2:
        return cut
    most = max(blob.area for blob in blobs.all)
    kept = [part for blob in blobs.all if blob.area >= 0.1 * most for part in blob.parts]
    return np.where(np.isin(blobs.labels, kept), cut, 0).astype(np.uint8)


def best_path(n_seams: int, scores: dict[Piece, float]) -> list[Piece]:
    """The pieces from the first seam to the last with the highest sum of scores.

    Args:
        scores: of each piece that is allowed: the logarithm of its digit's confidence.
    """
    best: list[tuple[float, list[Piece]] | None] = [(0.0, []), *[None] * (n_seams - 1)]
    for j in range(1, n_seams):
        for i in range(j):
            if (i, j) in scores and (before := best[i]) is not None:
                total = before[0] + scores[i, j]
                if (now := best[j]) is None or total > now[0]:
                    best[j] = (total, [*before[1], (i, j)])
    found = best[-1]
    if found is None:
        raise ValueError(f"expected pieces from the first to the last of {n_seams} seams, received {sorted(scores)}")
    return found[1]


def _ways(costs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cost of the cheapest way from the first row to each place, one column to the side in each row at most."""
    ways = costs.copy()
    far = np.float32(np.inf)
    for before, row in pairwise(ways):
        left = np.concatenate([[far], before[:-1]]) + np.float32(ASIDE)
        right = np.concatenate([before[1:], [far]]) + np.float32(ASIDE)
        row += np.minimum(before, np.minimum(left, right))
    return ways


def _back(ways: NDArray[np.float32], columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """The cheapest ways to some places in the last row, from the first row on: intp (height, ways)."""
    padded = np.pad(ways, ((0, 0), (1, 1)), constant_values=np.inf)
    steps = np.arange(-1, 2)[:, None]
    found = np.empty((len(ways), len(columns)), np.intp)
    found[-1] = columns
    for row in range(len(ways) - 2, -1, -1):
        columns = columns + np.argmin(padded[row, columns + 1 + steps] + ASIDE * np.abs(steps), axis=0) - 1
        found[row] = columns
    return found
