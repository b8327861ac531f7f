"""Find numbers on a page: a small network says where the middle of a number runs, and how high its digits are.

numbers, more = find_numbers(network, grey)     # where each stands, in pixels of `grey`
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.data.preprocess import standardize
from tendigits.digits.runtime import asset, open_session
from tendigits.errors import ModelFileError

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

PLACE = 4
"""Pixels of a page for each place where the network says something."""

GRID = 16
"""Pixels: the sides of what the network sees are multiples of it."""

MIDDLE_HEIGHT = 16.0
"""Pixels: the network calls the height of such a digit 0, of one twice as high 1."""

FINEST, STEP, COARSEST = 1280, 2.0, 24
"""Pixels: longest side of the largest copy of a page; each other copy is half as large, down to the smallest."""

LOWEST, LOW, HIGHEST = 5.0, 11.0, 44.0
"""Pixels: heights of digits that the network has learned to find, and below which a larger copy shows them better."""

MARGIN = 32
"""Pixels that are added around a page, as its edges are."""

LEAST = 0.3
"""Probability of a number from which a place belongs to one."""

CAP = 0.2
"""Of a digit's height: how far the mask of a number reaches beyond its ends."""

LONG = 1.2
"""Heights of a digit from which the shape of a number's mask tells its direction."""

MOST = 2000
"""Numbers of one page; those of the highest score are kept."""

Network = Callable[[Grey], Floats]
"""uint8 (height, width) -> float32 (height / 4, width / 4, 2): logit of a number, log2 of the height; see `load`."""


@dataclass(frozen=True)
class Place:
    """Where a number stands, in pixels of the picture."""

    x: float
    y: float
    """Its middle."""
    angle: float
    """Of its direction, in radians; above 0 it runs downwards."""
    length: float
    """From its first digit's left edge to its last one's right edge."""
    height: float
    """Of its digits."""
    score: float
    """0 to 1: the mean probability of a number along it."""


def load(data: bytes, threads: int | None = None) -> Network:
    """Open the network's .onnx file. Raises ModelFileError where it is damaged."""
    session = open_session(data, "the finder", threads)
    given, made = session.get_inputs()[0], session.get_outputs()[0]
    if made.shape[-1] != 8:
        raise ModelFileError(f"expected a network that finds numbers, received one from {given.shape} to {made.shape}")

    def run(grey: Grey) -> Floats:
        said = session.run(None, {given.name: standardize(grey)[None, :, :, None]})[0][0]
        rows, columns, _ = said.shape  # four places each
        result: Floats = said.reshape(rows, columns, 2, 2, 2).transpose(0, 2, 1, 3, 4).reshape(2 * rows, 2 * columns, 2)
        return result

    return run


@cache
def bundled(threads: int | None = None) -> Network:
    """The network in the package. Raises ModelFileError if the package is damaged."""
    return load(asset("lines", "finder.onnx"), threads)


def find_numbers(network: Network, grey: Grey) -> tuple[list[Place], bool]:
    """Find the numbers of a page, uint8 (height, width), in no order; and whether there are more than MOST."""
    found: list[Place] = []
    for n, (scale, copy) in enumerate(_copies(grey)):
        found += _places(network, copy, scale, LOW if n else LOWEST)
    found.sort(key=lambda place: -place.score)
    groups = [*islice(group_places(found), MOST + 1)]
    return [group[0] for group in groups[:MOST]], len(groups) > MOST


def group_places(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Group places with the first of them that shows the same number, or a part of it; in their order."""
    table, left = as_table(places), np.ones(len(places), bool)
    for i, place in enumerate(places):
        if left[i]:
            members = left & same_place(place, table)
            members[i] = True
            left &= ~members
            yield [places[n] for n in np.flatnonzero(members).tolist()]


def _copies(grey: Grey) -> Iterator[tuple[float, Grey]]:
    """Smaller and smaller copies of a page, and their scales."""
    longest = max(grey.shape)
    scale = min(1.0, FINEST / longest)
    while True:
        size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
        yield scale, grey if scale == 1 else cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        scale /= STEP
        if longest * scale < COARSEST:
            return


def _places(network: Network, copy: Grey, scale: float, lowest: float) -> Iterator[Place]:
    """The numbers of one copy whose digits are at least so high there, in pixels of the picture."""
    below, right = (MARGIN + -(size + 2 * MARGIN) % GRID for size in copy.shape)
    said = network(cv2.copyMakeBorder(copy, MARGIN, below, MARGIN, right, cv2.BORDER_REPLICATE))
    share = 1 / (1 + np.exp(-said[..., 0]))
    n, labels, stats, _ = cv2.connectedComponentsWithStats((share >= LEAST).astype(np.uint8), connectivity=8)
    pieces = []
    for label in range(1, n):
        left, top, width, height, _ = stats[label].tolist()
        window = slice(top, top + height), slice(left, left + width)
        inside = labels[window] == label
        digit = MIDDLE_HEIGHT * float(np.exp2(np.median(said[window][inside][:, 1])))
        if lowest <= digit <= HIGHEST:
            rows, columns = np.nonzero(inside)
            points = (np.stack([columns + left, rows + top], axis=1) + 0.5) * PLACE - MARGIN
            pieces.append((points, digit, float(share[window][inside].mean())))
    # Which way a short number runs, its neighbours tell.
    angles = [_direction(points) for points, digit, _ in pieces if _extent(points, _direction(points)) > 3 * digit]
    usual = float(np.median(angles)) if angles else 0.0
    for points, digit, score in pieces:
        own = _direction(points)
        angle = own if _extent(points, own) > LONG * digit else usual
        axis = np.array([np.cos(angle), np.sin(angle)])
        along = points @ axis
        across = points @ np.array([-axis[1], axis[0]])
        first, last = float(along.min()) - PLACE / 2 + CAP * digit, float(along.max()) + PLACE / 2 - CAP * digit
        middle = (first + last) / 2 * axis + float(across.mean()) * np.array([-axis[1], axis[0]])
        x, y = (middle / scale).tolist()
        yield Place(x, y, angle, max(last - first, digit / 4) / scale, digit / scale, score)


def _direction(points: NDArray[np.float64]) -> float:
    """Along which axis points lie, in radians from -pi / 2 to pi / 2."""
    if len(points) < 2:
        return 0.0
    centred = points - points.mean(axis=0)
    (xx, xy), (_, yy) = (centred.T @ centred).tolist()
    return float(0.5 * np.arctan2(2 * xy, xx - yy))


def _extent(points: NDArray[np.float64], angle: float) -> float:
    along = points @ np.array([np.cos(angle), np.sin(angle)])
    return float(np.ptp(along))


def as_table(places: Sequence[Place]) -> NDArray[np.float64]:
    """x, y, length, height, and the direction's cosine and sine of places: float64 (n, 6)."""
    rows = [(p.x, p.y, p.length, p.height, np.cos(p.angle), np.sin(p.angle)) for p in places]
    return np.array(rows, np.float64).reshape(-1, 6)


def same_place(place: Place, others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether others, as `as_table` gives them, show the same number, or a part of it: bool (n,).

    They do where the middle of one lies on the other.
    """
    (own,) = as_table([place])
    away = others[:, :2] - own[:2]
    return _is_on(away, own[2:]) | _is_on(away, others[:, 2:])


def _is_on(away: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points, as seen from the middle of places with a length, a height and a direction each, lie on them."""
    length, height, cosine, sine = place.T
    x, y = away.T
    along, across = abs(x * cosine + y * sine), abs(y * cosine - x * sine)
    within: NDArray[np.bool_] = (along <= length / 2) & (across <= height / 2)
    return within
