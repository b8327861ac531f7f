"""The network for single digits looks at each character that the line network found.

crops = crops_of(foreground, boxes)         # uint8 (n, 28, 28), like MNIST's digits
shares = shares_of(network, crops, hurried) # float32 (n, 10)
beside = strokes_beside(foreground, boxes, 26.0)
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tendigits.data.preprocess import FIELD, to_mnist
from tendigits.digits.network import Network
from tendigits.digits.segment import WEAK, find_components
from tendigits.numbers.decode import Edges

Grey = NDArray[np.uint8]

AROUND = 1
"""Pixels around a character's box that may belong to it."""

NEIGHBOUR = 0.1
"""Of the largest part's area: smaller parts in a box are ends of the neighbours' strokes."""


CLOSE = 0.4
"""Of a digit's height: strokes this close to a number may belong to it."""


def crops_of(foreground: Grey | None, boxes: Sequence[Edges]) -> NDArray[np.uint8]:
    """Crop characters out of a line.

    Args:
        foreground: of the line, uint8 (height, width), as `find_foreground` gives it.
        boxes: left, top, right, bottom of each character.

    Returns:
        uint8 (n, 28, 28), white on black; all zeros where nothing is seen.
    """
    crops = np.zeros((len(boxes), FIELD, FIELD), np.uint8)
    if foreground is None:
        return crops
    height, width = foreground.shape
    for crop, (left, top, right, bottom) in zip(crops, boxes, strict=True):
        rows = slice(max(0, round(top) - AROUND), min(height, round(bottom) + AROUND))
        columns = slice(max(0, round(left) - AROUND), min(width, round(right) + AROUND))
        crop[:] = to_mnist(_without_neighbours(np.ascontiguousarray(foreground[rows, columns])))
    return crops


def shares_of(network: Network, crops: NDArray[np.uint8], hurried: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The probability of each digit, float32 (n, 10), in crops, uint8 (n, 28, 28).

    Hurried ones are of numbers that were seen only once, and aren't accepted anyway: they aren't turned as well.
    """
    shares = np.zeros((len(crops), 10), np.float32)
    for asked, chosen in ((network, ~hurried), (replace(network, turn=0.0), hurried)):
        predictions = asked(crops[chosen])
        shares[chosen] = predictions.digits * predictions.is_digit[:, None]
    return shares


def strokes_beside(foreground: Grey | None, boxes: Sequence[Edges], digit_height: float) -> float:
    """The area of strokes at the height of a number, within it or close to it, that belong to none of its characters.

    Returns:
        In squares of a digit's height.
    """
    if foreground is None or not boxes:
        return 0.0
    edges = np.array(boxes)
    room = CLOSE * digit_height
    left, right = max(0, round(edges[:, 0].min() - room)), round(edges[:, 2].max() + room)
    top, bottom = max(0, round(np.median(edges[:, 1]))), max(1, round(np.median(edges[:, 3])))
    mask = foreground >= WEAK
    for box in np.round(edges).astype(int):
        mask[max(0, box[1] - AROUND) : box[3] + AROUND, max(0, box[0] - AROUND) : box[2] + AROUND] = False
    return float(mask[top:bottom, left:right].sum()) / digit_height**2


def _without_neighbours(cut: Grey) -> Grey:
    if not cut.size:
        return np.zeros((1, 1), np.uint8)
    components = find_components(cut)
    if len(components.all) < 2:
        return cut
    most = max(component.area for component in components.all)
    kept = [part for component in components.all if component.area >= NEIGHBOUR * most for part in component.parts]
    return np.where(np.isin(components.labels, kept), cut, 0).astype(np.uint8)
