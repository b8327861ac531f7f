"""Find the numbers of a page: a small network marks where a number runs and how high its digits are.

detections, is_truncated = find_numbers(network, grey)      # in pixels of `grey`
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tendigits.data.preprocess import standardize
from tendigits.digits.runtime import Floats, OnnxNetwork, asset
from tendigits.errors import ModelFileError
from tendigits.numbers.detections import Detection, group_detections
from tendigits.numbers.options import DEFAULT_OPTIONS, NumberOptions
from tendigits.pictures.image import Grey

CELL_PX = 4  # pixels of the page for each cell of the network's output
SIZE_MULTIPLE_PX = 16  # width and height of the network's input are multiples of it
REFERENCE_HEIGHT_PX = 16.0  # height of a digit for which the network outputs 0; twice that height is 1
PADDING_PX = 32  # added around a page by repeating its edges

Network = Callable[[Grey], Floats]
"""uint8 (height, width) -> float32 (height / 4, width / 4, 2): logit of a number, log2 of the digits' height."""


def load(data: bytes, threads: int | None = None) -> Network:
    """Open the finder's .onnx file. Raises ModelFileError if it is damaged or another network."""
    network = OnnxNetwork(data, "the finder", threads)
    if network.output_shape[-1] != 8:
        raise ModelFileError(f"expected a network that finds numbers, received {network.shapes}")

    def run(grey: Grey) -> Floats:
        output = network(standardize(grey)[None, :, :, None])[0]
        rows, columns, _ = output.shape  # each holds 2x2 cells
        cells: Floats = output.reshape(rows, columns, 2, 2, 2).transpose(0, 2, 1, 3, 4)
        return cells.reshape(2 * rows, 2 * columns, 2)

    return run


@cache
def bundled(threads: int | None = None) -> Network:
    """The network in the package. Raises ModelFileError if the package is damaged."""
    return load(asset("numbers", "finder.onnx"), threads)


def find_numbers(
    network: Network, grey: Grey, options: NumberOptions = DEFAULT_OPTIONS
) -> tuple[list[Detection], bool]:
    """The numbers of a page, uint8 (height, width), the best first; and whether there were over `max_numbers`."""
    found: list[Detection] = []
    for n, (scale, copy) in enumerate(_copies(grey, options)):
        lowest = options.min_digit_height_in_smaller_copies_px if n else options.min_digit_height_px
        found += _detect(network, copy, scale, lowest, options)
    found.sort(key=lambda detection: -detection.score)
    groups = [*islice(group_detections(found), options.max_numbers + 1)]
    return [group[0] for group in groups[: options.max_numbers]], len(groups) > options.max_numbers


def _copies(grey: Grey, options: NumberOptions) -> Iterator[tuple[float, Grey]]:
    """Smaller and smaller copies of a page, and their scales."""
    longest = max(grey.shape)
    scale = min(1.0, options.max_page_side_px / longest)
    while True:
        size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
        yield scale, grey if scale == 1 else cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        scale /= options.page_scale_step
        if longest * scale < options.min_page_side_px:
            return


def _detect(network: Network, copy: Grey, scale: float, lowest: float, options: NumberOptions) -> list[Detection]:
    """The numbers of one copy whose digits are at least `lowest` pixels high there, in pixels of the page."""
    below, right = (PADDING_PX + -(size + 2 * PADDING_PX) % SIZE_MULTIPLE_PX for size in copy.shape)
    output = network(cv2.copyMakeBorder(copy, PADDING_PX, below, PADDING_PX, right, cv2.BORDER_REPLICATE))
    probability = 1 / (1 + np.exp(-output[..., 0]))
    mask = (probability >= options.min_number_probability).astype(np.uint8)
    _, labels = cv2.connectedComponents(mask, connectivity=8)
    rows, columns = np.nonzero(labels)
    order = np.lexsort((output[rows, columns, 1], labels[rows, columns]))  # by number, then by the height of its digits
    rows, columns = rows[order], columns[order]
    numbers = _Segments(labels[rows, columns])
    height = REFERENCE_HEIGHT_PX * np.exp2(numbers.median(output[rows, columns, 1].astype(np.float64)))
    kept = (lowest <= height) & (height <= options.max_digit_height_px)
    points = (np.stack([columns, rows], axis=1).astype(np.float64) + 0.5) * CELL_PX - PADDING_PX
    principal = numbers.directions(points)
    extent = np.ptp(numbers.ends(points, principal), axis=0)
    # Short numbers run as most of the writing does; a long one across it is a sideways head.
    typical = _typical(principal, kept * extent / height)
    is_across = abs(np.sin(principal - typical)) > options.max_turn
    is_page = kept.sum() >= options.min_numbers_of_page
    least = options.min_mask_length_on_page if is_page else options.min_mask_length
    angle = np.where((extent > least * height) & ~is_across, principal, typical)
    kept &= ~is_across | (extent <= options.max_across * height)
    first, last = numbers.ends(points, angle)
    first = first - CELL_PX / 2 + options.mask_overhang * height
    last = last + CELL_PX / 2 - options.mask_overhang * height
    axis = np.stack([np.cos(angle), np.sin(angle)])
    normal = np.stack([-axis[1], axis[0]])
    x, y = (first + last) / 2 * axis + (numbers.mean(points) * normal.T).sum(axis=1) * normal
    score = numbers.mean(probability[rows, columns])
    length = np.maximum(last - first, height / 4)
    found = np.stack([x / scale, y / scale, angle, length / scale, height / scale, score], axis=1)
    return [Detection(*row) for row in found[kept].tolist()]


def _typical(angles: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The weighted median of some angles; 0 without weights."""
    order = np.argsort(angles)
    total = np.cumsum(weights[order])
    return float(angles[order][np.searchsorted(total, total[-1] / 2)]) if weights.any() else 0.0


class _Segments:
    """Statistics of consecutive segments of an array, one segment for each number."""

    def __init__(self, labels: NDArray[np.int32]) -> None:
        """`labels` gives the number, from 1, of each point."""
        self._starts = np.flatnonzero(np.diff(labels, prepend=0))
        self._sizes = np.diff(self._starts, append=len(labels))

    def mean(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Mean of each segment of values, (points, ...): float64 (numbers, ...)."""
        sums = np.add.reduceat(values, self._starts, dtype=np.float64)
        means: NDArray[np.float64] = sums / self._sizes.reshape(-1, *[1] * (values.ndim - 1))
        return means

    def median(self, ascending: NDArray[np.float64]) -> NDArray[np.float64]:
        """Median of each segment; the values, (points,), must ascend within each."""
        low, high = self._starts + (self._sizes - 1) // 2, self._starts + self._sizes // 2
        medians: NDArray[np.float64] = (ascending[low] + ascending[high]) / 2
        return medians

    def directions(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Principal axis of each segment of points, (points, 2), in radians from -pi / 2 to pi / 2."""
        x, y = (points - np.repeat(self.mean(points), self._sizes, axis=0)).T
        return 0.5 * np.arctan2(2 * self.mean(x * y), self.mean(x * x - y * y))

    def ends(self, points: NDArray[np.float64], angles: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where each segment begins and ends along its angle: float64 (2, numbers)."""
        axes = np.repeat(np.stack([np.cos(angles), np.sin(angles)], axis=1), self._sizes, axis=0)
        along = (points * axes).sum(axis=1)
        return np.stack([np.minimum.reduceat(along, self._starts), np.maximum.reduceat(along, self._starts)])
