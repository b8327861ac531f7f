"""Crop numbers out of a page into strips: upright, 40 pixels high; and map boxes back to the page.

pyramid = ImagePyramid(grey)
strip = crop_strip(pyramid, detection)  # strip.picture: uint8 (40, width), digits about 26 pixels high
left, top, right, bottom = strip.in_picture([(12, 7, 28, 33)])[0]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.digits.foreground import find_foreground
from tendigits.numbers.decode import HEIGHT, Candidate, Edges
from tendigits.numbers.detections import Detection
from tendigits.numbers.network import GRID
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.pictures.image import Grey

DIGIT_HEIGHT_PX = 26.0  # height of a digit in a strip
SIDE_MARGIN = 0.8  # digit heights: how much of the surroundings a strip shows on both sides of a number
MAX_RULE_SLOPE = 0.2  # columns for each row of a strip: a ruled line that leans more is a stroke
MAX_RULE_GAP = 0.2  # of a strip's height: by so much a ruled line may end before the strip's edge
MIN_WIDTH_PX = 24
MAX_WIDTH_PX = 4096  # a longer strip is truncated; it would hold more than a hundred digits


@dataclass(frozen=True, eq=False)
class Strip:
    """A number cropped out of a page."""

    picture: Grey  # uint8 (40, width); the width is a multiple of 4
    matrix: NDArray[np.float64]  # float64 (2, 3): from pixels of the strip to pixels of the page
    ends: tuple[float, float]  # where the number begins and ends, in pixels of the strip

    def in_picture(self, boxes: Sequence[Edges] | NDArray[np.floating]) -> NDArray[np.float64]:
        """The upright boxes, in pixels of the page, around boxes of the strip: float64 (n, 4) for n of them."""
        edges = np.array(boxes, np.float64).reshape(-1, 4)
        x, y = edges[:, [0, 2, 2, 0]], edges[:, [1, 1, 3, 3]]
        corners = self.matrix[:, 0] * x[..., None] + self.matrix[:, 1] * y[..., None] + self.matrix[:, 2]
        return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)

    def holds(self, box: Edges) -> bool:
        """Whether a character with this box belongs to the number, and not to its neighbour."""
        margin = DEFAULT_OPTIONS.max_outside * DIGIT_HEIGHT_PX
        return self.ends[0] - margin <= (box[0] + box[2]) / 2 <= self.ends[1] + margin

    def in_strip(self, box: Edges, other: "Strip") -> Edges:
        """The box in another strip of the same direction; it has the same size on the page."""
        left, top, right, bottom = box
        centre = self.matrix @ [(left + right) / 2, (top + bottom) / 2, 1]
        x, y = (other._inverse @ (centre - other.matrix[:, 2])).tolist()
        (across, down), (other_across, other_down) = self._pixel_size, other._pixel_size
        width, height = (right - left) * across / other_across, (bottom - top) * down / other_down
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2

    @cached_property
    def foreground(self) -> Grey | None:
        """uint8 (40, width): 0 paper, 255 stroke; None for a blank picture."""
        return find_foreground(self.picture)

    @cached_property
    def _inverse(self) -> NDArray[np.float64]:
        """float64 (2, 2): from steps on the page to steps in the strip."""
        return np.linalg.inv(self.matrix[:, :2]).astype(np.float64)

    @cached_property
    def _pixel_size(self) -> tuple[float, float]:
        """Width and height of a pixel of the strip, in pixels of the page."""
        width = float(np.hypot(*self.matrix[:, 0]))
        return width, abs(float(np.linalg.det(self.matrix[:, :2]))) / width


@dataclass(frozen=True, eq=False)
class Crop:
    """A strip, and what the number network predicts for it."""

    strip: Strip
    peaks: list[Candidate]
    borders: list[Edges]  # cell borders, in pixels of the strip


class ImagePyramid:
    """A page and its copies at half the size, a quarter, ..., so that large numbers are shrunk without aliasing."""

    def __init__(self, grey: Grey) -> None:
        self._copies = [grey]

    def at(self, shrink: float) -> tuple[Grey, float]:
        """The smallest copy that is at least 1 / shrink of the page's size, and its scale."""
        level = max(0, int(np.floor(np.log2(max(shrink, 1.0)))))
        while len(self._copies) <= level and min(self._copies[-1].shape) > 1:
            last = self._copies[-1]
            size = max(1, last.shape[1] // 2), max(1, last.shape[0] // 2)
            self._copies.append(cv2.resize(last, size, interpolation=cv2.INTER_AREA))
        level = min(level, len(self._copies) - 1)
        return self._copies[level], self._copies[level].shape[1] / self._copies[0].shape[1]


def strip_width(detection: Detection) -> int:
    """Width of the strip of a number, in pixels."""
    margins = 2 * SIDE_MARGIN * detection.height
    width = (detection.length / detection.stretch + margins) / _scale(detection)
    return min(MAX_WIDTH_PX, max(MIN_WIDTH_PX, GRID * round(width / GRID)))


def crop_strip(pyramid: ImagePyramid, detection: Detection) -> Strip:
    """Crop a number."""
    scale, width = _scale(detection), strip_width(detection)
    axis = np.array([np.cos(detection.angle), np.sin(detection.angle)])
    across, down = scale * detection.stretch * axis, scale * np.array([-axis[1], axis[0]])
    origin = [detection.x, detection.y] - across * width / 2 - down * HEIGHT / 2
    matrix = np.stack([across, down, origin], axis=1)
    copy, size = pyramid.at(scale)
    of_copy = matrix * size
    of_copy[:, 2] += of_copy[:, :2] @ [0.5, 0.5] - 0.5  # a pixel's centre is 0, 0 for OpenCV, and 0.5, 0.5 here
    picture = cv2.warpAffine(
        copy, of_copy, (width, HEIGHT),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    half = detection.length / scale / detection.stretch / 2
    return Strip(picture, matrix, (width / 2 - half, width / 2 + half))


def crossings(strips: Sequence[Strip], lines: NDArray[np.float64]) -> list[list[Edges]]:
    """The boxes, in each strip, of those lines of the page that cross it from top to bottom: float64 (n, 4)."""
    if not strips or not len(lines):
        return [[] for _ in strips]
    matrices = np.array([strip.matrix for strip in strips]).reshape(-1, 2, 3)
    inverse, origins = np.linalg.inv(matrices[..., :2])[..., None, None], matrices[..., 2, None, None]
    dx, dy = (lines[:, axis::2] - origins[:, axis] for axis in (0, 1))  # (strips, lines, 2), as all that follows
    x, y = (inverse[:, axis, 0] * dx + inverse[:, axis, 1] * dy for axis in (0, 1))
    is_upright = abs(np.diff(x)) <= MAX_RULE_SLOPE * abs(np.diff(y))
    margin = MAX_RULE_GAP * HEIGHT
    is_across = (y.min(axis=2) <= margin) & (y.max(axis=2) >= HEIGHT - margin)
    at, widths = x.mean(axis=2), np.array([[strip.picture.shape[1]] for strip in strips])
    is_crossing = is_upright[..., 0] & is_across & (at >= 0) & (at < widths)
    return [
        [(x - 0.5, 0.0, x + 0.5, float(HEIGHT)) for x in own[crossing].tolist()]
        for own, crossing in zip(at, is_crossing, strict=True)
    ]


def inner_columns(strip: NDArray[Any]) -> tuple[float, float]:
    """Between which columns the centres of a number's characters lie, in a strip, uint8 (40, width)."""
    edge = (SIDE_MARGIN - DEFAULT_OPTIONS.max_outside) * DIGIT_HEIGHT_PX
    return edge, strip.shape[1] - edge


def _scale(detection: Detection) -> float:
    """Pixels of the page for one pixel of the strip."""
    return detection.height / DIGIT_HEIGHT_PX
