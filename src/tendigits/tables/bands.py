"""Rows and columns along one axis of a flat sheet: bands between ruled lines, or between what stands apart.

columns = Bands.between(lines, middles, others, split)
columns.number(middles)         # in which column each number stands
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tendigits.tables.ruled_lines import Line

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Split = Callable[[NDArray[np.bool_], bool], list[float]]

ROWS_APART, STACKED = 0.55, 0.9
"""Heights of a digit between the middles of two rows, at least; and of two rows that stand between the same lines."""

CROWDED = 0.3
"""Share of the rows with several numbers in one band from which on it holds several columns."""

STRAY, MOST_STRAY = 0.06, 0.4
"""Share of the rows whose numbers may reach across a gap between columns: by how much more is tried each time, and at
most."""

FEWEST_RULES = 3
"""Lines each way that make cells."""

CROSSED = 0.5
"""Share of the lines the other way that run through a band of a table, though nothing stands in it."""


@dataclass(frozen=True, eq=False)
class Bands:
    """The rows or the columns of a table."""

    cuts: Floats
    """Where two bands meet."""
    kept: Ints
    """Which of the bands, one more than there are cuts, are rows or columns."""

    @classmethod
    def between(cls, lines: Sequence[Line], middles: Floats, others: Sequence[Line], split: Split) -> "Bands":
        """Bands between lines, and between numbers.

        Args:
            middles: of the numbers.
            others: lines the other way; where they run, an empty band is kept.
            split: parts the numbers between two lines further; also told whether there are two.
        """
        cuts = [line.at for line in lines]
        band = np.searchsorted(cuts, middles)
        for number in np.unique(band).tolist():
            cuts += split(band == number, 0 < number < len(lines))
        cuts.sort()
        used = set(np.searchsorted(cuts, middles).tolist())
        for number in range(1, len(cuts)):
            middle = (cuts[number - 1] + cuts[number]) / 2
            if len(others) >= FEWEST_RULES and np.mean([line.low <= middle <= line.high for line in others]) >= CROSSED:
                used.add(number)
        return cls(np.array(cuts), np.array(sorted(used)))

    def of(self, middles: Floats) -> Ints:
        """In which band numbers stand."""
        return np.searchsorted(self.cuts, middles)

    def number(self, middles: Floats) -> Ints:
        """In which of the bands that are kept numbers stand."""
        return np.searchsorted(self.kept, self.of(middles))

    def edges(self, low: float, high: float) -> Floats:
        """The edges of the bands that are kept; the outermost ones end where the numbers do."""
        edges = np.concatenate([[low], self.cuts, [high]])
        return np.append(edges[self.kept], edges[self.kept[-1] + 1])


def split_rows(first: Floats, last: Floats, height: float, closed: bool) -> list[float]:
    """Positions between rows of numbers, given their corners, float64 (n, 2).

    Between two lines, numbers at different heights are one row, unless some stand below others.
    """
    middles = (first[:, 1] + last[:, 1]) / 2
    order = np.argsort(middles)
    gaps = np.flatnonzero(np.diff(middles[order]) > (STACKED if closed else ROWS_APART) * height)
    cuts = [float(middles[order[i]] + middles[order[i + 1]]) / 2 for i in gaps]
    if closed:
        cuts = [
            cut
            for cut in cuts
            if _overlap(
                first[middles < cut, 0], last[middles < cut, 0], first[middles > cut, 0], last[middles > cut, 0]
            )
        ]
    return cuts


def split_columns(first: Floats, last: Floats, rows: Ints, closed: bool = False) -> list[float]:
    """Positions between columns, given where numbers begin and end, and in which row each stands.

    As few numbers as possible reach across; more may as long as numbers of one row share a column.
    """
    shared = crowding(rows)
    if shared < CROWDED and (closed or shared == 0):
        return []
    n_rows = len(np.unique(rows))
    for stray in np.arange(0, MOST_STRAY, STRAY):
        gaps = close_gaps(first, last, stray * n_rows)
        cuts = [(low + high) / 2 for low, high in gaps]
        column = np.searchsorted(cuts, (first + last) / 2)
        if all(crowding(rows[column == number]) < CROWDED for number in np.unique(column)):
            break
    return cuts


def crowding(rows: Ints) -> float:
    """Share of the rows with more than one number."""
    _, counts = np.unique(rows, return_counts=True)
    return float((counts > 1).mean()) if len(counts) else 0.0


def close_gaps(first: Floats, last: Floats, stray: float) -> list[tuple[float, float]]:
    """Where each gap begins and ends across which at most `stray` of some intervals reach; not beyond the outermost."""
    places = np.concatenate([first, last])
    steps = np.concatenate([np.ones(len(first)), -np.ones(len(last))])
    order = np.lexsort((-steps, places))
    places, depth = places[order], np.cumsum(steps[order])
    gaps: list[tuple[float, float]] = []
    for i in np.flatnonzero((depth[:-1] <= stray) & (np.diff(places) > 0)).tolist():
        if gaps and gaps[-1][1] >= places[i]:
            gaps[-1] = gaps[-1][0], float(places[i + 1])
        else:
            gaps.append((float(places[i]), float(places[i + 1])))
    return [gap for gap in gaps if gap[0] > places[0] and gap[1] < places[-1]]


def _overlap(first: Floats, last: Floats, others_first: Floats, others_last: Floats) -> bool:
    return bool(((first[:, None] < others_last) & (others_first < last[:, None])).any())
