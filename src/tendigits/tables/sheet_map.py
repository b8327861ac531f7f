"""From pixels of a photo to places on the sheet: rows lie level and columns upright, however it was photographed.

flat = fit(middle=(1024, 768), size=1024, angle=0.1, across=segments, down=segments)
u, v = flat(points).T
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DIGIT = 20.0
"""Pixels: a page is shrunk until its digits are so high, which keeps a line of one pixel visible."""

LARGEST = 2e6
"""Pixels of a page, beyond which it is shrunk more: one full of smaller digits."""

STIFFNESS = 1e-3
"""Weight of the squared bends beside the mean squared slope of the lines, so that few lines bend nothing."""

FAR = 4.0
"""Times the distance from the middle to an edge, beyond which nothing is of the page; where noise was taken for ruled
lines, steps would lead there."""

STEPS = 12
"""Steps by which a place is traced back to its pixel; each leaves a tenth of the distance at most."""

GRID = 16
"""Pixels: between them, a smooth map is interpolated."""

MOST_LARGER = 2
"""How much wider or higher than its picture a flat page may be."""


@dataclass(frozen=True, eq=False)
class SheetMap:
    """v = y + a x + b xy + c x^2 + d x^2 y, and u likewise, of pixels turned and scaled to -1 to 1."""

    middle: Floats
    turn: Floats
    """float64 (2, 2): turns and scales."""
    bends: Floats
    """float64 (2, 4): for u and v."""

    @classmethod
    def turned_by(cls, middle: tuple[float, float], size: float, angle: float) -> "SheetMap":
        """The map of a page that is only turned; see `fit`."""
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / size
        return cls(np.array(middle), turn, np.zeros((2, 4)))

    def __call__(self, points: Floats) -> Floats:
        """Places on the sheet, float64 (n, 2) in pixels, from its middle: u to the right, v downwards."""
        turned = self._turned(points)
        return (turned + self._bent(turned)) * self.unit

    @property
    def unit(self) -> float:
        """Pixels of the picture for 1."""
        return float(1 / np.hypot(*self.turn[0]))

    def back(self, places: Floats) -> Floats:
        """The pixels of some places: float64 (n, 2)."""
        wanted = places / self.unit
        turned = wanted.copy()
        for _ in range(STEPS):
            turned = np.clip(wanted - self._bent(turned), -FAR, FAR)
        pixels: Floats = turned @ np.linalg.inv(self.turn).T + self.middle
        return pixels

    def flattened(self, grey: NDArray[np.uint8], scale: float) -> tuple[NDArray[np.uint8], Floats]:
        """A page, uint8 (height, width), as it lies flat, smaller or larger; and the place of its left upper corner."""
        height, width = grey.shape
        edges = self(np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64))
        low, high = edges.min(axis=0), edges.max(axis=0)
        size = np.minimum(np.ceil((high - low) * scale), MOST_LARGER * np.array([width, height])).astype(int)
        coarse = [np.linspace(0, n, max(2, n // GRID + 1)) / scale for n in size.tolist()]
        u, v = np.meshgrid(*coarse)
        pixels = self.back(np.stack([u.ravel(), v.ravel()], axis=1) + low) - 0.5
        x, y = (
            _enlarged(pixels[:, axis].reshape(u.shape).astype(np.float32), (int(size[0]), int(size[1])))
            for axis in (0, 1)
        )
        copy = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
        x, y = ((axis + 0.5) * min(scale, 1.0) - 0.5 for axis in (x, y))
        return cv2.remap(copy, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), low

    def _turned(self, points: Floats) -> Floats:
        turned: Floats = (points - self.middle) @ self.turn.T
        return turned

    def _bent(self, turned: Floats) -> Floats:
        x, y = turned.T
        return np.stack([_terms(y, x) @ self.bends[0], _terms(x, y) @ self.bends[1]], axis=1)


def scale_for(grey: NDArray[np.uint8], digit_height: float) -> float:
    """How far a page, uint8 (height, width), is shrunk before lines and words are looked for: 0 to 1."""
    return min(1.0, DIGIT / digit_height, float((LARGEST / grey.size) ** 0.5))


def fit(middle: tuple[float, float], size: float, angle: float, across: Floats, down: Floats) -> SheetMap:
    """Find the map under which some segments are level, and others upright.

    Args:
        middle, size: of the page, in pixels; the size from its middle to an edge.
        angle: direction of its rows, in radians.
        across, down: float64 (n, 4) each, x and y of both ends of segments in pixels.
    """
    flat = SheetMap.turned_by(middle, size, angle)
    level, upright = (flat._turned(segments.reshape(-1, 2)).reshape(-1, 4) for segments in (across, down))
    v = _bends(level)
    # Where nothing says how columns run, they run as in a sheet that lies slanted: at right angles to its rows.
    u = _bends(upright[:, [1, 0, 3, 2]]) if len(upright) else np.array([-v[0], 0.0, 0.0, 0.0])
    return SheetMap(flat.middle, flat.turn, np.stack([u, v]))


def _enlarged(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Interpolate values that are given at the corners of a grid, at the middles of pixels."""
    rows, columns = values.shape
    across = (np.arange(size[0]) + 0.5) / size[0] * (columns - 1)
    down = (np.arange(size[1]) + 0.5) / size[1] * (rows - 1)
    x, y = np.meshgrid(across.astype(np.float32), down.astype(np.float32))
    enlarged: NDArray[np.float32] = cv2.remap(values, x, y, cv2.INTER_LINEAR)
    return enlarged


def _terms(x: Floats, y: Floats) -> Floats:
    return np.stack([x, x * y, x * x, x * x * y], axis=1)


def _bends(segments: Floats) -> Floats:
    """The bends under which y stays the same along segments: least squares, weighted by their lengths."""
    x0, y0, x1, y1 = segments[_is_along(segments)].T
    if not len(x0):
        return np.zeros(4)
    lengths = np.abs(x1 - x0)
    rise = (_terms(x1, y1) - _terms(x0, y0)) / lengths[:, None]
    slope = (y1 - y0) / lengths
    weights = lengths / lengths.sum()
    squares = (rise.T * weights) @ rise + STIFFNESS * np.diag([0.0, 1, 1, 1])
    bends: Floats = np.linalg.solve(squares + 1e-9 * np.eye(4), -(rise.T * weights) @ slope)
    return bends


def _is_along(segments: Floats) -> NDArray[np.bool_]:
    """Which segments go more along than across; in noise some are points, or go nowhere near."""
    x0, y0, x1, y1 = segments.T
    along: NDArray[np.bool_] = np.abs(x1 - x0) > np.abs(y1 - y0)
    return along
