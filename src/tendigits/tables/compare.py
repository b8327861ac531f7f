"""Compare two readings of one table: two photos of a sheet.

compared = agreed(first, second)        # what both say is accepted if one of them is sure, the rest is in doubt
"""

from collections.abc import Sequence
from dataclasses import replace

from tendigits.tables.cell import Cell
from tendigits.tables.table import Table


def agreed(first: Table, second: Table) -> Table:
    """The first table, with what the second one says about its cells; each may have rows that the other lacks."""
    n_rows = max(len(first.rows), len(second.rows))
    pairs = zip(_filled(first.rows, second.rows, n_rows), _filled(second.rows, first.rows, n_rows), strict=True)
    rows = [[_agreed(*cells) for cells in zip(*lines, strict=False)] for lines in pairs]
    return replace(first, rows=rows)


def _filled(rows: Sequence[list[Cell]], others: Sequence[list[Cell]], n_rows: int) -> list[list[Cell]]:
    return [*rows, *([Cell(cell.box) for cell in row] for row in others[len(rows) : n_rows])]


def _agreed(cell: Cell, other: Cell) -> Cell:
    if cell.value == other.value or (cell.number is not None and cell.number == other.number):
        if cell.accepted or not other.accepted:
            return cell
        return replace(other, box=cell.box, index=cell.index)
    best, rest = (cell, other) if cell.confidence >= other.confidence else (other, cell)
    options = [(rest.value, rest.confidence), *(each for each in best.options if each[0] != rest.value)]
    reason = f"{cell.value or 'nothing'} in one photo, {other.value or 'nothing'} in the other"
    return replace(best, box=cell.box, index=cell.index, accepted=False, reason=reason, options=options)
