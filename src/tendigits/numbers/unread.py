"""Strokes as high as digits that belong to no number and to no word: perhaps digits that the finder missed.

detections = find_unread_digits(network, grey, numbers)       # `numbers`: the detections that were read
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.digits.foreground import median
from tendigits.digits.network import Network
from tendigits.numbers.characters import crop_characters
from tendigits.numbers.detections import Detection
from tendigits.pictures.image import Grey


@dataclass(frozen=True)
class UnreadDigitOptions:
    """Tolerances; lengths are in heights of the page's digits unless a name ends in _px."""

    # Writing that may be letters or digits.
    max_stroke: float = 0.4  # thickness of its strokes
    min_contrast: float = 0.3  # darkness of its strokes, as a fraction of that of the numbers
    max_straight_stroke: float = 2.0  # a longer straight stroke is a ruled line

    # Digits.
    digit_height_px: float = 24.0  # the page is shrunk until its digits have this height
    min_height: float = 0.6
    max_height: float = 1.6
    max_width: float = 1.3
    number_margin: float = 0.3  # strokes this close to a number belong to it
    min_gap: float = 0.3  # to the next strokes on the same height; in a word they are closer
    min_neighbour_height: float = 0.3  # lower strokes, such as points, are no neighbours
    min_is_digit: float = 0.5  # probability that it is a digit, by the digit network
    max_bar_width: float = 0.45  # an upright stroke, or one that leans, may be a 1
    max_digits: int = 60  # of a page


OPTIONS = UnreadDigitOptions()


def find_unread_digits(network: Network, grey: Grey, numbers: Sequence[Detection]) -> list[Detection]:
    """Find them on a page, uint8 (height, width), on which these numbers were read."""
    height = median([number.height for number in numbers])
    scale = min(1.0, OPTIONS.digit_height_px / height)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    page, digit = np.asarray(small, np.uint8), height * scale
    foreground = find_writing(page, _boxes_of(numbers, scale), digit)
    stats = cv2.connectedComponentsWithStats((foreground > 0).astype(np.uint8), connectivity=8)[2]
    left, top, across, down, _ = stats[1:].T.astype(np.float64)
    boxes = np.stack([left, top, left + across, top + down], axis=1)
    boxes = boxes[boxes[:, 3] - boxes[:, 1] >= OPTIONS.min_neighbour_height * digit]
    width, height_px = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    is_digit_sized = (OPTIONS.min_height * digit <= height_px) & (height_px <= OPTIONS.max_height * digit)
    is_digit_sized &= width <= OPTIONS.max_width * digit
    x, y = ((boxes[:, :2] + boxes[:, 2:]) / 2).astype(np.int64).T
    is_unread = _area_of(numbers, scale, page.shape)[y, x] == 0
    candidates = np.flatnonzero(is_digit_sized & is_unread)[: OPTIONS.max_digits]
    if not len(candidates):
        return []
    crops = crop_characters(foreground, [tuple(box) for box in boxes[candidates].tolist()])
    is_bar = width[candidates] <= OPTIONS.max_bar_width * digit  # a 1, which the digit network may take for a line
    found = candidates[is_bar | (network(crops).is_digit >= OPTIONS.min_is_digit)]
    others = boxes[np.setdiff1d(np.flatnonzero(is_unread), found)]  # next to one of these, it is a letter
    digits = boxes[found[~_has_neighbour(boxes[found], others, OPTIONS.min_gap * digit)]] / scale
    angle = median([number.angle for number in numbers])
    return [
        Detection((left + right) / 2, (top + bottom) / 2, angle, right - left, bottom - top, 0.0)
        for left, top, right, bottom in digits.tolist()
    ]


def find_writing(page: Grey, numbers: NDArray[np.int64], digit: float) -> Grey:
    """Strokes that are almost as dark as those of numbers, without ruled lines: uint8 (height, width), 0 is paper.

    Args:
        page: uint8 (height, width).
        numbers: int64 (n, 4), left, top, right and bottom of each.
        digit: height of a digit in pixels.
    """
    width = max(3, round(OPTIONS.max_stroke * digit)) | 1
    darkness = cv2.morphologyEx(page, cv2.MORPH_CLOSE, np.ones((width, width), np.uint8)) - page
    crops = [darkness[max(0, top) : bottom, max(0, left) : right] for left, top, right, bottom in numbers.tolist()]
    of_numbers = median([np.percentile(crop, 95) for crop in crops if crop.size] or [0.0])
    strokes = (darkness >= max(OPTIONS.min_contrast * of_numbers, 1.0)).astype(np.uint8)
    length = round(OPTIONS.max_straight_stroke * digit)
    ruled = np.zeros_like(strokes)  # in both directions, before the lines of one cut those of the other into pieces
    for line, across in (((1, length), (3, 1)), ((length, 1), (1, 3))):
        thick = cv2.dilate(strokes, np.ones(across, np.uint8))
        ruled |= cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones(line, np.uint8))
    strokes[cv2.dilate(ruled, np.ones((3, 3), np.uint8)) > 0] = 0
    foreground: Grey = np.clip(darkness * (255 / max(of_numbers, 1.0)), 0, 255).astype(np.uint8) * strokes
    return foreground


def _boxes_of(numbers: Sequence[Detection], scale: float) -> NDArray[np.int64]:
    """Upright boxes around numbers, on a shrunk page."""
    boxes: NDArray[np.int64] = np.round(np.array([number.edges for number in numbers]) * scale).astype(np.int64)
    return boxes


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
    has_neighbour: NDArray[np.bool_] = is_near.any(axis=1)
    return has_neighbour
