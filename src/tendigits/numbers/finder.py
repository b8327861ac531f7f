"""Find numbers on a page: a small network says where the middle of a number runs, and how high its digits are.

numbers, more = find_numbers(network, grey)     # where each stands, in pixels of `grey`
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

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

TOGETHER = 64
"""Places that are compared with all others at once: what that takes fits into a core's cache."""

Network = Callable[[Grey], Floats]
"""uint8 (height, width) -> float32 (height / 4, width / 4, 2): logit of a number, log2 of the height; see `load`."""


@dataclass(frozen=True)
class Detection:
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
    return load(asset("numbers", "finder.onnx"), threads)


def find_numbers(network: Network, grey: Grey) -> tuple[list[Detection], bool]:
    """Find the numbers of a page, uint8 (height, width), in no order; and whether there are more than MOST."""
    found: list[Detection] = []
    for n, (scale, copy) in enumerate(_copies(grey)):
        found += _places(network, copy, scale, LOW if n else LOWEST)
    found.sort(key=lambda place: -place.score)
    groups = [*islice(group_places(found), MOST + 1)]
    return [group[0] for group in groups[:MOST]], len(groups) > MOST


def group_places(places: Sequence[Detection]) -> Iterator[list[Detection]]:
    """Group places with the first of them that shows the same number, or a part of it; in their order."""
    table, left = as_table(places), np.ones(len(places), bool)
    while len(rest := np.flatnonzero(left)):
        together = rest[:TOGETHER]
        for first, same in zip(together, same_place(table[together], table[rest]), strict=True):
            if left[first]:
                members = rest[same & left[rest]]
                left[members] = False
                yield [places[i] for i in members.tolist()]


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


def _places(network: Network, copy: Grey, scale: float, lowest: float) -> list[Detection]:
    """The numbers of one copy whose digits are at least so high there, in pixels of the picture."""
    below, right = (MARGIN + -(size + 2 * MARGIN) % GRID for size in copy.shape)
    said = network(cv2.copyMakeBorder(copy, MARGIN, below, MARGIN, right, cv2.BORDER_REPLICATE))
    share = 1 / (1 + np.exp(-said[..., 0]))
    _, labels = cv2.connectedComponents((share >= LEAST).astype(np.uint8), connectivity=8)
    rows, columns = np.nonzero(labels)
    order = np.lexsort((said[rows, columns, 1], labels[rows, columns]))  # by number, then by the height of its digits
    rows, columns = rows[order], columns[order]
    numbers = _Numbers(labels[rows, columns])
    digit = MIDDLE_HEIGHT * np.exp2(numbers.median(said[rows, columns, 1].astype(np.float64)))
    kept = (lowest <= digit) & (digit <= HIGHEST)
    points = (np.stack([columns, rows], axis=1).astype(np.float64) + 0.5) * PLACE - MARGIN
    own = numbers.directions(points)
    extent = np.ptp(numbers.ends(points, own), axis=0)
    # Which way a short number runs, its neighbours tell.
    long = own[kept & (extent > 3 * digit)]
    angle = np.where(extent > LONG * digit, own, np.median(long) if len(long) else 0.0)
    first, last = numbers.ends(points, angle)
    first, last = first - PLACE / 2 + CAP * digit, last + PLACE / 2 - CAP * digit
    axis = np.stack([np.cos(angle), np.sin(angle)])
    across = (numbers.mean(points) * np.stack([-axis[1], axis[0]], axis=1)).sum(axis=1)
    x, y = (first + last) / 2 * axis + across * np.stack([-axis[1], axis[0]])
    score = numbers.mean(share[rows, columns])
    length = np.maximum(last - first, digit / 4)
    found = np.stack([x / scale, y / scale, angle, length / scale, digit / scale, score], axis=1)
    return [Detection(*row) for row in found[kept].tolist()]


class _Numbers:
    """Points of several numbers, one number's after another's."""

    def __init__(self, labels: NDArray[np.int32]) -> None:
        """`labels` says for each point which number, from 1, it belongs to."""
        self._starts = np.flatnonzero(np.diff(labels, prepend=0))
        self._sizes = np.diff(self._starts, append=len(labels))

    def mean(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Of each number's values, (points, ...): float64 (numbers, ...)."""
        sums = np.add.reduceat(values, self._starts, dtype=np.float64)
        means: NDArray[np.float64] = sums / self._sizes.reshape(-1, *[1] * (values.ndim - 1))
        return means

    def median(self, ascending: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each number's values, (points,), which ascend within a number."""
        low, high = self._starts + (self._sizes - 1) // 2, self._starts + self._sizes // 2
        middles: NDArray[np.float64] = (ascending[low] + ascending[high]) / 2
        return middles

    def directions(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Along which axis each number's points, (points, 2), lie, in radians from -pi / 2 to pi / 2."""
        x, y = (points - np.repeat(self.mean(points), self._sizes, axis=0)).T
        return 0.5 * np.arctan2(2 * self.mean(x * y), self.mean(x * x - y * y))

    def ends(self, points: NDArray[np.float64], angles: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where each number's points begin and end along its angle: float64 (2, numbers)."""
        axes = np.repeat(np.stack([np.cos(angles), np.sin(angles)], axis=1), self._sizes, axis=0)
        along = (points * axes).sum(axis=1)
        return np.stack([np.minimum.reduceat(along, self._starts), np.maximum.reduceat(along, self._starts)])


def as_table(places: Sequence[Detection]) -> NDArray[np.float64]:
    """x, y, length, height, and the direction's cosine and sine of places: float64 (n, 6)."""
    rows = [(p.x, p.y, p.length, p.height, np.cos(p.angle), np.sin(p.angle)) for p in places]
    return np.array(rows, np.float64).reshape(-1, 6)


def same_place(places: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether places show the same number as others, or a part of it: bool (places, others); see `as_table`.

    They do where the middle of one lies on the other.
    """
    return _lies_on(others, places) | _lies_on(places, others).T


def _lies_on(middles: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the middles of places lie on places: bool (places, middles)."""
    length, height, cosine, sine = places[:, 2:].T
    axes = np.stack([[cosine, sine], [-sine, cosine]]).transpose(0, 2, 1)  # along and across, (places, 2) each
    along, across = abs(axes @ middles[:, :2].T - (axes * places[:, :2]).sum(axis=2)[..., None])
    within: NDArray[np.bool_] = (along <= length[:, None] / 2) & (across <= height[:, None] / 2)
    return within
