"""Read the cells of a page's tables again: what was missed, and what is in doubt.

cells = CellReader(reader, crops, rules, confidence, threshold, budget)
layout = cells.read_again(read, layout)         # appends better readings to `read`
"""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from tendigits.digits.foreground import median
from tendigits.numbers.crops import Budget, PageCrops
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.numbers.reader import UNREAD_NEIGHBOUR, NumberReader
from tendigits.numbers.reading import Reading, without_repeated
from tendigits.numbers.strips import DIGIT_HEIGHT_PX
from tendigits.tables.flat_sheet import Rules
from tendigits.tables.layout import Cells, Layout

CellIndex = tuple[int, int]  # row and column
Span = tuple[float, float, float, float]  # left and right end, y, and digit height of a number, on the sheet


@dataclass(frozen=True)
class CellOptions:
    """Tolerances; lengths are in heights of a digit."""

    max_overhang: float = 0.35  # a number that extends further into the next column fills the cells of both
    min_column_gap: float = 0.45  # between its characters, if a number is of two cells
    min_lost: float = 0.3  # of a number that was read: a cell with less room next to it is not read again
    border_margin: float = 0.15  # between the edge of a cell and its number, for a ruled line
    max_rule_width: float = 0.4  # of a character that may be a ruled line
    max_rule_distance: float = 0.12  # from the middle of such a character to a ruled line
    max_beyond_border: float = 0.05  # from a ruled line to the middle of a character behind it that is of its cell
    end_percentile: float = 3.0  # percent of a column's numbers that may begin, or end, outside the span that is read
    min_new_probability: float = 0.6  # of each character, to read a number where none was found at first


OPTIONS = CellOptions()


@dataclass(frozen=True)
class CellReader:
    """Reads cells of a page, as far as its budget goes."""

    reader: NumberReader
    crops: PageCrops
    rules: Rules  # of the page
    confidence: Callable[[Reading], float]
    """0 to 1: how probable it is that a number was read right; 0 in doubt."""
    threshold: float  # confidence from which a number is clear
    budget: Budget

    def read_again(self, read: list[Reading], layout: Layout) -> Layout:
        """Read empty and doubtful cells again. Appends better readings to `read`; returns the layout with them."""
        joined, whole = set[CellIndex](), set[CellIndex]()  # cells of joined numbers, and the neighbours of wide ones
        for cell, indices in layout.cells.items():
            for i, edge, neighbour in _overhanging(layout, cell, indices):
                is_joined = layout.ruled_edges[edge] or _are_two(read[i], layout, edge)
                (joined if is_joined else whole).update({cell, neighbour} if is_joined else {neighbour})
        # Cells with more ink than their number:
        partly_read = {*layout.words} & {*layout.cells} if layout.ruled else set()
        unclear = [
            cell
            for cell in np.ndindex(layout.shape)
            if cell not in whole
            if len(indices := layout.cells.get(cell, [])) != 1
            or cell in joined | partly_read
            or self.confidence(read[indices[0]]) < self.threshold
        ]
        spans = _spans(layout, unclear, joined)
        chosen = dict(islice(spans, max(0, self.reader.options.max_numbers - len(read))))
        detections = layout.sheet.to_detections(np.array([*chosen.values()], np.float64).reshape(-1, 4))
        cells = dict(layout.cells)
        readings = self.reader.read_known(self.crops, detections, self.budget)
        for cell, detection in zip(chosen, detections, strict=True):
            if (reading := readings.get(detection)) is None:
                continue
            reading = without_borders(reading, layout, cell) if layout.ruled else reading
            indices = layout.cells.get(cell, [])
            before = read[indices[0]] if len(indices) == 1 and cell not in joined else None
            is_known = bool(indices) or cell in joined | layout.unread
            if _is_better(reading, before, 0.0 if is_known else OPTIONS.min_new_probability):
                cells[cell] = [len(read)]
                read.append(reading)
            elif before is not None and cell in partly_read:
                read[indices[0]] = replace(before, doubt=before.doubt or UNREAD_NEIGHBOUR)
        return replace(layout, cells=_without_repeated(read, cells))


def is_on_border(reading: Reading, layout: Layout, cell: CellIndex) -> bool:
    """Whether the middle of a number is on a ruled line next to its cell."""
    x = float(layout.sheet.map(np.array([[reading.detection.x, reading.detection.y]]))[0, 0])
    edges = layout.columns[cell[1] : cell[1] + 2][layout.ruled_edges[cell[1] : cell[1] + 2]]
    return bool((abs(edges - x) <= OPTIONS.max_rule_distance * layout.sheet.height).any())


def without_borders(reading: Reading, layout: Layout, cell: CellIndex) -> Reading:
    """Drop the ends of a number that are a ruled line next to its cell, or stand behind one.

    On scanned tables half of the numbers with a character too many are cured, and none that were right lose one.
    """
    in_strip = np.array([each.box for each in reading.characters]).reshape(-1, 4)
    boxes = reading.boxes_on_page
    x = layout.sheet.map((boxes[:, :2] + boxes[:, 2:]) / 2)[:, 0]
    edges = slice(cell[1], cell[1] + 2)
    left, right = np.where(layout.ruled_edges[edges], layout.columns[edges], [-np.inf, np.inf])
    is_narrow = in_strip[:, 2] - in_strip[:, 0] <= OPTIONS.max_rule_width * DIGIT_HEIGHT_PX
    nearest = np.where(is_narrow, OPTIONS.max_rule_distance, -OPTIONS.max_beyond_border) * layout.sheet.height
    inside = np.flatnonzero(np.minimum(x - left, right - x) >= nearest)
    if not len(inside):
        return reading
    kept = reading.characters[inside[0] : inside[-1] + 1]
    return reading if len(kept) == len(reading.characters) else replace(reading, characters=kept)


def _spans(
    layout: Layout, cells: Sequence[CellIndex], joined: AbstractSet[CellIndex]
) -> Iterator[tuple[CellIndex, Span]]:
    """Where a number may stand in each cell: horizontally like others in its column, vertically like its row."""
    sheet = layout.sheet
    rows, columns = ([list[int]() for _ in range(n)] for n in layout.shape)
    for (row, column), indices in layout.cells.items():
        rows[row] += indices
        columns[column] += indices
    lefts, rights = sheet.top_left[:, 0], sheet.bottom_right[:, 0]
    heights, centres = sheet.bottom_right[:, 1] - sheet.top_left[:, 1], sheet.centres
    percentile, margin = OPTIONS.end_percentile, OPTIONS.border_margin * sheet.height
    ends = {
        column: (np.percentile(lefts[members], percentile), np.percentile(rights[members], 100 - percentile))
        for column, members in enumerate(columns)
        if members
    }
    for row, column in cells:
        in_row, in_cell = rows[row], layout.cells.get((row, column), [])
        if not in_row or column not in ends:
            continue
        left = float(max(min([ends[column][0], *lefts[in_cell]]), layout.columns[column] + margin))
        right = float(min(max([ends[column][1], *rights[in_cell]]), layout.columns[column + 1] - margin))
        nearest = in_row[int(np.abs(centres[in_row, 0] - (left + right) / 2).argmin())]
        y = float(centres[in_cell or [nearest], 1].mean())
        lost = max(lefts[in_cell[0]] - left, right - rights[in_cell[0]]) if len(in_cell) == 1 else np.inf
        if right > left and (lost >= OPTIONS.min_lost * sheet.height or (row, column) in joined):
            yield (row, column), (left, right, y, median(heights[in_cell or in_row]))


def _overhanging(layout: Layout, cell: CellIndex, numbers: Sequence[int]) -> Iterator[tuple[int, int, CellIndex]]:
    """The numbers of a cell that extend into the next column, each with the edge between, and the cell behind it."""
    sheet, overhang = layout.sheet, OPTIONS.max_overhang * layout.sheet.height
    row, column = cell
    left, right = layout.columns[column : column + 2]
    for number in numbers:
        if sheet.top_left[number, 0] < left - overhang:
            yield number, column, (row, column - 1)
        if sheet.bottom_right[number, 0] > right + overhang:
            yield number, column + 1, (row, column + 1)


def _are_two(reading: Reading, layout: Layout, edge: int) -> bool:
    """Whether a number has a wide gap where an edge of its table's columns is, wider than those within its parts."""
    boxes = reading.boxes_on_page
    left, right = (layout.sheet.map(corners)[:, 0] for corners in (boxes[:, :2], boxes[:, 2:]))
    gaps, middles = left[1:] - right[:-1], (left[1:] + right[:-1]) / 2
    if not len(gaps):
        return True
    at_edges = np.abs(middles - layout.columns[:, None]).argmin(axis=1)
    within = np.delete(gaps, at_edges[(layout.columns > left[0]) & (layout.columns < right[-1])])
    least = max(OPTIONS.min_column_gap * layout.sheet.height, DEFAULT_OPTIONS.max_uneven * max(within, default=0.0))
    return bool(gaps[at_edges[edge]] >= least)


def _without_repeated(read: Sequence[Reading], cells: Cells) -> Cells:
    """Cells without what another one of their row shows more of: the edge between them is not where it should be."""
    rows: dict[int, list[Reading]] = {}
    for (row, _), indices in cells.items():
        rows.setdefault(row, []).extend(read[i] for i in indices)
    kept = {reading for row in rows.values() for reading in without_repeated(row)}
    distinct = {cell: [i for i in indices if read[i] in kept] for cell, indices in cells.items()}
    return {cell: indices for cell, indices in distinct.items() if indices}


def _is_better(reading: Reading, before: Reading | None, min_probability: float) -> bool:
    """Whether a new reading of a cell replaces what was read there.

    `before` is a number that was read in this cell alone; without one, each character needs a minimum probability.
    """
    is_seen = all(each.present >= DEFAULT_OPTIONS.min_read for each in reading.characters)
    if not is_seen or not any(map(str.isdigit, reading.text)):
        return False
    if before is not None:  # it may have lost an end
        return before.text in reading.text and len(before.text) < len(reading.text)
    return min(each.present for each in reading.characters) >= min_probability
