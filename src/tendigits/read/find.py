"""Where the digits are in a picture: grey pixels -> ink -> blobs, before any network is asked.

found = find_digit("seven.png")         # one digit: its 28x28 crop and its box
page = find_page("page.jpg")            # blobs in lines, in reading order
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.data.image import open_photo
from tendigits.data.preprocess import FIELD, to_mnist
from tendigits.read.ink import find_ink
from tendigits.read.lines import digit_height, find_lines
from tendigits.read.rules import without_rules
from tendigits.read.segment import Blob, Blobs, Box, find_blobs, main_blob, moved
from tendigits.read.sheet import without_desk

Grey = NDArray[np.uint8]

PAGE_SIDE = 2048
"""Pixels of the longest side that a page is looked at with."""

DIGIT_SIDE = 160
"""The same of a picture of one digit."""

SMALL_SIDE = 64
"""Of one that is smaller it is made larger."""

LONG_RULE = 0.4
"""Of the picture's longer side: printed lines so long are taken out before the height of the digits is known."""


@dataclass(frozen=True, eq=False)
class Found:
    """The digit in a picture of one digit."""

    crop: Grey
    """uint8 (28, 28), white ink on black; all zeros where there is none."""
    box: Box
    size: tuple[int, int]
    """Width and height of the picture."""


def find_digit(image: Any) -> Found:
    """Find the digit in a picture of one.

    Raises:
        DataError: not a whole picture, or one that is too large.
    """
    photo = open_photo(image, side=DIGIT_SIDE)
    grey = _at_least(_at_most(photo.grey, DIGIT_SIDE), SMALL_SIDE)
    scale = photo.size[0] / grey.shape[1]
    ink = find_ink(grey)
    if ink is not None:
        blobs = find_blobs(ink)
        if (blob := main_blob(blobs)) is not None:
            return Found(to_mnist(blobs.cut(blob)), moved(blob.box, scale), photo.size)
    return Found(np.zeros((FIELD, FIELD), np.uint8), Box(0, 0, *photo.size), photo.size)


@dataclass(frozen=True, eq=False)
class FoundPage:
    """What may be digits on a page."""

    blobs: Blobs
    lines: list[list[Blob]]
    """From top to bottom, each from left to right."""
    usual: float
    """Height of a digit, in pixels of `blobs`."""
    scale: float
    """Pixels of the picture in one of `blobs`."""
    corner: tuple[int, int]
    """Left and top of `blobs` in the picture, in pixels of `blobs`."""
    size: tuple[int, int]
    """Width and height of the picture."""

    def place(self, box: Box) -> Box:
        """Where a box of `blobs` is in the picture."""
        left, top = self.corner
        return moved(Box(box.left + left, box.top + top, box.right + left, box.bottom + top), self.scale)


def find_page(image: Any) -> FoundPage:
    """Find what may be digits on a page.

    Raises:
        DataError: not a whole picture, or one that is too large.
    """
    photo = open_photo(image, side=PAGE_SIDE)
    grey = _at_least(_at_most(photo.grey, PAGE_SIDE), SMALL_SIDE)
    scale = photo.size[0] / grey.shape[1]
    grey, *corner = without_desk(grey)
    ink = find_ink(grey)
    if ink is None:
        return FoundPage(find_blobs(np.zeros_like(grey)), [], 0.0, scale, (corner[0], corner[1]), photo.size)
    ink = without_rules(ink, max(60, round(LONG_RULE * max(ink.shape))))
    usual = digit_height(find_blobs(ink).all)
    blobs = find_blobs(without_rules(ink, max(40, round(3 * usual))))
    return FoundPage(blobs, find_lines(blobs.all), usual, scale, (corner[0], corner[1]), photo.size)


def _at_least(grey: Grey, side: int) -> Grey:
    """A tiny picture made larger, so that thin strokes hang together, with paper around it."""
    longest = max(grey.shape)
    if longest >= side:
        return grey
    times = -(-side // longest)
    larger: Grey = cv2.resize(grey, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    return larger


def _at_most(grey: Grey, side: int) -> Grey:
    longest = max(grey.shape)
    if longest <= side:
        return grey
    size = max(1, round(grey.shape[1] * side / longest)), max(1, round(grey.shape[0] * side / longest))
    smaller: Grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return smaller
