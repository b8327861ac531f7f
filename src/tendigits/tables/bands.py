"""Rows or columns along one axis of a rectified sheet: bands between ruled lines, or between gaps.

columns = Bands.between(lines, centres, crossing_lines, split)
columns.index(centres)         # in which column each number stands
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.tables.options import OPTIONS
from tendigits.tables.ruled_lines import RuledLine
from tendigits.tables.sheet_map import Floats, Ints, Mask

Split = Callable[[Mask, bool], list[float]]
"""Splits the numbers of a mask, bool (n,), further; the flag is whether they are between two ruled lines."""


@dataclass(frozen=True, eq=False)
class Bands:
    """The rows or the columns of a table."""

    cuts: Floats  # positions where two bands meet
    is_ruled: Mask  # whether each is a ruled line, and not a gap
    used: Ints  # indices of the bands that are rows or columns; there is one band more than there are cuts

    @classmethod
    def between(
        cls, lines: Sequence[RuledLine], centres: Floats, crossing: Sequence[RuledLine], split: Split
    ) -> "Bands":
        """Bands between ruled lines, and between numbers; empty ones are used if enough lines cross them."""
        cuts = [line.position for line in lines]
        band = np.searchsorted(cuts, centres)
        for index in {*band.tolist()}:
            cuts += split(band == index, 0 < index < len(lines))
        cuts.sort()
        used = set(np.searchsorted(cuts, centres).tolist())
        if len(crossing) >= OPTIONS.min_lines_for_cells:
            used.update(range(1, len(cuts)))
        is_ruled = np.isin(cuts, [line.position for line in lines])
        return cls(np.array(cuts), is_ruled, np.array(sorted(used)))

    def band(self, centres: Floats) -> Ints:
        """The band of each number, used or not."""
        return np.searchsorted(self.cuts, centres)

    def index(self, centres: Floats) -> Ints:
        """The row or column of each number."""
        return np.searchsorted(self.used, self.band(centres))

    def edges(self, low: float, high: float) -> Floats:
        """The edges of the rows or columns; the outermost ones are where the numbers begin and end."""
        return self._of_edges(np.concatenate([[low], self.cuts, [high]]))

    def are_edges_ruled(self) -> Mask:
        """Whether each edge is a ruled line."""
        return self._of_edges(np.concatenate([[False], self.is_ruled, [False]]))

    def _of_edges(self, of_all: NDArray[Any]) -> NDArray[Any]:
        """What belongs to the edges of rows or columns, of what belongs to those of all bands."""
        return np.append(of_all[self.used], of_all[self.used[-1] + 1])


def split_rows(top_left: Floats, bottom_right: Floats, height: float, is_between_lines: bool) -> list[float]:
    """Positions between rows of numbers, given their corners, float64 (n, 2).

    Between two ruled lines, numbers at different heights are one row unless some stand below others; most do, if they
    are close.
    """
    centres = (top_left[:, 1] + bottom_right[:, 1]) / 2
    order = np.argsort(centres)
    gaps = np.diff(centres[order])
    wide = np.flatnonzero(gaps > OPTIONS.min_row_distance * height)
    cuts = [float(centres[order[i]] + centres[order[i + 1]]) / 2 for i in wide]
    if not is_between_lines:
        return cuts
    starts, ends = top_left[:, 0], bottom_right[:, 0]
    overlap = (starts[:, None] < ends) & (starts < ends[:, None])

    def is_stacked(cut: float, gap: float) -> bool:
        pairs = overlap[np.ix_(centres < cut, centres > cut)]
        is_close = gap <= OPTIONS.min_stacked_row_distance * height
        return bool(pairs.any()) and (not is_close or min(_filled(pairs), _filled(pairs.T)) >= OPTIONS.min_stacked)

    return [cut for cut, gap in zip(cuts, gaps[wide].tolist(), strict=True) if is_stacked(cut, gap)]


def _filled(pairs: Mask) -> float:
    """The fraction of the rows of a mask in which there is something."""
    return float(pairs.any(axis=1).mean())


def split_columns(starts: Floats, ends: Floats, rows: Ints, is_between_lines: bool) -> list[float]:
    """Positions between columns, given where numbers start and end, and the row of each.

    First no number may bridge the gap between two columns; then more and more, until few numbers share a cell.
    """
    shared = shared_fraction(rows)
    if shared == 0 or (is_between_lines and shared < OPTIONS.max_shared_fraction):
        return []
    n_rows = len({*rows.tolist()})
    for fraction in np.arange(0, OPTIONS.max_bridged_fraction, OPTIONS.bridged_fraction_step):
        cuts = [(low + high) / 2 for low, high in find_gaps(starts, ends, fraction * n_rows)]
        column = np.searchsorted(cuts, (starts + ends) / 2)
        if all(shared_fraction(rows[column == index]) < OPTIONS.max_shared_fraction for index in {*column.tolist()}):
            break
    return cuts


def shared_fraction(rows: Ints) -> float:
    """Fraction of the rows with more than one number."""
    _, counts = np.unique(rows, return_counts=True)
    return float((counts > 1).mean()) if len(counts) else 0.0


def find_gaps(starts: Floats, ends: Floats, max_bridging: float = 0.0) -> list[tuple[float, float]]:
    """Start and end of each gap between intervals that at most this many of them bridge."""
    positions = np.concatenate([starts, ends])
    steps = np.concatenate([np.ones(len(starts)), -np.ones(len(ends))])
    order = np.lexsort((-steps, positions))
    positions, depth = positions[order], np.cumsum(steps[order])
    gaps: list[tuple[float, float]] = []
    for i in np.flatnonzero((depth[:-1] <= max_bridging) & (np.diff(positions) > 0)).tolist():
        if gaps and gaps[-1][1] >= positions[i]:
            gaps[-1] = gaps[-1][0], float(positions[i + 1])
        else:
            gaps.append((float(positions[i]), float(positions[i + 1])))
    return [gap for gap in gaps if gap[0] > positions[0] and gap[1] < positions[-1]]
