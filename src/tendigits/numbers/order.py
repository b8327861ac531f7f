"""The reading order of numbers on a page: rows from top to bottom, each from left to right.

rows = in_rows(places)      # lists of indices
"""

from collections.abc import Sequence

import numpy as np

from tendigits.numbers.finder import Detection

SAME_ROW = 0.6
"""Of a digit's height: the middles of two neighbours in a row are no further apart, across the row."""


def in_rows(places: Sequence[Detection]) -> list[list[int]]:
    """Group numbers into rows.

    A number continues the row of the nearest number to its left that is at the same height, so rows may rise or fall.
    """
    if not places:
        return []
    angle = float(np.median([place.angle for place in places]))
    axis = np.array([np.cos(angle), np.sin(angle)])
    middles = np.array([[place.x, place.y] for place in places])
    along, across = middles @ axis, middles @ np.array([-axis[1], axis[0]])
    rows: list[list[int]] = []
    for i in np.argsort(along, kind="stable").tolist():
        near = [
            (abs(across[i] - across[row[-1]]), row)
            for row in rows
            if abs(across[i] - across[row[-1]]) <= SAME_ROW * min(places[i].height, places[row[-1]].height)
        ]
        if near:
            min(near, key=lambda entry: entry[0])[1].append(i)
        else:
            rows.append([i])
    return sorted(rows, key=lambda row: float(np.median(across[row])))
