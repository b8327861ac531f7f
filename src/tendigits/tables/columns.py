"""What the other cells of its column say of a cell: headings are words, words among numbers are not, points get lost.

table = in_context(table)       # as it was read, before its sums are checked
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tendigits.tables.cell import Cell
from tendigits.tables.table import Table


@dataclass(frozen=True)
class ColumnOptions:
    """Chosen on generated tables."""

    min_numbers: int = 3  # in a column of numbers, and
    min_fraction: float = 0.5  # their fraction of its filled cells
    max_heads: int = 3  # rows of headings
    max_title_fraction: float = 0.5  # of the columns of numbers that have one in a title; the rows below have more
    min_body_fraction: float = 0.8
    min_counted: int = 3  # headings that count the columns: 1, 2, 3
    lost_point: float = 0.5  # probability that a doubtful number without a point has lost it


OPTIONS = ColumnOptions()
UNREAD = "could not be read"

Rows = Sequence[Sequence[Cell]]


def in_context(table: Table) -> Table:
    """A table as it was read, its titles and headings words, its words in columns of numbers doubtful."""
    columns = [*map(list, zip(*table.rows, strict=True))]
    numeric = [i for i, column in enumerate(columns) if _is_numeric(column)]
    n_heads = _n_heads(table.rows, numeric)
    rows = [
        [_as_word(cell) for cell in cells] if row < n_heads else _with_doubts(cells, numeric)
        for row, cells in enumerate(table.rows)
    ]
    decimals = {i: _decimals([cells[i] for cells in rows[n_heads:]]) for i in numeric}
    rows = [[_with_point(cell, decimals.get(i, 0)) for i, cell in enumerate(cells)] for cells in rows]
    return replace(table, rows=rows)


def _is_numeric(column: Sequence[Cell]) -> bool:
    numbers = sum(bool(cell.value) for cell in column)
    filled = sum(bool(cell.value) or cell.is_unread or cell.is_word for cell in column)
    return numbers >= max(OPTIONS.min_numbers, OPTIONS.min_fraction * filled)


def _n_heads(rows: Rows, numeric: Sequence[int]) -> int:
    """How many of the first rows are titles and headings: few numbers above full rows, or the columns counted."""
    fractions = [sum(bool(cells[i].value) for i in numeric) / max(1, len(numeric)) for cells in rows]
    body = sorted(fractions[OPTIONS.max_heads :])
    if not body or body[len(body) // 2] < OPTIONS.min_body_fraction:
        return 0
    is_head = [
        fraction < OPTIONS.max_title_fraction or _counts([cells[i] for i in numeric])
        for fraction, cells in zip(fractions, rows[: OPTIONS.max_heads], strict=False)
    ]
    return is_head.index(False) if False in is_head else len(is_head)


def _counts(cells: Sequence[Cell]) -> bool:
    """Whether numbers count from 1, as in Q1, Q2, Q3."""
    numbers = [cell.number for cell in cells if cell.value]
    n_counted = next((i for i, number in enumerate(numbers) if number != i + 1), len(numbers))
    return n_counted >= max(OPTIONS.min_counted, len(cells) - 1)  # the last one may be a total's


def _as_word(cell: Cell) -> Cell:
    if not cell.value or any(map(str.isalpha, cell.value)):
        return cell
    return Cell(cell.box, index=cell.index, picture=cell.picture)


def _with_doubts(cells: Sequence[Cell], numeric: Sequence[int]) -> list[Cell]:
    """A row of numbers, in which what looks like a word is a number that could not be read."""
    is_row_of_words = 2 * sum(bool(cells[i].value or cells[i].picture is not None) for i in numeric) < len(numeric)
    return [
        replace(cell, confidence=0.0, accepted=False, reason=UNREAD)
        if i in numeric and cell.is_word and not is_row_of_words
        else cell
        for i, cell in enumerate(cells)
    ]


def _decimals(column: Sequence[Cell]) -> int:
    """How many decimals the numbers of a column have, 0 if they differ."""
    values = [cell.value for cell in column if cell.value]
    n_decimals = Counter(len(re.split("[.,]", value)[1]) for value in values if re.fullmatch(r"[-+]?\d+[.,]\d+", value))
    best, n = max(n_decimals.items(), key=lambda each: each[1], default=(0, 0))
    return best if n >= max(OPTIONS.min_numbers, OPTIONS.min_fraction * len(values)) else 0


def _with_point(cell: Cell, decimals: int) -> Cell:
    """A doubtful cell of a column of decimals: with the point that it has lost first, and without other signs."""
    if not decimals or cell.accepted or not cell.value:
        return cell
    options = [(text, p) for text, p in cell.options if re.fullmatch(r"[-+]?[\d.,]*", text)]
    match = re.fullmatch(rf"([-+]?\d+?)[-/:]?(\d{{{decimals}}})", cell.value)
    if match is not None:
        options = [(f"{match[1]}.{match[2]}", OPTIONS.lost_point), *options]
    return replace(cell, options=options)
