"""Open pictures, and locate the digit in a picture of one: grey pixels -> foreground -> connected components.

found = find_digit("seven.png")         # its 28x28 crop and its box
grey, size = open_page("page.jpg")
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.data.preprocess import FIELD, to_mnist
from tendigits.digits.foreground import find_foreground, shrink
from tendigits.digits.segment import find_components, has_others, main_component
from tendigits.digits.thumbnail import Thumbnail
from tendigits.geometry import Box
from tendigits.pictures.image import open_image

Grey = NDArray[np.uint8]

PAGE_SIDE = 2048  # pixels: a page is shrunk to this longest side
DIGIT_SIDE = 160  # pixels: a picture of one digit is shrunk to this longest side
SMALL_SIDE = 64  # pixels: a picture with a smaller longest side is enlarged


@dataclass(frozen=True, eq=False)
class Found:
    """The digit in a picture of one digit."""

    crop: Grey  # uint8 (28, 28), white on black; all zeros if nothing was found
    box: Box
    size: tuple[int, int]  # width and height of the picture
    alone: bool = True  # whether nothing as high stands next to it
    thumbnail: Thumbnail | None = None


def find_digit(image: Any) -> Found:
    """Find the digit in a picture of one digit. Raises DataError if the picture is damaged or too large."""
    grey, size = _open(image, DIGIT_SIDE)
    foreground, thumbnail = find_foreground(grey), Thumbnail.of(grey, size)
    if foreground is not None:
        components = find_components(foreground)
        if (digit := main_component(components)) is not None:
            crop, box = to_mnist(components.cut(digit)), digit.box.scaled(size[0] / grey.shape[1])
            return Found(crop, box, size, not has_others(components, digit), thumbnail)
    return Found(np.zeros((FIELD, FIELD), np.uint8), Box(0, 0, *size), size, thumbnail=thumbnail)


def open_page(image: Any, page: int = 1) -> tuple[Grey, tuple[int, int]]:
    """Open a page of a document or a picture: uint8 (height, width), shrunk to PAGE_SIDE, and its width and height.

    Raises DataError if it is damaged or too large.
    """
    return _open(image, PAGE_SIDE, page)


def _open(image: Any, side: int, page: int = 1) -> tuple[Grey, tuple[int, int]]:
    """Grey pixels, shrunk to this longest side, and the picture's width and height.

    A tiny picture is enlarged, so that thin strokes stay connected.
    """
    opened = open_image(image, side, page)
    grey, longest = shrink(opened.grey, side), max(opened.grey.shape)
    if longest < SMALL_SIDE:
        times = -(-SMALL_SIDE // longest)
        grey = cv2.resize(grey, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return grey, opened.size
