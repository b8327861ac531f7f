"""Foreground -> connected components that may be digits or parts of digits.

components = find_components(foreground)    # without specks
digit = main_component(components)          # in a picture of one digit: the digit with its detached strokes
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.geometry import Box
from tendigits.pictures.image import Grey

Labels = NDArray[np.int32]

WEAK = 80  # of 255: pixels from this value on are part of a component
STRONG = 140  # of 255: a component has at least one pixel of this value
MIN_OTHER_HEIGHT = 0.6  # fraction of the digit's height; a lower component is not another digit
MIN_OTHER_AREA = 0.2  # fraction of the digit's area
MIN_OTHER_ASPECT = 0.1  # width divided by height; a narrower component is a line
MAX_COMPONENTS = 4000  # only the largest components of a page are used, so that noise takes bounded time


@dataclass(frozen=True)
class Component:
    """A connected component, or several that belong together."""

    box: Box
    area: int  # pixels
    parts: tuple[int, ...]  # its labels in `Components.labels`


@dataclass(frozen=True, eq=False)
class Components:
    """All components of a picture."""

    foreground: Grey
    labels: Labels  # int32, same shape as the foreground: the part that each pixel belongs to; 0 is background
    all: list[Component]

    def cut(self, component: Component) -> Grey:
        """The foreground in a component's box, without its neighbours: uint8 (height, width) of the box."""
        box = component.box
        region = np.s_[box.top : box.bottom, box.left : box.right]
        labels = self.labels[region]
        own = labels == component.parts[0] if len(component.parts) == 1 else np.isin(labels, component.parts)
        # Keep the pale edge of the stroke, which is below WEAK.
        kept = cv2.dilate(own.astype(np.uint8), np.ones((3, 3), np.uint8)) * (own | (labels == 0))
        cut: Grey = self.foreground[region] * kept
        return cut


def find_components(foreground: Grey) -> Components:
    """Find the connected components of the foreground, without specks."""
    mask = (foreground >= WEAK).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    strong = np.zeros(count, bool)
    strong[labels[foreground >= STRONG]] = True  # the background is weaker
    wanted = np.flatnonzero(strong)
    if len(wanted) > MAX_COMPONENTS:
        wanted = wanted[np.argsort(-stats[wanted, cv2.CC_STAT_AREA], kind="stable")[:MAX_COMPONENTS]]
    components = []
    for label in wanted.tolist():
        left, top, width, height, area = stats[label].tolist()
        components.append(Component(Box(left, top, left + width, top + height), area, (label,)))
    return Components(foreground, labels, components)


def main_component(components: Components) -> Component | None:
    """Find the digit in a picture of one digit: the heaviest component, with its detached strokes."""
    if not components.all:
        return None
    height, width = components.foreground.shape
    digit = core = max(components.all, key=lambda c: 0.0 if _is_frame(components, c) else _weight(c, width, height))
    size = max(core.box.height, core.box.width)
    for component in sorted((b for b in components.all if b is not core), key=lambda b: b.box.gap(core.box)):
        foreign = touches_border(component.box, width, height) and not _belongs(component.box, digit.box)
        if foreign or _is_ruled_line(component.box, width, height) or _is_frame(components, component):
            continue
        stroke = component.area >= 0.01 * core.area and component.box.gap(digit.box) <= 0.2 * size
        another = component.area >= 0.4 * core.area and component.box.gap(digit.box) <= 1.5 * size
        if stroke or another:  # two digits together must look like a non-digit
            box, area = digit.box.join(component.box), digit.area + component.area
            digit = Component(box, area, digit.parts + component.parts)
    return digit


def has_others(components: Components, digit: Component) -> bool:
    """Whether something as high as the digit stands next to it, completely inside the picture: a number or a word."""
    height, width = components.foreground.shape
    own = set(digit.parts)
    return any(
        component.box.height >= MIN_OTHER_HEIGHT * digit.box.height
        and component.area >= MIN_OTHER_AREA * digit.area
        and min(component.box.bottom, digit.box.bottom) - max(component.box.top, digit.box.top)
        >= MIN_OTHER_HEIGHT * digit.box.height
        and not touches_border(component.box, width, height)
        and component.box.width >= MIN_OTHER_ASPECT * component.box.height
        for component in components.all
        if own.isdisjoint(component.parts) and not _is_frame(components, component)
    )


def _belongs(part: Box, digit: Box) -> bool:
    """Whether a stroke at the edge of the picture belongs to the digit: it is above, below or within it."""
    across = min(part.right, digit.right) - max(part.left, digit.left)
    down = min(part.bottom, digit.bottom) - max(part.top, digit.top)
    near = part.gap(digit) <= 0.12 * max(digit.width, digit.height)
    return near and max(across / part.width, down / part.height) > 0.4


def touches_border(box: Box, width: int, height: int) -> bool:
    """Whether a box reaches the edge of the picture."""
    return box.left <= 0 or box.top <= 0 or box.right >= width or box.bottom >= height


def _is_ruled_line(box: Box, width: int, height: int) -> bool:
    """Whether a box is part of a frame around the digit: long, thin and at the edge of the picture."""
    across = box.width > 0.6 * width and box.height < 0.12 * height
    down = box.height > 0.6 * height and box.width < 0.12 * width
    edge_across = box.top < 0.12 * height or box.bottom > 0.88 * height
    edge_down = box.left < 0.12 * width or box.right > 0.88 * width
    return (across and edge_across) or (down and edge_down)


def _is_frame(components: Components, component: Component) -> bool:
    """Whether a component is a printed frame: its pixels lie along the four edges, and something is inside."""
    box = component.box
    height, width = components.foreground.shape
    if box.width < 0.3 * width or box.height < 0.3 * height or component.area > 0.35 * box.width * box.height:
        return False
    boxes = [other.box for other in components.all if other.box.height > 0.25 * box.height]
    if not any(b.left > box.left and b.top > box.top and b.right < box.right and b.bottom < box.bottom for b in boxes):
        return False
    own = np.isin(components.labels[box.top : box.bottom, box.left : box.right], component.parts)
    across, down = max(1, round(0.15 * box.width)), max(1, round(0.15 * box.height))
    return float(own[down:-down, across:-across].sum()) < 0.05 * component.area


def _weight(component: Component, width: int, height: int) -> float:
    box = component.box
    if _is_ruled_line(box, width, height):
        return 0.0
    x, y = (box.left + box.right) / 2 / width - 0.5, (box.top + box.bottom) / 2 / height - 0.5
    central = 1.0 - 1.2 * max(abs(x), abs(y))
    # At the border are the ends of a neighbour's strokes, or the box around the digit.
    return component.area * central * (0.25 if touches_border(box, width, height) else 1.0)
