"""The characters of a number as crops, and the strokes around them.

crops = crop_characters(foreground, boxes)      # uint8 (n, 28, 28), like MNIST's digits
ink = stray_ink(foreground, boxes, 26.0)        # strokes that belong to no character
"""

from collections.abc import Sequence

import numpy as np

from tendigits.data.preprocess import FIELD, to_mnist
from tendigits.digits.foreground import median
from tendigits.digits.segment import WEAK, find_components
from tendigits.numbers.decode import Edges
from tendigits.pictures.image import Grey

BOX_MARGIN_PX = 1  # pixels around a character's box that may still belong to it
MIN_PART_AREA = 0.1  # of the largest part's area: smaller parts in a box are the ends of the neighbours' strokes
MAX_STRAY_DISTANCE = 0.4  # digit heights: strokes this close to a number may belong to it


def crop_characters(foreground: Grey | None, boxes: Sequence[Edges]) -> Grey:
    """Crop characters out of the foreground of a strip, uint8 (height, width).

    Returns uint8 (n, 28, 28), white on black; all zeros where there is no foreground.
    """
    crops = np.zeros((len(boxes), FIELD, FIELD), np.uint8)
    if foreground is None:
        return crops
    for crop, box in zip(crops, boxes, strict=True):
        crop[:] = to_mnist(_without_neighbours(np.ascontiguousarray(foreground[_around(box)])))
    return crops


def stray_ink(foreground: Grey | None, boxes: Sequence[Edges], digit_height: float) -> float:
    """The area of strokes in or next to a number that belong to none of its characters, in squared digit heights."""
    if foreground is None or not boxes:
        return 0.0
    edges = np.array(boxes)
    margin = MAX_STRAY_DISTANCE * digit_height
    left, right = max(0, round(edges[:, 0].min() - margin)), round(edges[:, 2].max() + margin)
    top, bottom = max(0, round(median(edges[:, 1]))), max(1, round(median(edges[:, 3])))
    mask = foreground >= WEAK
    for box in boxes:
        mask[_around(box)] = False
    return float(mask[top:bottom, left:right].sum()) / digit_height**2


def _around(box: Edges) -> tuple[slice, slice]:
    """The rows and columns of a character's box, and of a margin around it."""
    left, top, right, bottom = map(round, box)
    rows = slice(max(0, top - BOX_MARGIN_PX), bottom + BOX_MARGIN_PX)
    return rows, slice(max(0, left - BOX_MARGIN_PX), right + BOX_MARGIN_PX)


def _without_neighbours(crop: Grey) -> Grey:
    if not crop.size:
        return np.zeros((1, 1), np.uint8)
    components = find_components(crop)
    if len(components.all) < 2:
        return crop
    largest = max(component.area for component in components.all)
    kept = [part for each in components.all if each.area >= MIN_PART_AREA * largest for part in each.parts]
    return np.where(np.isin(components.labels, kept), crop, 0).astype(np.uint8)
