"""Open pictures, and find the digit in a picture of one: grey pixels -> foreground -> connected components.

found = find_digit("seven.png")                             # its 28x28 crop and its box
grey, size = open_page("page.jpg")
Thumbnail.of(grey, size=(3024, 4032)).data_uri()            # a small copy, for a notebook
"""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from tendigits.data.preprocess import FIELD, to_mnist
from tendigits.digits.foreground import find_foreground, shrink
from tendigits.digits.segment import find_components, has_others, main_component
from tendigits.geometry import Box
from tendigits.pictures.image import Grey, open_image

PAGE_SIDE = 3072  # pixels: a page is shrunk to this longest side; digits 2 mm high on A4 have 20 then
DIGIT_SIDE = 160  # pixels: a picture of one digit is shrunk to this longest side
SMALL_SIDE = 64  # pixels: a picture with a smaller longest side is enlarged
THUMBNAIL_SIDE = 1024  # pixels, at most half of a page's, so that shrinking is fast
THUMBNAIL_QUALITY = 85  # of its JPEG, 0 to 100


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A small copy of a picture, for notebooks. It is pickled as None, so that worker processes do not send it."""

    grey: Grey  # uint8 (height, width), at most THUMBNAIL_SIDE
    size: tuple[int, int]  # width and height of the picture

    @classmethod
    def of(cls, grey: Grey, size: tuple[int, int]) -> "Thumbnail":
        """Copy and shrink grey pixels of a picture of this size."""
        small = shrink(grey, THUMBNAIL_SIDE)
        return cls(small.copy() if small is grey else small, size)

    def data_uri(self) -> str:
        """The picture as a data URI, a JPEG."""
        return data_uri(self.grey, "jpeg", cv2.IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()


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
    grey, size = open_page(image, side=DIGIT_SIDE)
    foreground, thumbnail = find_foreground(grey), Thumbnail.of(grey, size)
    if foreground is not None:
        components = find_components(foreground)
        if (digit := main_component(components)) is not None:
            crop, box = to_mnist(components.cut(digit)), digit.box.scaled(size[0] / grey.shape[1])
            return Found(crop, box, size, not has_others(components, digit), thumbnail)
    return Found(np.zeros((FIELD, FIELD), np.uint8), Box(0, 0, *size), size, thumbnail=thumbnail)


def open_page(image: Any, page: int = 1, side: int = PAGE_SIDE) -> tuple[Grey, tuple[int, int]]:
    """Open a page of a document or a picture: uint8 (height, width), shrunk to this side, and its width and height.

    A tiny picture is enlarged, so that thin strokes stay connected. Raises DataError if it is damaged or too large.
    """
    opened = open_image(image, side, page)
    grey, longest = shrink(opened.grey, side), max(opened.grey.shape)
    if longest < SMALL_SIDE:
        times = -(-SMALL_SIDE // longest)
        grey = cv2.resize(grey, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return grey, opened.size


def data_uri(grey: Grey, kind: str, *options: int) -> str:
    """A data URI of a picture, uint8 (height, width), as "png" or "jpeg" with OpenCV's options."""
    data = cv2.imencode(f".{kind}", grey, options)[1].tobytes()
    return f"data:image/{kind};base64,{b64encode(data).decode()}"
