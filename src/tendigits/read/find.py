"""Locate digits in a picture, without a network: grey pixels -> foreground -> connected components.

found = find_digit("seven.png")         # one digit: its 28x28 crop and its box
page = find_page("page.jpg")            # components in lines, in reading order
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.data.image import open_image
from tendigits.data.preprocess import FIELD, to_mnist
from tendigits.read.foreground import find_foreground
from tendigits.read.lines import find_lines, median_digit_height
from tendigits.read.ruled_lines import remove_ruled_lines
from tendigits.read.segment import Box, Component, Components, find_components, main_component, scaled
from tendigits.read.sheet import crop_to_sheet

Grey = NDArray[np.uint8]

PAGE_SIDE = 2048
"""Pixels: a page is shrunk to this longest side."""

DIGIT_SIDE = 160
"""Pixels: a picture of one digit is shrunk to this longest side."""

SMALL_SIDE = 64
"""Pixels: a picture with a smaller longest side is enlarged."""

LONG_RULED_LINE = 0.4
"""Share of the picture's longer side: printed lines this long are removed before the digit height is known."""


@dataclass(frozen=True, eq=False)
class Found:
    """The digit in a picture of one digit."""

    crop: Grey
    """uint8 (28, 28), white on black; all zeros if nothing was found."""
    box: Box
    size: tuple[int, int]
    """Width and height of the picture."""


def find_digit(image: Any) -> Found:
    """Find the digit in a picture of one digit.

    Raises:
        DataError: the picture is damaged or too large.
    """
    grey, size = _open(image, DIGIT_SIDE)
    foreground = find_foreground(grey)
    if foreground is not None:
        components = find_components(foreground)
        if (component := main_component(components)) is not None:
            return Found(to_mnist(components.cut(component)), scaled(component.box, size[0] / grey.shape[1]), size)
    return Found(np.zeros((FIELD, FIELD), np.uint8), Box(0, 0, *size), size)


@dataclass(frozen=True, eq=False)
class FoundPage:
    """What may be digits on a page."""

    components: Components
    lines: list[list[Component]]
    """From top to bottom, each from left to right."""
    digit_height: float
    """Height of a digit, in pixels of `components`."""
    scale: float
    """Pixels of the picture per pixel of `components`."""
    corner: tuple[int, int]
    """Left and top of `components` in the picture, in pixels of `components`."""
    size: tuple[int, int]
    """Width and height of the picture."""

    def in_picture(self, box: Box) -> Box:
        """Convert a box of `components` to pixels of the picture."""
        left, top = self.corner
        return scaled(Box(box.left + left, box.top + top, box.right + left, box.bottom + top), self.scale)


def find_page(image: Any) -> FoundPage:
    """Find what may be digits on a page.

    Raises:
        DataError: the picture is damaged or too large.
    """
    grey, size = _open(image, PAGE_SIDE)
    scale = size[0] / grey.shape[1]
    grey, *corner = crop_to_sheet(grey)
    foreground = find_foreground(grey)
    if foreground is None:
        return FoundPage(find_components(np.zeros_like(grey)), [], 0.0, scale, (corner[0], corner[1]), size)
    foreground = remove_ruled_lines(foreground, max(60, round(LONG_RULED_LINE * max(foreground.shape))))
    digit_height = median_digit_height(find_components(foreground).all)
    components = find_components(remove_ruled_lines(foreground, max(40, round(3 * digit_height))))
    return FoundPage(components, find_lines(components.all), digit_height, scale, (corner[0], corner[1]), size)


def _open(image: Any, side: int) -> tuple[Grey, tuple[int, int]]:
    """Grey pixels, shrunk to this longest side, and the picture's width and height.

    A tiny picture is enlarged, so that thin strokes stay connected.
    """
    opened = open_image(image, side=side)
    grey = opened.grey
    longest = max(grey.shape)
    if longest > side:
        shape = max(1, round(grey.shape[1] * side / longest)), max(1, round(grey.shape[0] * side / longest))
        grey = cv2.resize(grey, shape, interpolation=cv2.INTER_AREA)
    elif longest < SMALL_SIDE:
        times = -(-SMALL_SIDE // longest)
        grey = cv2.resize(grey, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return grey, opened.size
