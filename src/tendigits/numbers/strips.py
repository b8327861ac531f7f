"""Cut numbers out of a page, upright and of one height, and convert boxes back to the page.

pyramid = Pyramid(grey)
strip = cut(pyramid, place)             # strip.picture: uint8 (40, width), digits about 26 pixels high
left, top, right, bottom = strip.in_picture((12, 7, 28, 33))
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.numbers.decode import HEIGHT, Edges
from tendigits.numbers.finder import Detection
from tendigits.numbers.network import GRID

Grey = NDArray[np.uint8]

DIGIT = 26.0
"""Pixels: height of a digit in a strip of scale 1."""

MARGIN = 0.8
"""Of a digit's height: what is cut out on both sides of a number."""

WIDEST = 4096
"""Pixels: a longer strip is cut off; it would hold more than a hundred digits."""


@dataclass(frozen=True)
class Look:
    """How a number is cut out."""

    scale: float = 1.0
    """1 makes digits DIGIT pixels high; a smaller one shows more of what is around them."""
    stretch: float = 1.0
    """How much wider digits are made than they are."""
    lean: float = 0.0
    """How far strokes are leant to the right: pixels for each pixel up."""


@dataclass(frozen=True, eq=False)
class Strip:
    """A number cut out of a page."""

    picture: Grey
    """uint8 (40, width); the width is a multiple of 4."""
    matrix: NDArray[np.float64]
    """float64 (2, 3): from pixels of the strip to pixels of the page."""
    ends: tuple[float, float]
    """Where the number begins and ends, in pixels of the strip."""

    def in_picture(self, box: Edges) -> Edges:
        """The upright box, in pixels of the page, around a box of the strip."""
        left, top, right, bottom = box
        corners = np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1]]) @ self.matrix.T
        (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return x0, y0, x1, y1

    def in_strip(self, box: Edges, other: "Strip") -> Edges:
        """The box in another strip of the same direction, of the same size on the page."""
        left, top, right, bottom = box
        middle = self.matrix @ [(left + right) / 2, (top + bottom) / 2, 1]
        x, y = (other._inverse @ (middle - other.matrix[:, 2])).tolist()
        (across, down), (others_across, others_down) = self._units, other._units
        width, height = (right - left) * across / others_across, (bottom - top) * down / others_down
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2

    @cached_property
    def _inverse(self) -> NDArray[np.float64]:
        """float64 (2, 2): from steps on the page to steps in the strip."""
        return np.linalg.inv(self.matrix[:, :2]).astype(np.float64)

    @cached_property
    def _units(self) -> tuple[float, float]:
        """The width and the height of a pixel, in pixels of the page."""
        width = float(np.hypot(*self.matrix[:, 0]))
        return width, abs(float(np.linalg.det(self.matrix[:, :2]))) / width


class Pyramid:
    """A page and copies of half its size, a quarter, ..., so that large numbers are shrunk without aliasing."""

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


def width_of(place: Detection, look: Look = Look()) -> int:
    """How many pixels wide the strip of a number is."""
    length = (place.length + 2 * MARGIN * place.height) / _unit(place, look) * look.stretch
    return min(WIDEST, GRID * max(6, round(length / GRID)))


def _unit(place: Detection, look: Look) -> float:
    """Pixels of the page for one of the strip."""
    return place.height / (DIGIT * look.scale)


def cut(pyramid: Pyramid, place: Detection, look: Look = Look()) -> Strip:
    """Cut a number out."""
    unit, width = _unit(place, look), width_of(place, look)
    axis = np.array([np.cos(place.angle), np.sin(place.angle)])
    across, down = unit / look.stretch * axis, unit * (np.array([-axis[1], axis[0]]) + look.lean * axis)
    matrix = np.stack([across, down, [place.x, place.y] - across * width / 2 - down * HEIGHT / 2], axis=1)
    copy, size = pyramid.at(unit)
    picture = cv2.warpAffine(
        copy, _of_centres(matrix * size), (width, HEIGHT),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    half = place.length / unit * look.stretch / 2
    return Strip(picture, matrix, (width / 2 - half, width / 2 + half))


def _of_centres(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same map for OpenCV, which gives a pixel's middle the coordinates 0, 0 where we give it 0.5, 0.5."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    return moved
