"""Cut numbers out of a page, upright and of one height, and convert boxes back to the page.

pyramid = Pyramid(grey)
strip = cut(pyramid, place, scale=1.0)      # strip.picture: uint8 (40, width), digits about 26 pixels high
left, top, right, bottom = strip.in_picture((12, 7, 28, 33))
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.lines.decode import HEIGHT, Edges
from tendigits.lines.finder import Place
from tendigits.lines.network import GRID

Grey = NDArray[np.uint8]

DIGIT = 26.0
"""Pixels: height of a digit in a strip of scale 1."""

MARGIN = 0.8
"""Of a digit's height: what is cut out on both sides of a number."""

WIDEST = 4096
"""Pixels: a longer strip is cut off; it would hold more than a hundred digits."""


@dataclass(frozen=True, eq=False)
class Strip:
    """A number cut out of a page."""

    picture: Grey
    """uint8 (40, width); the width is a multiple of 4."""
    matrix: NDArray[np.float64]
    """float64 (2, 3): from pixels of the strip to pixels of the page."""
    scale: float
    ends: tuple[float, float]
    """Where the number begins and ends, in pixels of the strip."""

    def in_picture(self, box: Edges) -> Edges:
        """The upright box, in pixels of the page, around a box of the strip."""
        return _around(self._corners(box))

    def in_strip(self, box: Edges, other: "Strip") -> Edges:
        """The upright box, in pixels of another strip, around a box of this one."""
        return _around((self._corners(box) - other.matrix[:, 2]) @ np.linalg.inv(other.matrix[:, :2]).T)

    def _corners(self, box: Edges) -> NDArray[np.float64]:
        """A box's corners in pixels of the page: float64 (4, 2)."""
        left, top, right, bottom = box
        corners: NDArray[np.float64] = (
            np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1]]) @ self.matrix.T
        )
        return corners


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


def cut(pyramid: Pyramid, place: Place, scale: float = 1.0) -> Strip:
    """Cut a number out.

    Args:
        scale: 1 makes digits DIGIT pixels high; a smaller one shows more of what is around them.
    """
    unit = place.height / (DIGIT * scale)  # pixels of the page for one of the strip
    width = min(WIDEST, GRID * max(6, round((place.length + 2 * MARGIN * place.height) / unit / GRID)))
    axis = np.array([np.cos(place.angle), np.sin(place.angle)])
    down = np.array([-axis[1], axis[0]])
    corner = np.array([place.x, place.y]) - unit * (axis * width / 2 + down * HEIGHT / 2)
    matrix = np.stack([unit * axis, unit * down, corner], axis=1)
    copy, size = pyramid.at(unit)
    picture = cv2.warpAffine(
        copy, _of_centres(matrix * size), (width, HEIGHT),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    half = place.length / unit / 2
    return Strip(picture, matrix, scale, (width / 2 - half, width / 2 + half))


def _around(points: NDArray[np.float64]) -> Edges:
    """The upright box around points, float64 (n, 2)."""
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return left, top, right, bottom


def _of_centres(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same map for OpenCV, which gives a pixel's middle the coordinates 0, 0 where we give it 0.5, 0.5."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    return moved
