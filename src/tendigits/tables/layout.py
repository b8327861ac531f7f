"""Where numbers stand in a table: rows and columns from ruled lines, or from how the numbers are aligned.

layouts = find_layouts(flatten(grey, places))
layouts[0].cells[2, 3]          # which of the places stand in the third row, fourth column
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tendigits.tables.bands import FEWEST_RULES, Bands, close_gaps, split_columns, split_rows
from tendigits.tables.flat_sheet import FlatSheet
from tendigits.tables.ruled_lines import Line, join_pieces
from tendigits.tables.words import HEADS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TABLES_APART, PITCHES_APART = 2.0, 2.5
"""Heights of a digit, and medians of the gaps between rows: more lies between two tables than between two rows."""

SLIVER = 0.25
"""Heights of a digit: a smaller gap lies between a number and the end of a line, and not between two rows."""

FEWEST_LINES = 3
"""Pieces of upright lines in each of two tables that stand side by side: else they are columns of one."""

MOST_CUT, STRADDLED = 2, 0.25
"""Numbers next to a line which it may cut through, and their share: the lines of squared paper cut more."""

PARTING = 0.75
"""Share of the lines next to numbers that run between them, in a table."""

MIDDLE = 0.5
"""Share of a number's height that no line between two rows cuts."""


@dataclass(frozen=True, eq=False)
class Layout:
    """A table's rows and columns."""

    cells: dict[tuple[int, int], list[int]]
    """Row and column -> the numbers that stand in it, from left to right."""
    words: dict[tuple[int, int], list[int]]
    """Likewise the words."""
    rows: Floats
    """Edges of the rows on the flat sheet, one more than there are rows."""
    columns: Floats
    sheet: FlatSheet
    ruled: bool
    """Whether lines part its rows and its columns."""

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return len(self.rows) - 1, len(self.columns) - 1

    @property
    def unread(self) -> set[tuple[int, int]]:
        """Cells of numbers in which something else stands: a number that was not found, or a word such as "absent"."""
        alone = {*self.words} - {*self.cells}
        numbers, words = Counter(column for _, column in self.cells), Counter(column for _, column in alone)
        rows = {row for row, _ in self.cells}
        return {(row, column) for row, column in alone if row in rows and numbers[column] > words[column]}

    @property
    def corners(self) -> Floats:
        """Of all cells in pixels of the page: float64 (rows, columns, 4, 2), clockwise from the left upper one."""
        edges = np.stack(np.meshgrid(self.columns, self.rows), axis=-1)
        seen = self.sheet.map.back(edges.reshape(-1, 2)).reshape(edges.shape)
        return np.stack([seen[:-1, :-1], seen[:-1, 1:], seen[1:, 1:], seen[1:, :-1]], axis=2)


def find_layouts(sheet: FlatSheet, members: Ints | None = None) -> list[Layout]:
    """Find the tables of a flat sheet, in reading order, in which all or some of its numbers and words stand."""
    members = np.arange(len(sheet.middles)) if members is None else members
    rows = _apart(sheet, members, axis=1) if len(members) else []
    parts = [part for row in rows for part in _apart(sheet, row, axis=0)]
    return [_layout(sheet, part) for part in parts if part.min() < sheet.n_numbers]


def _apart(sheet: FlatSheet, members: Ints, axis: int) -> list[Ints]:
    """Part places where a wide gap lies between them along an axis, across which no ruled line runs."""
    along, room = sheet.down if axis else sheet.across, TABLES_APART * sheet.height
    middles = (along[:, 1 - axis] + along[:, 3 - axis]) / 2
    low, high = sheet.first[members, 1 - axis].min() - room, sheet.last[members, 1 - axis].max() + room
    along = along[(low <= middles) & (middles <= high)]  # beyond may be the edges of the paper
    own = sheet.first[members, axis], sheet.last[members, axis]
    ends = np.concatenate([own[0], along[:, axis]]), np.concatenate([own[1], along[:, axis + 2]])
    gaps = close_gaps(*ends, 0.0)
    sizes = np.array([last - first for first, last in gaps])
    if not len(sizes):
        return [members]
    between = sizes[sizes > SLIVER * sheet.height]
    pitch = float(np.median(between)) if axis and len(between) > 1 else 0.0
    least = max(room, PITCHES_APART * pitch)
    cuts = [(first + last) / 2 for (first, last), size in zip(gaps, sizes, strict=True) if size > least]
    if axis == 0:
        ruled = np.bincount(np.searchsorted(cuts, sheet.down[:, 0]), minlength=len(cuts) + 1)
        cuts = cuts if ruled.min() >= FEWEST_LINES else []
    part = np.searchsorted(cuts, sheet.middles[members, axis])
    return [members[part == number] for number in np.unique(part)]


def _layout(sheet: FlatSheet, members: Ints) -> Layout:
    """The rows and columns of one table."""
    first, last, middles = sheet.first[members], sheet.last[members], sheet.middles[members]
    low, high = first.min(axis=0), last.max(axis=0)
    (width, height), room = (high - low).tolist(), TABLES_APART * sheet.height
    lines = [pieces[_inside(pieces, low - room, high + room)] for pieces in (sheet.across, sheet.down)]
    across, down = (
        join_pieces(pieces, 1 - axis, (width, height)[axis], sheet.height) for axis, pieces in enumerate(lines)
    )
    core = (last[:, 1] - first[:, 1]) * MIDDLE / 2
    level, (x, y) = middles[:, 1], middles.T
    across = _parting(across, level - core, level + core, x, sheet.height)
    down = _parting(down, first[:, 0], last[:, 0], y, sheet.height)
    rows = Bands.between(
        across, middles[:, 1], down,
        lambda inside, closed: split_rows(first[inside], last[inside], sheet.height, closed),
    )  # fmt: skip
    row_of = rows.of(middles[:, 1])
    heads = _heads(row_of, members >= sheet.n_numbers)

    def split(inside: NDArray[np.bool_], closed: bool) -> list[float]:
        own = inside & ~heads if (inside & ~heads).any() else inside
        return split_columns(first[own, 0], last[own, 0], row_of[own], closed)

    columns = Bands.between(down, middles[:, 0], across, split)
    cells: dict[tuple[int, int], list[int]] = {}
    words: dict[tuple[int, int], list[int]] = {}
    numbered_rows, numbered_columns = rows.number(middles[:, 1]), columns.number(middles[:, 0])
    for i in np.argsort(first[:, 0], kind="stable").tolist():
        held = cells if members[i] < sheet.n_numbers else words
        held.setdefault((int(numbered_rows[i]), int(numbered_columns[i])), []).append(int(members[i]))
    return Layout(
        cells,
        words,
        rows.edges(first[:, 1].min(), last[:, 1].max()),
        columns.edges(first[:, 0].min(), last[:, 0].max()),
        sheet,
        min(len(across), len(down)) >= FEWEST_RULES,
    )


def _heads(rows: Ints, are_words: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What stands in the row of heads, bool (n,), which may be wider than their columns, or several to a column."""
    top: NDArray[np.bool_] = rows == rows.min()
    return top & bool((top & are_words).sum() >= HEADS)


def _inside(segments: Floats, low: Floats, high: Floats) -> NDArray[np.bool_]:
    middles = (segments[:, :2] + segments[:, 2:]) / 2
    inside: NDArray[np.bool_] = ((low <= middles) & (middles <= high)).sum(axis=1) == len(low)
    return inside


def _parting(lines: list[Line], first: Floats, last: Floats, others: Floats, height: float) -> list[Line]:
    """The lines that run between numbers, and not through them; none if most don't, as on squared paper.

    Args:
        first, last: where the numbers begin and end across the lines.
        others: where they stand along the lines.
    """
    parting, n_beside = [], 0
    for line in lines:
        beside = (line.low <= others) & (others <= line.high)
        beside &= (first - height < line.at) & (line.at < last + height)
        cut = beside & (first < line.at) & (line.at < last)
        n_beside += bool(beside.any())
        if cut.sum() <= max(MOST_CUT, STRADDLED * beside.sum()):
            parting.append((line, bool(beside.any())))
    kept = [line for line, _ in parting]
    return kept if sum(told for _, told in parting) >= PARTING * n_beside else []
