"""Forms: fields that were marked once on one picture are found on each other picture of the form, photos too.

form = load_form("exam.toml")
aligned, back = form.align(grey)        # as it would lie on the form's own picture

A form is a TOML file; boxes are left, top, right and bottom in pixels of the picture:

    picture = "exam.jpg"

    [fields]
    student = [210, 80, 420, 140]
    points = [510, 700, 620, 760]

`turned = 90`, in front of the fields, says that the picture is turned clockwise by so many degrees.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.digits.budget import Budget
from tendigits.digits.find import open_page
from tendigits.digits.foreground import shrink
from tendigits.errors import DataError, UserError, printable, reason_of
from tendigits.geometry import Box
from tendigits.numbers.detections import Detection
from tendigits.numbers.reader import NumberReader, Reading
from tendigits.untrusted import read_toml

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]

SIDE = 1024
"""Pixels: pictures are shrunk to this longest side before their features are compared."""

FEATURES, DISTINCT, FEWEST = 4000, 0.8, 25
"""Features of a picture; a match is closer than any other by this factor (Lowe 2004); so many must agree."""

NEAR = 4.0
"""Pixels: features that agree lie so close to each other."""

MAX_FIELDS = 1000

SMALLEST = 4
"""Pixels of the page as it is read: a field is at least so wide and high."""

WRITTEN, FOUND = 0.6, 0.9
"""Share of a field's height that digits have, and the probability of each character from which a number is read, where
nothing was found at first."""


@dataclass(frozen=True, eq=False)
class Form:
    """A picture of a form, and its fields."""

    grey: Grey
    """uint8 (height, width), as pages are opened."""
    fields: dict[str, Box]
    """In pixels of `grey`."""

    def align(self, grey: Grey) -> tuple[Grey, Floats]:
        """Lay a page, uint8 (height, width), over the form.

        Returns:
            The page as it lies on the form's picture, of its size; and the map back, float64 (3, 3), a homography.

        Raises:
            DataError: the page shows another form, or too little of it.
        """
        points, features = _features(grey)
        own_points, own_features = self._own
        pairs: Sequence[Any] = []
        if features is not None and own_features is not None:
            pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(own_features, features, k=2)
        good = [two[0] for two in pairs if len(two) == 2 and two[0].distance < DISTINCT * two[1].distance]
        found, agree = None, np.zeros(0)
        if len(good) >= FEWEST:
            ours, theirs = own_points[[m.queryIdx for m in good]], points[[m.trainIdx for m in good]]
            found, agree = cv2.findHomography(ours, theirs, cv2.RANSAC, NEAR * max(grey.shape) / SIDE)
        if found is None or int(agree.sum()) < FEWEST:
            raise DataError(
                f"expected a picture of the form, found {int(agree.sum())} features of it, fewer than {FEWEST}; "
                "take the photo from above, with the whole form in it"
            )
        height, width = self.grey.shape
        page = cv2.warpPerspective(
            grey, found, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        return page, found

    @cached_property
    def _own(self) -> tuple[Floats, Any]:
        return _features(self.grey)


def load_form(path: str | Path) -> Form:
    """Read a form's TOML file and its picture.

    Raises:
        UserError: the file is no form.
        DataError: the picture can't be read.
    """
    path = Path(path)
    try:
        content = read_toml(path)
    except (OSError, ValueError) as error:
        raise UserError(f"expected a form's TOML file at {path}, received {reason_of(error)}") from None
    picture, fields, turned = content.get("picture"), content.get("fields"), content.get("turned", 0)
    if not isinstance(picture, str) or not isinstance(fields, dict) or not 0 < len(fields) <= MAX_FIELDS:
        raise UserError(f'expected picture = "NAME" and a table [fields] in {path}; see the guide')
    if strange := [name for name in fields if printable(name) != name]:
        raise UserError(f"expected a field's name to have printable characters only in {path}, received {strange[0]!r}")
    return make_form(path.parent / picture, fields, turned)


def make_form(picture: Any, fields: Mapping[str, Any], turned: int = 0, page: int = 1) -> Form:
    """Open a form's picture, with its fields.

    Args:
        picture: a path, bytes, a Pillow image or an array.
        fields: left, top, right and bottom of each, in pixels of the picture.
        turned: degrees by which the picture is turned clockwise: 0, 90, 180 or 270. The boxes are those of the picture
            as it is.
        page: of a PDF or a TIFF, from 1; a path may say it, too: exam.pdf#page=2.

    Raises:
        UserError: a field is not within the picture, or too small.
        DataError: the picture can't be read.
    """
    if type(turned) is not int or turned not in (0, 90, 180, 270):
        raise UserError(f"expected 0, 90, 180 or 270 degrees by which the form's picture is turned, received {turned}")
    grey, (width, height) = open_page(picture, page)
    scale, turns, size = grey.shape[1] / width, turned // 90, (grey.shape[1], grey.shape[0])
    boxes = {}
    for name, edges in fields.items():
        box = None
        numbers = isinstance(edges, Sequence) and len(edges) == 4 and all(type(edge) in (int, float) for edge in edges)
        if numbers and 0 <= edges[0] < edges[2] <= width and 0 <= edges[1] < edges[3] <= height:
            box = Box(*(round(scale * edge) for edge in edges))
        if box is None or min(box.width, box.height) < SMALLEST:
            raise UserError(
                f"expected left, top, right and bottom within {width}x{height} pixels, at least "
                f"{math.ceil(SMALLEST / scale)} apart, for the field {name} of the form, received {edges}"
            )
        boxes[name] = box.turned(-turns, size)
    return Form(np.ascontiguousarray(np.rot90(grey, turns)), boxes)


def read_fields(
    reader: NumberReader, page: Grey, form: Form, budget: Budget
) -> tuple[list[Reading], dict[str, list[int]]]:
    """Read the numbers in a form's fields, on a page that was laid over it, as far as a budget goes.

    Returns:
        The readings; and for each field which of them stand in it.
    """
    readings: list[Reading] = []
    fields: dict[str, list[int]] = {name: [] for name in form.fields}
    for reading in reader.read_page(page, budget):
        x, y = reading.detection.x, reading.detection.y
        inside = [name for name, box in form.fields.items() if box.left <= x < box.right and box.top <= y < box.bottom]
        if inside:
            fields[inside[0]].append(len(readings))
            readings.append(reading)
    empty = [name for name, found in fields.items() if not found]
    places = [_place(form.fields[name]) for name in empty]
    for name, reading in zip(empty, reader.read_known(page, places, budget), strict=False):
        if any(map(str.isdigit, reading.text)) and min(each.present for each in reading.characters) >= FOUND:
            fields[name].append(len(readings))
            readings.append(reading)
    return readings, fields


def _place(box: Box) -> Detection:
    """Where a number stands in a field, as high as people write in one."""
    height = WRITTEN * box.height
    return Detection(
        (box.left + box.right) / 2, (box.top + box.bottom) / 2, 0.0, max(height / 2, box.width - height), height, 1.0
    )


def _features(grey: Grey) -> tuple[Floats, Any]:
    """Points of a page, float64 (n, 2) in its pixels, and how it looks around them (ORB, Rublee and others 2011)."""
    small = shrink(grey, SIDE)
    scale = max(small.shape) / max(grey.shape)
    points, features = cv2.ORB.create(FEATURES).detectAndCompute(small, None)
    return np.array([point.pt for point in points], np.float64).reshape(-1, 2) / scale, features
