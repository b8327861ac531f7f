"""How a page that was read lies in its picture: smaller, turned, or laid over a form.

Upright(scale=2.0, turns=1, size=(480, 640)).box((10, 20, 30, 40))
"""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.geometry import Box
from tendigits.numbers.decode import Edges


class Position(Protocol):
    """Converts boxes of a page to boxes of its picture."""

    def box(self, edges: Edges) -> Box:
        """A box in pixels of the picture."""


@dataclass(frozen=True)
class Upright:
    """The whole picture, perhaps turned."""

    scale: float
    """Pixels of the picture for each of the page."""
    turns: int
    """Quarter turns to the left that made it upright."""
    size: tuple[int, int]
    """Width and height of the picture, upright."""

    def box(self, edges: Edges) -> Box:
        """See `Position`."""
        return Box(*(round(self.scale * edge) for edge in edges)).turned(self.turns, self.size)


@dataclass(frozen=True, eq=False)
class OnForm:
    """A picture that was laid over a form."""

    scale: float
    """Pixels of the picture for each of the page as it was opened."""
    back: NDArray[np.float64]
    """float64 (3, 3): from the form to the page, a homography."""

    def box(self, edges: Edges) -> Box:
        """See `Position`: the upright box around a box of the form."""
        left, top, right, bottom = edges
        corners = np.array([[[left, top], [right, top], [right, bottom], [left, bottom]]], np.float64)
        seen = cv2.perspectiveTransform(corners, self.back)[0] * self.scale
        return Box(*(round(edge) for edge in (*seen.min(axis=0).tolist(), *seen.max(axis=0).tolist())))
