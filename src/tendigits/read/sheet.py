"""Find the sheet in a photo of paper on a darker desk, and crop the picture to it.

grey, left, top = crop_to_sheet(grey)
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

LOOK_SIDE = 320
"""Pixels: longest side of the copy in which the sheet is searched."""

LEAST = 0.15
"""The smallest share of the picture that a sheet covers."""

AROUND = 0.7
"""The smallest share of the picture's border that must be desk."""

STEP = 0.75
"""The brightest a desk may be beside the sheet, as a share of the sheet; a shadow darkens more slowly."""

STROKE = 9
"""Pixels of the copy: narrower dark parts are strokes, not desk."""

FULL = 0.6
"""The smallest share of its bounding box that a sheet fills; strokes of chalk fill less."""


def crop_to_sheet(grey: Grey) -> tuple[Grey, int, int]:
    """Crop the picture to the sheet if its border is darker than a large light part; else leave it unchanged.

    Pixels of the crop outside the sheet are filled with the brightness of the sheet near them.

    Args:
        grey: uint8 (height, width).

    Returns:
        The crop, and its left and top in the picture.
    """
    scale = min(1.0, LOOK_SIDE / max(grey.shape))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    middle, light = cv2.threshold(small, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    if min(small.shape) < 16 or float((border <= middle).mean()) < AROUND:
        return grey, 0, 0
    light = cv2.morphologyEx(light, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))  # thin lines are no sheet
    count, labels, stats, _ = cv2.connectedComponentsWithStats(light, connectivity=4, ltype=cv2.CV_32S)
    if count < 2:
        return grey, 0, 0
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    outline, _ = cv2.findContours((labels == largest).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    sheet = cv2.drawContours(np.zeros_like(small), outline, -1, 1, cv2.FILLED)  # with what is written on it
    left, top, width, height, _ = stats[largest].tolist()
    area = int(sheet.sum())
    if area < LEAST * small.size or area < FULL * width * height or _step(small, sheet) > STEP:
        return grey, 0, 0
    edges = [round(edge / scale) for edge in (left, top, left + width, top + height)]
    cut = grey[edges[1] : edges[3], edges[0] : edges[2]].copy()
    inner = cv2.erode(sheet, np.ones((5, 5), np.uint8), borderValue=0)[top : top + height, left : left + width]
    background = _background_around(small[top : top + height, left : left + width], inner)
    size = cut.shape[1], cut.shape[0]
    outside = cv2.resize(inner, size, interpolation=cv2.INTER_NEAREST) == 0
    cut[outside] = cv2.resize(background, size, interpolation=cv2.INTER_LINEAR)[outside]
    return cut, edges[0], edges[1]


def _step(small: Grey, sheet: Grey) -> float:
    """The brightness just outside the sheet as a share of the brightness just inside."""
    inner, outer = (np.ones((side, side), np.uint8) for side in (3, 9))
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((STROKE, STROKE), np.uint8))  # strokes are no desk
    outside = cv2.dilate(sheet, outer) - cv2.dilate(sheet, inner)
    inside = cv2.erode(sheet, inner, borderValue=0) - cv2.erode(sheet, outer, borderValue=0)
    if not outside.any() or not inside.any():
        return 1.0
    return float(np.median(small[outside > 0])) / max(1.0, float(np.median(small[inside > 0])))


def _background_around(small: Grey, sheet: Grey) -> Grey:
    """The brightness of the sheet near each pixel: the mean of the sheet's pixels around it."""
    reach = max(3, min(small.shape) // 6)
    weight = cv2.blur(sheet.astype(np.float32), (reach, reach))
    total = cv2.blur((small * sheet).astype(np.float32), (reach, reach))
    mean = float(small[sheet > 0].mean()) if sheet.any() else 255.0
    background: Grey = np.where(weight > 0.02, total / np.maximum(weight, 0.02), mean).astype(np.uint8)
    return background
