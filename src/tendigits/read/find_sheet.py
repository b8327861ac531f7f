"""Find a printed sheet in a photo by the marks in its corners; its code says what it is, its dots how it bends.

found = find_sheet(grey)                # None if no sheet is in the picture
found.flat                              # the page as it was printed, PX_PER_MM pixels for a millimetre
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.digits.foreground import shrink
from tendigits.errors import DataError
from tendigits.pictures.image import Grey
from tendigits.read.sheet import A4, CODE, DOT, DOT_DISTANCE, EDGE, MARGIN, MARK, Code, Layout, read_code

Floats = NDArray[np.float64]

Edge = tuple[Floats, Floats]
"""How far along an edge, 0 to 1, dots were found; and by how many pixels these are displaced: float64 (n,), (n, 2)."""

PX_PER_MM = 8
SEARCH_SIDE_PX = 1280  # of the copy in which marks are found
MIN_MARKS = 3
DICTIONARY = cv2.aruco.DICT_4X4_50 if hasattr(cv2, "aruco") else 0
SIDE_MM = 6.0  # of the square in which a dot is searched, around where its neighbour lets it expect
DARK = 0.55  # of the paper's brightness, below which it is a dot
DOT_AREAS = (0.4, 2.0)  # smallest and largest, relative to what was printed
CODE_PX_PER_MM = (12, 16, 8)  # sizes at which the code is read, until one can be


@dataclass(frozen=True, eq=False)
class FoundSheet:
    """A page of a sheet in a photo."""

    code: Code
    layout: Layout
    flat: Grey
    homography: Floats  # (3, 3): from pixels of `flat` to those of the photo, for paper that does not bend
    edges: tuple[Edge, ...]  # top, bottom, left and right

    def to_photo(self, points: Floats) -> Floats:
        """Points of `flat`, float64 (n, 2), in pixels of the photo."""
        return _project(self.homography, points + _bend(self.layout.size, self.edges, *points.T))

    @property
    def turned(self) -> int:
        """By how many degrees the photo is turned clockwise: 0, 90, 180 or 270."""
        (x0, y0), (x1, y1) = _project(self.homography, np.array([[0.0, 0.0], [self.flat.shape[1], 0.0]]))
        return round(math.degrees(math.atan2(y1 - y0, x1 - x0)) / 90) % 4 * 90


def mark_corners(size: tuple[float, float]) -> Floats:
    """The corners of the four marks of a page, in millimetres: float64 (4, 4, 2), all clockwise from the top left."""
    near, far_x, far_y = MARGIN, size[0] - MARGIN - MARK, size[1] - MARGIN - MARK
    tops = np.array([[near, near], [far_x, near], [far_x, far_y], [near, far_y]])
    return tops[:, None] + MARK * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


def edge_dots(size: tuple[float, float]) -> list[Floats]:
    """The centres of the dots on the top, bottom, left and right edge of a page, in millimetres: float64 (n, 2) each.

    The first and the last one of an edge are the centres of its marks, which stand in for dots there.
    """
    low, right, bottom = MARGIN + MARK / 2, size[0] - MARGIN - MARK / 2, size[1] - MARGIN - MARK / 2
    across = np.linspace(low, right, 2 + int((right - low) / DOT_DISTANCE))
    down = np.linspace(low, bottom, 2 + int((bottom - low) / DOT_DISTANCE))
    return [
        np.stack([across, np.full_like(across, low)], axis=1), np.stack([across, np.full_like(across, bottom)], axis=1),
        np.stack([np.full_like(down, low), down], axis=1), np.stack([np.full_like(down, right), down], axis=1),
    ]  # fmt: skip


def mark(number: int, side_px: int) -> Grey:
    """One of the marks: 0 to 3 clockwise from the top left of an upright page, 4 to 7 of one in landscape."""
    picture: Grey = cv2.aruco.generateImageMarker(_dictionary(), number, side_px)
    return picture


def find_sheet(grey: Grey) -> FoundSheet | None:
    """The sheet in a photo, uint8 (height, width). Raises DataError if there is one whose code cannot be read."""
    marks = _find_marks(grey)
    is_landscape = sum(number > 3 for number in marks) > len(marks) / 2
    marks = {number % 4: corners for number, corners in marks.items() if (number > 3) == is_landscape and number < 8}
    if len(marks) < MIN_MARKS:
        return None
    size = A4[::-1] if is_landscape else A4
    wanted = PX_PER_MM * mark_corners(size)[[*marks]].reshape(-1, 2)
    homography, _ = cv2.findHomography(wanted, np.concatenate([*marks.values()]))
    code = None if homography is None else _read_code(grey, homography, size)
    if code is None:
        raise DataError("the code of the sheet cannot be read; take the photo closer, sharp, without a shadow on it")
    edges = tuple(_edge(grey, homography, dots) for dots in edge_dots(size))
    return FoundSheet(code, code.sheet.page(code.page), _flattened(grey, homography, size, edges), homography, edges)


@cache
def _dictionary() -> cv2.aruco.Dictionary:
    return cv2.aruco.getPredefinedDictionary(DICTIONARY)


def _find_marks(grey: Grey) -> dict[int, Floats]:
    """The corners of marks by their numbers, float64 (4, 2) each in pixels of the photo."""
    small = shrink(grey, SEARCH_SIDE_PX)
    scale = max(grey.shape) / max(small.shape)
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    corners, numbers, _ = cv2.aruco.ArucoDetector(_dictionary(), parameters).detectMarkers(small)
    found = zip([] if numbers is None else numbers.ravel().tolist(), corners, strict=True)
    return {number: scale * (corner[0].astype(np.float64) + 0.5) for number, corner in found}


def _read_code(grey: Grey, homography: Floats, size: tuple[float, float]) -> Code | None:
    """Read the QR code of a page, cut out of the photo at several sizes."""
    for px_per_mm in CODE_PX_PER_MM:
        side = round(px_per_mm * (CODE + 6))
        corner = PX_PER_MM * np.array([size[0] - EDGE - CODE - 3, EDGE - 3])
        to_page = np.array([[PX_PER_MM / px_per_mm, 0, corner[0]], [0, PX_PER_MM / px_per_mm, corner[1]], [0, 0, 1]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        cut = cv2.warpPerspective(grey, homography @ to_page, (side, side), flags=flags, borderValue=255)
        for text in _texts(cut):
            if code := read_code(text):
                return code
    return None


def _texts(picture: Grey) -> Iterator[str]:
    for detector in (cv2.QRCodeDetector(), cv2.QRCodeDetectorAruco()):
        text, *_ = detector.detectAndDecode(picture)
        yield text


def _edge(grey: Grey, homography: Floats, dots: Floats) -> Edge:
    """The dots that are found on an edge, each near to where the one before lets it expect."""
    along, shifts = [0.0], [np.zeros(2)]
    for i, dot in enumerate(PX_PER_MM * dots[1:-1], 1):
        expected = dot + 2 * shifts[-1] - shifts[-2] if len(shifts) > 1 else dot
        if (place := _find_dot(grey, homography, expected)) is not None:
            along.append(i / (len(dots) - 1))
            shifts.append(place - dot)
    return np.array([*along, 1.0]), np.array([*shifts, np.zeros(2)])


def _find_dot(grey: Grey, homography: Floats, expected: Floats) -> Floats | None:
    """Where a dot is, if one is seen near to where it is expected, both in pixels of the flat page."""
    corner, side = expected - PX_PER_MM * SIDE_MM / 2, round(PX_PER_MM * SIDE_MM)
    to_page = np.array([[1, 0, corner[0]], [0, 1, corner[1]], [0, 0, 1]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    part = cv2.warpPerspective(grey, homography @ to_page, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    dark = (part < DARK * np.percentile(part, 75)).astype(np.uint8)
    _, _, stats, centres = cv2.connectedComponentsWithStats(dark)
    areas = stats[:, cv2.CC_STAT_AREA] / (DOT * PX_PER_MM) ** 2
    places = [
        corner + centre + 0.5
        for centre, area in zip(centres[1:], areas[1:], strict=True)
        if DOT_AREAS[0] <= area <= DOT_AREAS[1]
    ]
    return min(places, key=lambda place: float(np.hypot(*(place - expected))), default=None)


def _flattened(grey: Grey, homography: Floats, size: tuple[float, float], edges: Sequence[Edge]) -> Grey:
    """The page as it was printed."""
    width, height = (PX_PER_MM * round(length) for length in size)
    x, y = np.arange(0, width, PX_PER_MM) + PX_PER_MM / 2, np.arange(0, height, PX_PER_MM)[:, None] + PX_PER_MM / 2
    points = np.stack(np.broadcast_arrays(x, y), axis=2) + _bend(size, edges, x, y)
    photo = _project(homography, points).reshape(points.shape).astype(np.float32) - np.float32(0.5)
    maps = cv2.resize(photo, (width, height), interpolation=cv2.INTER_LINEAR)
    flat: Grey = cv2.remap(grey, maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return flat


def _bend(size: tuple[float, float], edges: Sequence[Edge], x: NDArray[Any], y: NDArray[Any]) -> Floats:
    """By how many pixels places of a page are displaced because its paper bends: float64 (..., 2).

    Between its edges this is the surface of Coons (1967), whose corners, the marks, stay where they are.
    """
    low = MARGIN + MARK / 2
    u, v = (np.clip((at / PX_PER_MM - low) / (length - 2 * low), 0, 1) for at, length in zip((x, y), size, strict=True))
    top, bottom, left, right = (
        np.stack([np.interp(at, along, shift) for shift in shifts.T], axis=-1)
        for at, (along, shifts) in zip((u, u, v, v), edges, strict=True)
    )
    bent: Floats = (1 - v)[..., None] * top + v[..., None] * bottom + (1 - u)[..., None] * left + u[..., None] * right
    return bent


def _project(homography: Floats, points: Floats) -> Floats:
    projected: Floats = cv2.perspectiveTransform(points.reshape(-1, 1, 2), homography).reshape(-1, 2)
    return projected
