"""Shapes of characters as signed distances to their outline, so that any pen can write them.

glyph = glyph_of("7", drawing)                        # from uint8 (height, width), white on black
strokes, left, top = write(glyph, (26.0, 24.0), pen=1.2, slant=0.1)        # as it stands in a line, and where

A distance field is resized and bent like a picture, and its level set at an offset is the same shape by another pen.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synthesis.pairs import tight

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
Rng = np.random.Generator

EM = 40
"""Pixels of a field for the height of a digit."""

PAD = 10
"""Pixels of a field around the shape, for thicker pens."""

FOREGROUND = 110
"""Of 255: what is brighter in a drawing belongs to the shape."""

THINNEST = 0.55
"""A pen is never thinner than this share of the stroke's own width, or the stroke would break."""


@dataclass(frozen=True, eq=False)
class Glyph:
    """A character's shape."""

    label: str
    field: Floats
    """float32 (height, width): distance to the outline in pixels of EM, positive inside."""
    top: float
    """Of the shape above its PAD, in digit heights below the top of a digit."""
    pen: float
    """Half the width of its strokes, in pixels of EM."""

    @property
    def width(self) -> float:
        """Of the shape, in digit heights."""
        return float(self.field.shape[1] - 2 * PAD) / EM


def glyph_of(label: str, drawing: Grey, top: float = 0.0, height: float = 1.0) -> Glyph:
    """Make a glyph from a drawing.

    Args:
        drawing: uint8 (height, width), white on black; cropped to the shape here.
        top: where the shape begins, in digit heights below the top of a digit.
        height: of the shape, in digit heights.
    """
    shape = tight(drawing, FOREGROUND)
    scale = EM * height / shape.shape[0]
    size = max(2, round(shape.shape[1] * scale)), max(2, round(shape.shape[0] * scale))
    large = cv2.resize(shape, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    mask = cv2.copyMakeBorder((large > FOREGROUND).astype(np.uint8), PAD, PAD, PAD, PAD, cv2.BORDER_CONSTANT)
    field = distances(mask)
    ridge = field[field >= cv2.dilate(field, np.ones((3, 3), np.uint8))]
    ridge = ridge[ridge > 0]
    return Glyph(label, field, top, float(np.median(ridge)) if len(ridge) else 1.0)


def distances(mask: Grey) -> Floats:
    """Distance of each pixel to the outline of a mask, positive inside: float32 of its shape."""
    inside, outside = (cv2.distanceTransform(each, cv2.DIST_L2, 3) for each in (mask, 1 - mask))
    return np.asarray(inside - outside, np.float32)


def write(
    glyph: Glyph, size: tuple[float, float], pen: float, slant: float, bend: Floats | None = None
) -> tuple[Grey, float, float]:
    """Write a glyph with a pen.

    Args:
        size: height and width of a digit's em box, in pixels; they differ where writing is wide or narrow.
        pen: half the width of the strokes, in pixels.
        slant: how far the top moves to the right, as a share of the height.
        bend: float32 (rows, columns, 2): shifts of coarse points over the shape, in pixels of EM.

    Returns:
        uint8 (height, width), and the place of its top left corner: pixels to the right of the shape's left edge at
        the baseline, and pixels below the top of a digit.
    """
    down, across = size[0] / EM, size[1] / EM
    rows, columns = glyph.field.shape
    lean = slant * down / across  # in the field: pixels to the right for each pixel up
    base = PAD + EM * (1 - glyph.top)  # row of the baseline
    shifts = lean * (base - np.array([0, rows]))
    first, last = float(shifts.min()), columns + float(shifts.max())
    width, height = max(1, round((last - first) * across)), max(1, round(rows * down))
    rows_at = (np.arange(height, dtype=np.float32) + 0.5) / down - 0.5
    columns_at = (np.arange(width, dtype=np.float32) + 0.5) / across - 0.5 + first
    x = columns_at[None, :] - lean * (base - rows_at[:, None])
    y = np.repeat(rows_at[:, None], width, axis=1)
    if bend is not None:
        smooth = cv2.resize(bend, (width, height), interpolation=cv2.INTER_CUBIC)
        x, y = x + smooth[..., 0], y + smooth[..., 1]
    far = float(glyph.field.min())
    field = cv2.remap(
        glyph.field, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=far,
    )  # fmt: skip
    scale = (down + across) / 2
    offset = max(pen / scale, THINNEST * glyph.pen) - glyph.pen
    strokes: Grey = np.clip(127.5 + 255 * scale * (field + offset), 0, 255).astype(np.uint8)
    return strokes, (first - PAD) * across, glyph.top * size[0] - PAD * down
