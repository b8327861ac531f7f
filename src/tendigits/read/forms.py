"""Forms: fields that are marked once, in one picture, are found in every other picture of the form, photos too.

form = load_form("exam.toml")               # its fields, and the name of its picture; see docs/guide.md
aligned, homography = form.align(grey)      # the page as it lies in the form's own picture
aligned, homography = form.align(grey, corners)     # where a person has shown the sheet's corners
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.digits.find import open_page
from tendigits.digits.foreground import shrink
from tendigits.errors import DataError, UserError, printable, reason_of
from tendigits.geometry import Box
from tendigits.numbers.crops import Budget
from tendigits.numbers.detections import Detection
from tendigits.numbers.reader import NumberReader
from tendigits.numbers.reading import Reading
from tendigits.pictures.image import Grey
from tendigits.untrusted import read_toml

Floats = NDArray[np.float64]
Corners = Sequence[tuple[float, float]]

MAX_FIELDS = 1000
MIN_FIELD_SIDE_PX = 4  # width and height of a field on the page as it is read
DIGIT_FRACTION = 0.6  # height of the digits in a field, as a fraction of the field's
MIN_PROBABILITY = 0.9  # of each character, to read a number in a field where none was found at first

CORNER_MARGIN = 0.2  # of a field's height: what has its middle closer to its upper edge is a corner of its frame
FRAME_MARGIN = 0.12  # digit heights: what has its middle closer to the edge of a field is its frame

# Matching a page with the form.
MATCHING_SIDE_PX = 1024  # pictures are shrunk to this longest side
MAX_FEATURES = 4000  # of a picture
MAX_DISTANCE_RATIO = 0.8  # of a match to the second best one (Lowe 2004)
MIN_MATCHES = 25  # that agree on one homography
MAX_REPROJECTION_PX = 4.0  # distance up to which a match agrees

N_CORNERS = 4
MIN_CORNER_AREA = 0.005  # of the page: the area that two sides of the form span, at each of its corners


@dataclass(frozen=True, eq=False)
class Form:
    """A picture of a form, and its fields."""

    grey: Grey  # as pages are opened
    fields: dict[str, Box]  # in pixels of `grey`

    def align(self, grey: Grey, corners: Corners | None = None) -> tuple[Grey, Floats]:
        """A page, uint8 (height, width), as it lies in the form; and the homography to the page, float64 (3, 3).

        Args:
            grey: the page.
            corners: x and y on the page of the corners of the form's own picture, from the upper left clockwise, as
                fractions of the page's width and height; without them the form is found by its details.

        Raises:
            UserError: the corners are not those of a sheet.
            DataError: the page shows another form, or too little of it.
        """
        homography = self._matched(grey) if corners is None else self._spanned(grey, corners)
        size, flags = self.grey.shape[::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpPerspective(grey, homography, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), homography

    def _matched(self, grey: Grey) -> Floats:
        """The homography on which most details of the form and of a page agree."""
        page_points, page_features = _features(grey)
        form_points, form_features = self._features
        pairs: Sequence[Any] = []
        if page_features is not None and form_features is not None:
            pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(form_features, page_features, k=2)
        matches = [best for best, *other in pairs if other and best.distance < MAX_DISTANCE_RATIO * other[0].distance]
        homography, n_agreeing = None, 0
        if len(matches) >= MIN_MATCHES:
            of_form, of_page = form_points[[m.queryIdx for m in matches]], page_points[[m.trainIdx for m in matches]]
            tolerance = MAX_REPROJECTION_PX * max(grey.shape) / MATCHING_SIDE_PX
            homography, agrees = cv2.findHomography(of_form, of_page, cv2.RANSAC, tolerance)
            # On another page, many details of the form may agree on one, at which they all meet.
            n_agreeing = len(np.unique(of_page[agrees.ravel() > 0].round(), axis=0))
        if homography is None or n_agreeing < MIN_MATCHES:
            raise DataError(
                "the picture does not look like this form; take the photo from above, with the whole form in it"
            )
        return np.array(homography, np.float64)

    def _spanned(self, grey: Grey, corners: Corners) -> Floats:
        """The homography from the form's corners to these."""
        size = np.array(grey.shape[::-1], np.float64)
        on_page = np.array(corners, np.float64).reshape(-1, 2) * size
        sides = np.roll(on_page, -1, axis=0) - on_page
        turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
        if len(on_page) != N_CORNERS or not (turns >= MIN_CORNER_AREA * size.prod()).all():
            raise UserError("expected the form's four corners, from the upper left clockwise, not on one line")
        height, width = self.grey.shape
        of_form = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        return np.array(cv2.getPerspectiveTransform(of_form, on_page.astype(np.float32)), np.float64)

    @cached_property
    def _features(self) -> tuple[Floats, Any]:
        return _features(self.grey)


def load_form(path: str | Path) -> Form:
    """Read a form's TOML file and its picture. Raises UserError for no form, DataError for a damaged picture."""
    path = Path(path)
    try:
        content = read_toml(path)
    except FileNotFoundError:
        raise UserError(f"expected a form's TOML file at {path}, found none") from None
    except (OSError, ValueError) as error:
        raise UserError(f"expected a form's TOML file at {path}, received {reason_of(error)}") from None
    picture, fields = content.get("picture"), content.get("fields")
    if not isinstance(picture, str) or not isinstance(fields, dict) or not 0 < len(fields) <= MAX_FIELDS:
        raise UserError(f'expected picture = "NAME" and a table [fields] in {path}; see the guide')
    if unprintable := [name for name in fields if printable(name) != name]:
        raise UserError(f"expected field names of printable characters in {path}, received {unprintable[0]!r}")
    return make_form(path.parent / picture, fields, content.get("turned", 0))


def make_form(picture: Any, fields: Mapping[str, Any], turned: int = 0, page: int = 1) -> Form:
    """Open a form's picture, with its fields.

    Args:
        picture: a path, bytes, a Pillow image or an array.
        fields: left, top, right and bottom of each, in pixels of the picture.
        turned: degrees by which the picture is turned clockwise: 0, 90, 180 or 270; boxes are in it as it is.
        page: of a PDF or a TIFF, from 1; a path may contain it instead: exam.pdf#page=2.

    Raises:
        UserError: a field is outside the picture, or too small.
        DataError: the picture can't be read.
    """
    if type(turned) is not int or turned not in (0, 90, 180, 270):
        raise UserError(f"expected 0, 90, 180 or 270 degrees by which the form's picture is turned, received {turned}")
    grey, (width, height) = open_page(picture, page)
    scale, turns, size = grey.shape[1] / width, turned // 90, (grey.shape[1], grey.shape[0])
    boxes = {}
    for name, edges in fields.items():
        box = Box(0, 0, 0, 0)
        numbers = isinstance(edges, Sequence) and len(edges) == 4 and all(type(edge) in (int, float) for edge in edges)
        if numbers and 0 <= edges[0] < edges[2] <= width and 0 <= edges[1] < edges[3] <= height:
            box = Box(*(round(scale * edge) for edge in edges))
        if min(box.width, box.height) < MIN_FIELD_SIDE_PX:
            raise UserError(
                f"expected left, top, right and bottom within {width}x{height} pixels, at least "
                f"{math.ceil(MIN_FIELD_SIDE_PX / scale)} apart, for the field {name} of the form, received {edges}"
            )
        boxes[name] = box.turned(-turns, size)
    return Form(np.ascontiguousarray(np.rot90(grey, turns)), boxes)


def read_fields(
    reader: NumberReader, aligned: Grey, form: Form, budget: Budget
) -> tuple[list[Reading], dict[str, list[int]]]:
    """Read the fields of a form on a page aligned with it: the readings, and the indices of those in each field."""
    readings: list[Reading] = []
    fields: dict[str, list[int]] = {name: [] for name in form.fields}
    crops = reader.crops(aligned)
    for reading in reader.read_page(aligned, budget, crops=crops):
        x, y = reading.detection.x, reading.detection.y
        inside = [name for name, box in form.fields.items() if box.left <= x < box.right and box.top <= y < box.bottom]
        if inside and (kept := _without_frame(reading, form.fields[inside[0]])).characters:
            fields[inside[0]].append(len(readings))
            readings.append(kept)
    empty = [name for name, indices in fields.items() if not indices]
    detections = [_written_in(form.fields[name]) for name in empty]
    known = reader.read_known(crops, detections, budget)
    for name, detection in zip(empty, detections, strict=True):
        found = known.get(detection)
        if (
            found
            and any(map(str.isdigit, found.text))
            and min(each.present for each in found.characters) >= MIN_PROBABILITY
        ):
            fields[name].append(len(readings))
            readings.append(found)
    return readings, fields


def _without_frame(reading: Reading, box: Box) -> Reading:
    """The reading without the frame of its field, whose sides look like a 1 and whose corner looks like a 7."""
    margin, top = FRAME_MARGIN * reading.detection.height, box.top + CORNER_MARGIN * box.height
    boxes = reading.boxes_on_page
    x, y = (boxes[:, :2] + boxes[:, 2:]).T / 2
    kept = (box.left + margin <= x) & (x <= box.right - margin) & (y >= top)
    if kept.all():
        return reading
    return replace(reading, characters=[*compress(reading.characters, kept)])


def _written_in(box: Box) -> Detection:
    """A number as people write it in a field."""
    height = DIGIT_FRACTION * box.height
    length = max(height / 2, box.width - height)
    return Detection((box.left + box.right) / 2, (box.top + box.bottom) / 2, 0.0, length, height, 1.0)


def _features(grey: Grey) -> tuple[Floats, Any]:
    """Points of a page, float64 (n, 2) in its pixels, and their ORB descriptors (Rublee and others 2011)."""
    small = shrink(grey, MATCHING_SIDE_PX)
    scale = max(small.shape) / max(grey.shape)
    points, descriptors = cv2.ORB.create(MAX_FEATURES).detectAndCompute(small, None)
    return np.array([point.pt for point in points], np.float64).reshape(-1, 2) / scale, descriptors
