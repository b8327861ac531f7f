"""The rows and columns of tables, from ruled lines, or from how the numbers are aligned.

layouts = find_layouts(flatten(grey, detections))
layouts[0].cells[2, 3]          # indices of the detections in the third row, fourth column
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tendigits.digits.foreground import median
from tendigits.tables.bands import Bands, find_gaps, split_columns, split_rows
from tendigits.tables.flat_sheet import FlatSheet
from tendigits.tables.options import MIN_FILLED_FRACTION, OPTIONS
from tendigits.tables.ruled_lines import RuledLine, join_pieces
from tendigits.tables.sheet_map import Floats, Ints, Mask

Cells = dict[tuple[int, int], list[int]]
"""Row and column -> the numbers, or the words, of a cell, from left to right, as indices of the sheet's."""


@dataclass(frozen=True, eq=False)
class Layout:
    """A table's rows and columns."""

    cells: Cells  # the numbers of each cell
    words: Cells
    rows: Floats  # edges of the rows on the sheet, one more than there are rows
    columns: Floats
    sheet: FlatSheet
    ruled: bool  # whether ruled lines separate its rows and its columns
    ruled_edges: Mask  # bool (columns + 1,): which edges of the columns are ruled lines, and not gaps

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return len(self.rows) - 1, len(self.columns) - 1

    @property
    def is_dense(self) -> bool:
        """Whether it looks like a table, as `Table.is_dense`."""
        rows, columns = self.shape
        return min(rows, columns) > 1 and (self.ruled or len(self.cells) >= MIN_FILLED_FRACTION * rows * columns)

    @property
    def unread(self) -> set[tuple[int, int]]:
        """Cells with only a word in a row and a column of numbers: a number that was not found, or a note."""
        only_words = {*self.words} - {*self.cells}
        n_numbers, n_words = Counter(column for _, column in self.cells), Counter(column for _, column in only_words)
        rows = {row for row, _ in self.cells}
        return {(row, column) for row, column in only_words if row in rows and n_numbers[column] > n_words[column]}

    def cells_at(self, points: Floats) -> list[tuple[int, int]]:
        """Row and column of the points of the sheet, float64 (n, 2), that are in the table."""
        x, y = points.T
        places = np.column_stack([np.searchsorted(self.rows, y), np.searchsorted(self.columns, x)])
        inside = ((places > 0) & (places <= self.shape)).all(axis=1)
        return [(row - 1, column - 1) for row, column in places[inside].tolist()]

    def with_words(self, members: Sequence[int]) -> "Layout":
        """The same with more words, as indices of the sheet's numbers."""
        words = {cell: [*indices] for cell, indices in self.words.items()}
        for i in members:
            for cell in self.cells_at(self.sheet.centres[[i]]):
                words.setdefault(cell, []).append(i)
        return replace(self, words=words)

    def word_box(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the words in a cell, with a margin, in pixels of the page."""
        members, margin = self.words[row, column], OPTIONS.word_margin * self.sheet.height
        left, top = self.sheet.top_left[members].min(axis=0) - margin
        right, bottom = self.sheet.bottom_right[members].max(axis=0) + margin
        points = self.sheet.map.inverse(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))
        low, high = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return (low[0], low[1], high[0], high[1])

    @property
    def corners(self) -> Floats:
        """Corners of all cells in pixels of the page: float64 (rows, columns, 4, 2), clockwise from the top left."""
        grid = np.stack(np.meshgrid(self.columns, self.rows), axis=-1)
        points = self.sheet.map.inverse(grid.reshape(-1, 2)).reshape(grid.shape)
        return np.stack([points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]], axis=2)


def find_layouts(sheet: FlatSheet, ignored: Collection[int] = ()) -> list[Layout]:
    """Find the tables of a sheet, in reading order, without the numbers and words with these indices.

    Narrow words, which may be digits or parts of lines, make no rows or columns.
    """
    is_narrow = sheet.bottom_right[:, 0] - sheet.top_left[:, 0] < OPTIONS.min_wide_word * sheet.height
    is_narrow[: sheet.n_numbers] = False
    narrow = [i for i in np.flatnonzero(is_narrow).tolist() if i not in ignored]
    members = np.array([i for i in np.flatnonzero(~is_narrow).tolist() if i not in ignored])
    rows = _separate(sheet, members, axis=1) if len(members) else []
    tables = [table for row in rows for table in _separate(sheet, row, axis=0)]
    return [_layout(sheet, table).with_words(narrow) for table in tables if table.min() < sheet.n_numbers]


def _separate(sheet: FlatSheet, members: Ints, axis: int) -> list[Ints]:
    """Separate numbers and words where a wide gap lies between them along an axis and no ruled line bridges it."""
    low, high = sheet.top_left[members].min(axis=0), sheet.bottom_right[members].max(axis=0)
    room = OPTIONS.min_table_gap * sheet.height
    vertical = _near(sheet.vertical, low - room, high + room)
    lines = vertical if axis else _near(sheet.horizontal, low - room, high + room)
    starts = np.concatenate([sheet.top_left[members, axis], lines[:, axis]])
    ends = np.concatenate([sheet.bottom_right[members, axis], lines[:, axis + 2]])
    gaps = find_gaps(starts, ends)
    sizes = np.array([end - start for start, end in gaps])
    row_gaps = sizes[sizes > OPTIONS.min_row_gap * sheet.height]
    row_gap = median(row_gaps) if axis and len(row_gaps) > 1 else 0.0
    min_size = max(room, OPTIONS.min_table_gap_in_row_gaps * row_gap)
    cuts = [(start + end) / 2 for (start, end), size in zip(gaps, sizes, strict=True) if size > min_size]
    if axis == 0:
        n_lines = np.bincount(np.searchsorted(cuts, vertical[:, 0]), minlength=len(cuts) + 1)
        cuts = cuts if n_lines.min() >= OPTIONS.min_lines_of_adjacent_table else []
    part = np.searchsorted(cuts, sheet.centres[members, axis])
    return [members[part == index] for index in sorted({*part.tolist()})]


def _near(lines: Floats, low: Floats, high: Floats) -> Floats:
    """The lines whose centres lie between two corners; others may be the edges of the paper."""
    centres = (lines[:, :2] + lines[:, 2:]) / 2
    return lines[((low <= centres) & (centres <= high)).all(axis=1)]


def _layout(sheet: FlatSheet, members: Ints) -> Layout:
    """The rows and columns of one table."""
    top_left, bottom_right = sheet.top_left[members], sheet.bottom_right[members]
    x, y = sheet.centres[members].T
    is_number = members < sheet.n_numbers
    horizontal, vertical = _separating_lines(sheet, members)

    def split_by_height(inside: Mask, is_between: bool) -> list[float]:
        numbers = inside & is_number if is_between and (inside & is_number).any() else inside
        return split_rows(top_left[numbers], bottom_right[numbers], sheet.height, is_between)

    rows = Bands.between(horizontal, y, vertical, split_by_height)
    row_of = rows.band(y)
    # Headers may be wider than their columns, or several to a column.
    top_row = row_of == row_of.min()
    headers = top_row & ((top_row & ~is_number).sum() >= OPTIONS.min_headers)

    def split_by_gaps(inside: Mask, is_between: bool) -> list[float]:
        body = inside & ~headers if (inside & ~headers).any() else inside
        return split_columns(top_left[body, 0], bottom_right[body, 0], row_of[body], is_between)

    columns = Bands.between(vertical, x, horizontal, split_by_gaps)
    numbers, words = Cells(), Cells()
    row_index, column_index = rows.index(y).tolist(), columns.index(x).tolist()
    for i in np.argsort(top_left[:, 0], kind="stable").tolist():
        cells = numbers if members[i] < sheet.n_numbers else words
        cells.setdefault((row_index[i], column_index[i]), []).append(int(members[i]))
    row_edges = rows.edges(top_left[:, 1].min(), bottom_right[:, 1].max())
    column_edges = columns.edges(top_left[:, 0].min(), bottom_right[:, 0].max())
    ruled = min(len(horizontal), len(vertical)) >= OPTIONS.min_lines_for_cells
    return Layout(numbers, words, row_edges, column_edges, sheet, ruled, columns.are_edges_ruled())


def _separating_lines(sheet: FlatSheet, members: Ints) -> tuple[list[RuledLine], list[RuledLine]]:
    """The horizontal and the vertical ruled lines of a table that separate its numbers."""
    top_left, bottom_right = sheet.top_left[members], sheet.bottom_right[members]
    low, high, room = top_left.min(axis=0), bottom_right.max(axis=0), OPTIONS.min_table_gap * sheet.height
    horizontal, vertical = (
        join_pieces(_near(pieces, low - room, high + room), axis, float((high - low)[1 - axis]), sheet.height)
        for pieces, axis in ((sheet.horizontal, 1), (sheet.vertical, 0))
    )
    (left, top), (right, bottom) = top_left.T, bottom_right.T
    (x, y), core = sheet.centres[members].T, (bottom - top) * OPTIONS.number_core / 2
    return (
        _between_numbers(horizontal, y - core, y + core, x, sheet.height),
        _between_numbers(vertical, left, right, y, sheet.height),
    )


def _between_numbers(
    lines: Sequence[RuledLine], starts: Floats, ends: Floats, along: Floats, height: float
) -> list[RuledLine]:
    """The lines that cut few of the numbers next to them, which go across from `starts` to `ends`."""
    margin = OPTIONS.max_beyond_line * height

    def is_between(line: RuledLine) -> bool:
        is_near = (line.start <= along) & (along <= line.end)
        is_near &= (starts - height < line.position) & (line.position < ends + height)
        is_cut = is_near & (starts + margin < line.position) & (line.position < ends - margin)
        return bool(is_cut.sum() <= max(OPTIONS.max_cut_numbers, OPTIONS.max_cut_fraction * is_near.sum()))

    return [*filter(is_between, lines)]
