"""Ink -> blobs: connected ink that may be digits or parts of them.

blobs = find_blobs(ink)                 # without specks
blob = main_blob(blobs)                 # of a picture of one digit: the digit with its detached strokes
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Labels = NDArray[np.int32]

WEAK, STRONG = 80, 140
"""Of 255: ink is what is at least weak and connected with something strong."""

MAX_BLOBS = 4000
"""The largest so many are looked at: a page of gravel has an end."""


class Box(NamedTuple):
    """A rectangle in pixels; right and bottom are just outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    def join(self, other: "Box") -> "Box":
        """The smallest box around both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def gap(self, other: "Box") -> int:
        """The free pixels between both, along the axis where they are further apart; 0 or less where they touch."""
        across = max(self.left, other.left) - min(self.right, other.right)
        down = max(self.top, other.top) - min(self.bottom, other.bottom)
        return max(across, down)


@dataclass(frozen=True)
class Blob:
    """Connected ink, or several parts of it that belong together."""

    box: Box
    area: int
    """Pixels of ink."""
    parts: tuple[int, ...]
    """Its labels in `Blobs.labels`."""

    def join(self, other: "Blob") -> "Blob":
        """Both as one."""
        return Blob(self.box.join(other.box), self.area + other.area, self.parts + other.parts)


@dataclass(frozen=True, eq=False)
class Blobs:
    """All blobs of a picture."""

    ink: Grey
    labels: Labels
    """int32 as large as the ink: which part each pixel belongs to; 0 is none."""
    all: list[Blob]

    def cut(self, blob: Blob) -> Grey:
        """The ink in a blob's box, without what else reaches into it: uint8 (height, width) of the box."""
        box = blob.box
        region = np.s_[box.top : box.bottom, box.left : box.right]
        labels = self.labels[region]
        own = labels == blob.parts[0] if len(blob.parts) == 1 else np.isin(labels, blob.parts)
        # With the pale edge of the stroke, which is below WEAK, and without the others'.
        kept = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)) * (own | (labels == 0))
        cut: Grey = self.ink[region] * kept
        return cut


def find_blobs(ink: Grey) -> Blobs:
    """The connected parts of the ink, without specks."""
    mask = (ink >= WEAK).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    strong = np.zeros(count, bool)
    strong[labels[ink >= STRONG]] = True
    strong[0] = False
    wanted = np.flatnonzero(strong)
    if len(wanted) > MAX_BLOBS:
        wanted = wanted[np.argsort(-stats[wanted, cv2.CC_STAT_AREA], kind="stable")[:MAX_BLOBS]]
    blobs = []
    for label in wanted.tolist():
        left, top, width, height, area = stats[label].tolist()
        blobs.append(Blob(Box(left, top, left + width, top + height), area, (label,)))
    return Blobs(ink, labels, blobs)


def main_blob(blobs: Blobs) -> Blob | None:
    """The digit in a picture of one digit: the weightiest blob, with what belongs to it.

    What touches the border weighs less: it is the end of a neighbour's stroke, or the box that the digit stands in.
    """
    if not blobs.all:
        return None
    height, width = blobs.ink.shape
    heart = max(blobs.all, key=lambda blob: 0.0 if _is_frame(blobs, blob) else _weight(blob, width, height))
    size = max(heart.box.height, heart.box.width)
    digit = heart
    for blob in sorted((b for b in blobs.all if b is not heart), key=lambda b: b.box.gap(heart.box)):
        foreign = touches_border(blob.box, width, height) and not _belongs(blob.box, digit.box)
        if foreign or _is_rule(blob.box, width, height) or _is_frame(blobs, blob):
            continue
        stroke = blob.area >= 0.01 * heart.area and blob.box.gap(digit.box) <= 0.2 * size
        another = blob.area >= 0.4 * heart.area and blob.box.gap(digit.box) <= 1.5 * size
        if stroke or another:  # with another digit it is none, and shall look like none
            digit = digit.join(blob)
    return digit


def _belongs(part: Box, digit: Box) -> bool:
    """A stroke at the edge of the picture that is the digit's own: it stands over, under or within it."""
    across = min(part.right, digit.right) - max(part.left, digit.left)
    down = min(part.bottom, digit.bottom) - max(part.top, digit.top)
    near = part.gap(digit) <= 0.12 * max(digit.width, digit.height)
    return near and max(across / part.width, down / part.height) > 0.4


def touches_border(box: Box, width: int, height: int) -> bool:
    """Whether a box reaches the edge of the picture."""
    return box.left <= 0 or box.top <= 0 or box.right >= width or box.bottom >= height


def _is_rule(box: Box, width: int, height: int) -> bool:
    """Long, thin and at the edge of the picture: a side of the box that the digit stands in."""
    across = box.width > 0.6 * width and box.height < 0.12 * height
    down = box.height > 0.6 * height and box.width < 0.12 * width
    edge_across = box.top < 0.12 * height or box.bottom > 0.88 * height
    edge_down = box.left < 0.12 * width or box.right > 0.88 * width
    return (across and edge_across) or (down and edge_down)


def _is_frame(blobs: Blobs, blob: Blob) -> bool:
    """A printed box: its ink lies along the four sides, and something stands within."""
    box = blob.box
    height, width = blobs.ink.shape
    if box.width < 0.3 * width or box.height < 0.3 * height or blob.area > 0.35 * box.width * box.height:
        return False
    inner = [b for b in blobs.all if b is not blob and _lies_in(b.box, box) and b.box.height > 0.25 * box.height]
    if not inner:
        return False
    own = np.isin(blobs.labels[box.top : box.bottom, box.left : box.right], blob.parts)
    across, down = max(1, round(0.15 * box.width)), max(1, round(0.15 * box.height))
    return float(own[down:-down, across:-across].sum()) < 0.05 * blob.area


def _lies_in(inner: Box, outer: Box) -> bool:
    return (
        inner.left > outer.left and inner.top > outer.top and inner.right < outer.right and inner.bottom < outer.bottom
    )


def _weight(blob: Blob, width: int, height: int) -> float:
    box = blob.box
    if _is_rule(box, width, height):
        return 0.0
    x, y = (box.left + box.right) / 2 / width - 0.5, (box.top + box.bottom) / 2 / height - 0.5
    central = 1.0 - 1.2 * max(abs(x), abs(y))
    return blob.area * central * (0.25 if touches_border(box, width, height) else 1.0)


def moved(box: Box, scale: float) -> Box:
    """A box in the pixels of the whole picture, of which this one is `1 / scale`."""
    return Box(*(round(edge * scale) for edge in box))
