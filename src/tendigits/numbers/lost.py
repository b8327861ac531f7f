"""Strokes as high as digits that stand alone and belong to no number: perhaps digits that the finder missed.

detections = find_lost_digits(network, grey, numbers)       # `numbers`: the detections that were read
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.digits.foreground import find_foreground, median
from tendigits.digits.network import Network
from tendigits.digits.segment import find_components
from tendigits.numbers.detections import Detection
from tendigits.numbers.second_opinion import crop_characters
from tendigits.pictures.image import Grey


@dataclass(frozen=True)
class LostDigitOptions:
    """Tolerances; lengths are in heights of the page's digits unless a name ends in _px."""

    digit_height_px: float = 24.0  # the page is shrunk until its digits have this height
    min_height: float = 0.6
    max_height: float = 1.6
    max_width: float = 1.3
    number_margin: float = 0.3  # strokes this close to a number belong to it
    min_gap: float = 0.3  # to the next strokes on the same height; in a word they are closer
    min_neighbour_height: float = 0.3  # lower strokes, such as points, are no neighbours
    min_is_digit: float = 0.8  # probability that it is a digit, by the digit network
    max_digits: int = 60  # of a page


OPTIONS = LostDigitOptions()


def find_lost_digits(network: Network, grey: Grey, numbers: Sequence[Detection]) -> list[Detection]:
    """Find them on a page, uint8 (height, width), on which these numbers were read."""
    height = median([number.height for number in numbers])
    scale = min(1.0, OPTIONS.digit_height_px / height)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    foreground = find_foreground(np.asarray(small, np.uint8))
    if foreground is None:
        return []
    boxes = np.array([each.box for each in find_components(foreground).all], np.float64).reshape(-1, 4)
    digit = height * scale
    boxes = boxes[boxes[:, 3] - boxes[:, 1] >= OPTIONS.min_neighbour_height * digit]
    width, height_px = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    is_digit_sized = (OPTIONS.min_height * digit <= height_px) & (height_px <= OPTIONS.max_height * digit)
    is_digit_sized &= width <= OPTIONS.max_width * digit
    x, y = ((boxes[:, :2] + boxes[:, 2:]) / 2).astype(np.int64).T
    candidates = np.flatnonzero(is_digit_sized & (_area_of(numbers, scale, foreground.shape)[y, x] == 0))
    alone = candidates[~_has_neighbour(boxes[candidates], boxes, OPTIONS.min_gap * digit)][: OPTIONS.max_digits]
    if not len(alone):
        return []
    predictions = network(crop_characters(foreground, [tuple(box) for box in boxes[alone].tolist()]))
    angle = median([number.angle for number in numbers])
    found = boxes[alone[predictions.is_digit >= OPTIONS.min_is_digit]] / scale
    return [
        Detection((left + right) / 2, (top + bottom) / 2, angle, right - left, bottom - top, 0.0)
        for left, top, right, bottom in found.tolist()
    ]


def _area_of(numbers: Sequence[Detection], scale: float, shape: tuple[int, ...]) -> Grey:
    """A mask of the numbers on a shrunk page, with a margin."""
    mask = np.zeros(shape, np.uint8)
    for number in numbers:
        margin = 2 * OPTIONS.number_margin * number.height
        size = (number.length + margin) * scale, (number.height + margin) * scale
        corners = cv2.boxPoints(((number.x * scale, number.y * scale), size, np.degrees(number.angle)))
        cv2.fillPoly(mask, [corners.round().astype(np.int32)], 1)
    return mask


def _has_neighbour(candidates: NDArray[np.float64], boxes: NDArray[np.float64], gap: float) -> NDArray[np.bool_]:
    """Whether other strokes stand this close to the left or to the right of each candidate: bool (n,)."""
    left, top, right, bottom = candidates.T[..., None]
    is_near = (boxes[:, 0] < right + gap) & (boxes[:, 2] > left - gap)
    is_near &= (boxes[:, 1] < bottom) & (boxes[:, 3] > top)
    has_neighbour: NDArray[np.bool_] = is_near.sum(axis=1) > 1  # itself is one
    return has_neighbour
