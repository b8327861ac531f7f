"""Find the sums of a table: which columns, or rows, add up to which others.

find_sums(table.rows, Sums.AUTO)        # [Formula("G = sum B-F"), Formula("row 9 = sum 1-8")]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from tendigits.tables.cell import Cell
from tendigits.tables.formulas import MIN_ADDENDS, Formula, number_of, span_formula
from tendigits.tables.options import Sums


@dataclass(frozen=True)
class SumOptions:
    """From when numbers are sums of others; chosen on generated tables."""

    min_agreeing: int = 3  # rows in which a number is the sum of others
    min_agreeing_fraction: float = 0.5  # the same, as a fraction of the rows that can be checked
    min_subtotal: int = 10  # the largest sum before the last column is at least this: small numbers add up by chance


OPTIONS = SumOptions()


def find_sums(rows: Sequence[Sequence[Cell]], sums: Sums) -> list[Formula]:
    """The formulas of the sums in a table: of its columns, then of its rows."""
    found = []
    if sums in (Sums.AUTO, Sums.BOTH, Sums.LAST_COLUMN):
        found += [span_formula(*each, of_rows=False) for each in _sums_of(rows, sums is not Sums.AUTO)]
    if sums in (Sums.AUTO, Sums.BOTH, Sums.LAST_ROW):
        columns = [*map(list, zip(*rows, strict=True))]
        found += [span_formula(*each, of_rows=True) for each in _sums_of(columns, sums is not Sums.AUTO)]
    return found


def _sums_of(series: Sequence[Sequence[Cell]], is_given: bool) -> list[tuple[int, list[int]]]:
    """Which cells of each series, a row or a column, are sums of which others: subtotals, and the last cell."""
    n = len(series[0]) if series else 0
    values = [[number_of(cell, cell.value) for cell in cells] for cells in series]
    # Counted in the smallest unit, numbers are integers, which are added far faster than fractions.
    unit = lcm(*(value.denominator for cells in values for value in cells if value is not None))
    numbers = [[None if value is None else int(value * unit) for value in cells] for cells in values]
    is_filled = [[bool(cell.value) for cell in cells] for cells in series]
    stack: list[int] = []  # what is added up next: a subtotal has taken the place of its addends
    found: list[tuple[int, list[int]]] = []
    for total in range(MIN_ADDENDS, n) if n else ():
        stack = [*range(MIN_ADDENDS)] if total == MIN_ADDENDS else stack
        is_last = total == n - 1
        most, best = 0, 0
        for candidates in ([*range(total)], stack) if is_last else (stack,):
            for length, (n_agreeing, n_checked, largest) in _agreements(numbers, is_filled, candidates, total).items():
                is_enough = n_agreeing >= max(OPTIONS.min_agreeing, OPTIONS.min_agreeing_fraction * n_checked)
                is_enough &= is_last or largest >= OPTIONS.min_subtotal * unit
                if n_agreeing >= max(most, 1) and (is_enough or (is_given and is_last)):
                    most, best, addends = n_agreeing, length, candidates
        if best:
            found.append((total, [i for i in addends[-best:] if any(filled[i] for filled in is_filled)]))
            stack = stack[:-best] if addends is stack else stack
        stack = [*stack, total]
    return found[::-1]


def _agreements(
    numbers: Sequence[Sequence[int | None]],
    is_filled: Sequence[Sequence[bool]],
    addends: Sequence[int],
    total: int,
) -> dict[int, tuple[int, int, int]]:
    """For the last 2, 3, ... addends: in how many series they add up, how many can be checked, and the largest sum."""
    counts = dict.fromkeys(range(MIN_ADDENDS, len(addends) + 1), (0, 0, 0))
    for of_cells, filled in zip(numbers, is_filled, strict=True):
        if not filled[total] or not (wanted := of_cells[total]):
            continue
        known, added = 0, 0
        for length, index in enumerate(reversed(addends), 1):
            if (number := of_cells[index]) is None:
                break
            known, added = known + filled[index], added + number
            if length in counts and known >= MIN_ADDENDS:
                n_agreeing, n_checked, largest = counts[length]
                agrees = added == wanted
                counts[length] = n_agreeing + agrees, n_checked + 1, max(largest, wanted) if agrees else largest
    return counts
