"""From where numbers stand in a table to its cells.

table = table_of(layout, lines, position)
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tendigits.geometry import Box
from tendigits.read.position import Position
from tendigits.read.results import Number
from tendigits.tables.layout import Layout
from tendigits.tables.table import Cell, Table


def table_of(layout: Layout, lines: Sequence[Number], position: Position) -> Table:
    """Make a table of lines, to which a layout's cells refer."""
    corners = layout.corners
    boxes = np.concatenate([corners.min(axis=2), corners.max(axis=2)], axis=2).tolist()
    cells = [
        [cell_of(position.box(edges), layout.cells.get((row, column), []), lines) for column, edges in enumerate(line)]
        for row, line in enumerate(boxes)
    ]
    for row, column in layout.unread:
        cells[row][column] = replace(cells[row][column], confidence=0.0, accepted=False, reason="could not be read")
    return Table(cells, ruled=layout.ruled)


def cell_of(box: Box, found: Sequence[int], lines: Sequence[Number]) -> Cell:
    """Make a cell of those lines of a page that stand in it."""
    if not found:
        return Cell(box)
    line = lines[found[0]]
    if len(found) > 1:
        value = " ".join(lines[i].value for i in found)
        confidence = min(lines[i].confidence for i in found)
        return Cell(
            box, value, None, confidence, False, f"holds {len(found)} numbers", index=found[0], picture=line.strip
        )
    return Cell(
        box, line.value, line.number, line.confidence, line.accepted, line.reason, line.options, found[0], line.strip
    )
