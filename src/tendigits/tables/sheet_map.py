"""The map from pixels of a photo to a rectified sheet, whose rows are horizontal and whose columns are vertical.

sheet_map = SheetMap.rotation(centre=(1024, 768), size=1024, angle=0.1).fitted(horizontal, vertical)
u, v = sheet_map(points).T
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.pictures.image import Grey
from tendigits.tables.options import OPTIONS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

BEND_PENALTY = 1e-3  # weight of the squared bends relative to the mean squared slope: few lines bend little
MAX_DISTANCE = 4.0  # from the centre, relative to the page's edge: a wrong fit may lead further
INVERSION_STEPS = 12  # fixed-point iterations of the inverse map; each reduces the error to a tenth or less
CONVERGED = 1e-7  # change of a coordinate after which the iteration ends: below a thousandth of a pixel
GRID_PX = 16  # distance of the points where the inverse map is computed; it is interpolated between them
MAX_ENLARGEMENT = 2  # of the rectified page relative to its picture


@dataclass(frozen=True, eq=False)
class SheetMap:
    """v = y + a x + b xy + c x^2 + d x^2 y, and u in the same way, of pixels rotated and scaled to -1 to 1."""

    centre: Floats
    rotate: Floats  # float64 (2, 2): rotates and scales
    bends: Floats  # float64 (2, 4): the coefficients a, b, c, d for u and for v

    @classmethod
    def rotation(cls, centre: tuple[float, float], size: float, angle: float) -> "SheetMap":
        """The map of a page whose rows run at this angle, in radians, its edges `size` pixels off its centre."""
        rotate = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / size
        return cls(np.array(centre), rotate, np.zeros((2, 4)))

    def fitted(self, horizontal: Floats, vertical: Floats) -> "SheetMap":
        """The map that makes segments horizontal and vertical: float64 (n, 4) each, x and y of both ends in pixels."""
        across, down = (self._rotated(each.reshape(-1, 2)).reshape(-1, 4) for each in (horizontal, vertical))
        v = _fit_bends(across)
        # Without vertical segments, the columns are perpendicular to the rows.
        u = _fit_bends(down[:, [1, 0, 3, 2]]) if len(down) else np.array([-v[0], 0.0, 0.0, 0.0])
        return replace(self, bends=np.stack([u, v]))

    def __call__(self, points: Floats) -> Floats:
        """Map pixels, float64 (n, 2), to the sheet: pixels from its centre, to the right and downwards."""
        rotated = self._rotated(points)
        return (rotated + self._bent(rotated)) * self.unit

    @property
    def unit(self) -> float:
        """Pixels for a distance of 1 in the rotated coordinates."""
        return float(1 / np.hypot(*self.rotate[0]))

    def inverse(self, points: Floats) -> Floats:
        """Map points of the sheet, float64 (n, 2), to pixels."""
        target = points / self.unit
        rotated = target.copy()
        for _ in range(INVERSION_STEPS):
            before, rotated = rotated, np.clip(target - self._bent(rotated), -MAX_DISTANCE, MAX_DISTANCE)
            if np.abs(rotated - before).max(initial=0.0) < CONVERGED:
                break
        pixels: Floats = rotated @ np.linalg.inv(self.rotate).T + self.centre
        return pixels

    def rectify(self, grey: Grey, scale: float) -> tuple[Grey, Floats]:
        """A page, uint8 (height, width), rectified at a scale from 0 to 1; and the sheet's point at its top left."""
        height, width = grey.shape
        corners = self(np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64))
        low, high = corners.min(axis=0), corners.max(axis=0)
        limit = MAX_ENLARGEMENT * np.array([width, height])
        columns, rows = np.minimum(np.ceil((high - low) * scale), limit).astype(int).tolist()
        u, v = np.meshgrid(*(np.linspace(0, n, max(2, n // GRID_PX + 1)) / scale for n in (columns, rows)))
        pixels = self.inverse(np.stack([u.ravel(), v.ravel()], axis=1) + low) - 0.5
        sizes = zip((columns, rows), u.shape[::-1], strict=True)
        in_grid = (((np.arange(n) + 0.5) / n * (size - 1)).astype(np.float32) for n, size in sizes)
        grid_x, grid_y = np.meshgrid(*in_grid)
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        x, y = (  # one axis at a time, because OpenCV rounds the positions in pictures of two channels
            (cv2.remap(each.reshape(u.shape).astype(np.float32), grid_x, grid_y, cv2.INTER_LINEAR) + 0.5) * scale - 0.5
            for each in pixels.T
        )
        return cv2.remap(small, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), low

    def _rotated(self, points: Floats) -> Floats:
        rotated: Floats = (points - self.centre) @ self.rotate.T
        return rotated

    def _bent(self, rotated: Floats) -> Floats:
        x, y = rotated.T
        (a, b, c, d), (e, f, g, h) = self.bends  # as `_terms`, which are not put side by side
        xy = x * y
        return np.stack([a * y + b * xy + (c + d * x) * y * y, e * x + f * xy + (g + h * y) * x * x], axis=1)


def flat_scale(grey: Grey, digit_height: float) -> float:
    """How far a page, uint8 (height, width), is shrunk before lines and words are searched: 0 to 1."""
    by_digits = OPTIONS.flat_digit_height_px / digit_height
    return min(1.0, by_digits, float((OPTIONS.max_flat_page_px / grey.size) ** 0.5))


def _terms(x: Floats, y: Floats) -> Floats:
    return np.stack([x, x * y, x * x, x * x * y], axis=1)


def _fit_bends(segments: Floats) -> Floats:
    """The bends under which y is constant along segments: least squares, weighted by their lengths."""
    steps = np.abs(segments[:, 2:] - segments[:, :2])
    x0, y0, x1, y1 = segments[steps[:, 0] > steps[:, 1]].T  # noise has points, and segments of any direction
    if not len(x0):
        return np.zeros(4)
    lengths = np.abs(x1 - x0)
    rise = (_terms(x1, y1) - _terms(x0, y0)) / lengths[:, None]
    slope = (y1 - y0) / lengths
    weights = lengths / lengths.sum()
    squares = (rise.T * weights) @ rise + BEND_PENALTY * np.diag([0.0, 1, 1, 1])
    bends: Floats = np.linalg.solve(squares + 1e-9 * np.eye(4), -(rise.T * weights) @ slope)
    return bends
