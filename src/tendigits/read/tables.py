"""From where numbers stand in a table to its cells.

table = table_of(layout, lines, position)
"""

from collections.abc import Sequence

from tendigits.digits.segment import Box
from tendigits.read.position import Position
from tendigits.read.results import Line
from tendigits.tables.layout import Layout
from tendigits.tables.table import Cell, Table


def table_of(layout: Layout, lines: Sequence[Line], position: Position) -> Table:
    """Make a table of lines, to which a layout's cells refer."""
    rows, columns = layout.shape
    cells = [[_cell(layout, row, column, lines, position) for column in range(columns)] for row in range(rows)]
    return Table(cells, ruled=layout.ruled)


def _cell(layout: Layout, row: int, column: int, lines: Sequence[Line], position: Position) -> Cell:
    corners = layout.corners(row, column)
    box = position.box((*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()))
    return cell_of(box, layout.cells.get((row, column), []), lines)


def cell_of(box: Box, found: Sequence[int], lines: Sequence[Line]) -> Cell:
    """Make a cell of those lines of a page that stand in it."""
    if not found:
        return Cell(box)
    line = lines[found[0]]
    if len(found) > 1:
        value = " ".join(lines[i].value for i in found)
        confidence = min(lines[i].confidence for i in found)
        return Cell(
            box, value, None, confidence, False, f"holds {len(found)} numbers", line=found[0], picture=line.strip
        )
    return Cell(
        box, line.value, line.number, line.confidence, line.accepted, line.reason, line.options, found[0], line.strip
    )
