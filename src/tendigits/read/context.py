"""Read a page's tables by what they tell: one number in each cell, and a column's numbers are alike.

readings, layouts = read_tables(reader, grey, readings, is_clear, budget)
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.budget import Budget
from tendigits.numbers.detections import in_rows
from tendigits.numbers.grammar import is_usual
from tendigits.numbers.options import NumberOptions
from tendigits.numbers.reader import NumberReader, Reading
from tendigits.numbers.vote import reweigh
from tendigits.tables.flat_sheet import FlatSheet, flatten
from tendigits.tables.layout import Layout, find_layouts
from tendigits.tables.table import DENSE

Grey = NDArray[np.uint8]
IsClear = Callable[[Reading], bool]

FEWEST_ROWS, FEWEST_COLUMNS = 3, 2
"""A smaller table, or one without lines that is not dense, tells nothing about its cells: a receipt has a date, a time
and amounts below each other."""

SPARSE = 0.15
"""Share of the cells of a row or a column with a number in them, below which doubtful numbers are words."""

WORDY = 0.34
"""Share of the cells with something in them that hold words, from which on a row or a column is one of words."""

UNIT = 1.2
"""Heights of a digit: a column of shorter words, and of nothing else, is no column, but units behind numbers."""

REACH = 0.6
"""Heights of a digit: a number that reaches further into the next column is of both."""

LINE = 0.15
"""Heights of a digit between the edge of a cell and what is read in it, where a ruled line may run."""

FOUND = 0.9
"""Probability of each character from which a number is read where nothing was found at first."""

ENDS = 3.0
"""Percent of the numbers of a column that may begin, or end, further out than where others are looked for."""

NOISE = 0.02
"""Lower bound for the probability that a sign is a speck, where its column has other forms."""

COLUMN_OPTIONS = NumberOptions(min_alternative=0.005)
"""With the forms of a column as evidence, less probable characters are considered."""

INTEGER, USUAL, UNUSUAL = 0.5, 0.02, 0.001
"""Share of the cells of a column with whole numbers, with each other usual form, and with an unusual one, before
anything of the column is known; that counts as much as one cell."""


def read_tables(
    reader: NumberReader, grey: Grey, readings: Sequence[Reading], is_clear: IsClear, budget: Budget
) -> tuple[list[Reading], list[Layout]]:
    """Find the tables of a page and read what is doubtful in them again.

    Args:
        readings: what was read on the page.
        is_clear: whether a reading can be relied on.
        budget: pays for the second look.

    Returns:
        What is read now, without what turned out to be words; and the tables, whose cells refer to it.
    """
    if not readings:
        return [], []
    sheet = flatten(grey, [reading.detection for reading in readings])
    layouts = find_layouts(sheet)
    left_out = {i for layout in layouts for i in _left_out(layout, readings, is_clear)}
    if left_out:
        layouts = find_layouts(sheet, np.setdiff1d(np.arange(len(sheet.middles)), [*left_out]))
    in_tables = {i for layout in layouts for found in layout.cells.values() for i in found}
    read = [*readings]
    layouts = [_read_again(reader, grey, sheet, read, layout, is_clear, budget) for layout in layouts]
    for layout in layouts:
        if _tells(layout):
            for _ in range(2):  # what became clear tells of the others
                _make_alike(read, layout)
    held = {i for layout in layouts for found in layout.cells.values() for i in found}
    replaced = (in_tables | left_out) - held
    return _in_order(read, layouts, [i for i in range(len(read)) if i not in replaced])


def form_of(text: str) -> str:
    """What is the same in numbers of one column: `-12.50` and `3.00` are 0.2, `12` and `7` are 0."""
    whole = re.sub(r"(?<![.,\d])\d+", "0", text.lstrip("+-"))
    return re.sub(r"(?<=[.,])\d+", lambda found: str(len(found[0])), whole)


def _tells(layout: Layout) -> bool:
    rows, columns = layout.shape
    dense = layout.ruled or len({*layout.cells, *layout.words}) >= DENSE * rows * columns
    return rows >= FEWEST_ROWS and columns >= FEWEST_COLUMNS and dense


def _left_out(layout: Layout, readings: Sequence[Reading], is_clear: IsClear) -> Iterator[int]:
    """What was taken for numbers in rows and columns of words; and words that make no column of their own."""
    if not _tells(layout):
        yield from (i for words in layout.words.values() for i in words)
        return
    clear = {cell for cell, found in layout.cells.items() if any(is_clear(readings[i]) for i in found)}
    lines = [(axis, line) for axis in (0, 1) for line in range(layout.shape[axis])]
    for axis, line in lines:
        numbers, words, certain = (
            {cell for cell in cells if cell[axis] == line} for cells in (layout.cells, layout.words, clear)
        )
        heads = (axis, line) == (0, 0)  # "Task 1"
        against = certain - words if axis or heads else certain
        few = SPARSE * layout.shape[0] if axis else 0
        alone = words if heads else words - certain
        wordy = len(alone) >= max(2, WORDY * len(numbers | words)) and len(against) <= few
        if wordy:
            yield from (i for cell in numbers for i in layout.cells[cell])
        if axis and not numbers and not (wordy and _are_wide(layout, words)):
            yield from (i for cell in words for i in layout.words[cell])


def _are_wide(layout: Layout, cells: Collection[tuple[int, int]]) -> bool:
    """Whether words are longer than units are."""
    members = [i for cell in cells for i in layout.words[cell]]
    widths = layout.sheet.last[members, 0] - layout.sheet.first[members, 0]
    return bool(np.median(widths) >= UNIT * layout.sheet.height)


def _read_again(
    reader: NumberReader,
    grey: Grey,
    sheet: FlatSheet,
    read: list[Reading],
    layout: Layout,
    is_clear: IsClear,
    budget: Budget,
) -> Layout:
    """Look again where a cell is empty, holds several numbers or a doubtful one; adds to `read` what is new."""
    if not _tells(layout):
        return layout
    shared = {cell for cell, found in layout.cells.items() if any(_reaches_out(sheet, layout, cell, i) for i in found)}
    into = {(row, beside) for row, column in shared for beside in (column - 1, column + 1)}
    unclear = [
        cell
        for cell in np.ndindex(layout.shape)
        if len(found := layout.cells.get(cell, [])) != 1 or cell in shared or not is_clear(read[found[0]])
    ]
    spans = _spans(sheet, layout, unclear)
    wanted = dict(islice(spans, max(0, reader.options.max_numbers - len(read))))
    budget.is_short |= next(spans, None) is not None
    places = sheet.places(np.array([*wanted.values()], np.float64).reshape(-1, 4))
    cells = dict(layout.cells)
    for cell, seen in zip(wanted, reader.read_known(grey, places, budget), strict=False):
        found = layout.cells.get(cell, [])
        whole = len(found) == 1 and cell not in shared
        if _is_better(seen, read[found[0]] if whole else None, known=bool(found) or cell in into):
            cells[cell] = [len(read)]
            read.append(seen)
    return replace(layout, cells=cells)


def _spans(
    sheet: FlatSheet, layout: Layout, cells: Sequence[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], tuple[float, float, float, float]]]:
    """Where a number may stand in some cells: as far out as others in its column, at the level of those in its row.

    Yields:
        The cell; and left and right end, level, and height of a digit, on the flat sheet.
    """
    rows, columns = layout.shape
    by_row = [[i for (r, _), found in layout.cells.items() if r == row for i in found] for row in range(rows)]
    by_column = [
        [i for (_, c), found in layout.cells.items() if c == column for i in found] for column in range(columns)
    ]
    heights, middles, room = sheet.last[:, 1] - sheet.first[:, 1], sheet.middles, LINE * sheet.height
    ends = [
        (np.percentile(sheet.first[members, 0], ENDS), np.percentile(sheet.last[members, 0], 100 - ENDS))
        if members
        else None
        for members in by_column
    ]
    for row, column in cells:
        others, own, usual = by_row[row], layout.cells.get((row, column), []), ends[column]
        if not others or usual is None:
            continue
        left = min([float(usual[0]), *sheet.first[own, 0].tolist()])
        right = max([float(usual[1]), *sheet.last[own, 0].tolist()])
        left = max(left, float(layout.columns[column]) + room)
        right = min(right, float(layout.columns[column + 1]) - room)
        beside = own or [others[int(np.abs(middles[others, 0] - (left + right) / 2).argmin())]]
        level, height = float(middles[beside, 1].mean()), float(np.median(heights[own or others]))
        if right > left:
            yield (row, column), (left, right, level, height)


def _reaches_out(sheet: FlatSheet, layout: Layout, cell: tuple[int, int], number: int) -> bool:
    """Whether a number reaches into the next column."""
    left, right = layout.columns[cell[1] : cell[1] + 2]
    return bool(
        sheet.first[number, 0] < left - REACH * sheet.height or sheet.last[number, 0] > right + REACH * sheet.height
    )


def _is_better(seen: Reading, before: Reading | None, known: bool) -> bool:
    """Whether what is seen in a cell is to be read instead of what was read before.

    Args:
        before: one number in this cell alone, if it was so.
        known: whether something was read here, or reaches into the cell.
    """
    if not any(map(str.isdigit, seen.text)):
        return False
    if before is not None:  # which may have lost an end
        return before.text in seen.text and len(before.text) < len(seen.text)
    return known or min(each.present for each in seen.characters) >= FOUND


def _make_alike(read: list[Reading], layout: Layout) -> None:
    """Weigh what each number may be by the forms of the others in its column."""
    for column in range(layout.shape[1]):
        members = [found[0] for (_, c), found in layout.cells.items() if c == column and len(found) == 1]
        counts = Counter(form_of(read[i].text) for i in members)
        for i in members:
            form = form_of(read[i].text)
            counts[form] -= 1
            read[i] = _weighed(read[i], counts)
            counts[form] += 1


def _weighed(reading: Reading, others: Counter[str]) -> Reading:
    n = others.total()

    def frequency(text: str) -> float:
        form = form_of(text)
        expected = INTEGER if form == "0" else USUAL if is_usual(text) else UNUSUAL
        return float(np.log((others[form] + expected) / (n + 1)))

    weighed = reweigh(reading.characters, frequency, COLUMN_OPTIONS, NOISE)
    kept = np.array([each.present >= COLUMN_OPTIONS.min_vote for each in weighed], bool)
    return replace(
        reading,
        characters=[each for each in weighed if each.present >= COLUMN_OPTIONS.min_vote],
        rejected=[*reading.rejected, *(each for each in weighed if each.present < COLUMN_OPTIONS.min_vote)],
        crops=reading.crops[kept],
        second_opinion=reading.second_opinion[kept],
    )


def _in_order(
    read: Sequence[Reading], layouts: Sequence[Layout], kept: Sequence[int]
) -> tuple[list[Reading], list[Layout]]:
    """Some readings in reading order, and the tables, whose cells refer to them."""
    order = [kept[i] for row in in_rows([read[i].detection for i in kept]) for i in row]
    number = {old: new for new, old in enumerate(order)}
    moved = [
        replace(layout, cells={cell: [number[i] for i in found] for cell, found in layout.cells.items()})
        for layout in layouts
    ]
    return [read[i] for i in order], moved
