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
PAPER_SHRINK = 4  # how much smaller the copy is on which the paper's grey level is measured, as the median of
PAPER_WINDOW_PX = 15  # squares of this side, which are wider than the strokes of digits
NOISE = 0.02  # of the paper's grey level: smaller contrasts do not count

Network = Callable[[Grey], Floats]
"""uint8 (height, width) -> float32 (height / 4, width / 4, 2): logit of a number, log2 of the digits' height."""


def load(data: bytes, threads: int | None = None) -> Network:
    """Open the finder's .onnx file. Raises ModelFileError if it is damaged or another network."""
    network = OnnxNetwork(data, "the finder", threads, keeps_memory=False)
    if network.output_shape[-1] != 8:
        raise ModelFileError(f"expected a network that finds numbers, received {network.shapes}")

    def run(grey: Grey) -> Floats:
        output = network(standardize(even_contrast(grey))[None, :, :, None])[0]
        rows, columns, _ = output.shape  # each holds 2x2 cells
        cells: Floats = output.reshape(rows, columns, 2, 2, 2).transpose(0, 2, 1, 3, 4)
        return cells.reshape(2 * rows, 2 * columns, 2)

    return run


def even_contrast(grey: Grey) -> Grey:
    """A page, uint8 (height, width), on even grey paper, with larger contrasts: pencil is nearly as dark as print."""
    size = [max(1, side // PAPER_SHRINK) for side in grey.shape[::-1]]
    small = cv2.dilate(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.ones((3, 3), np.uint8))
    paper = cv2.resize(cv2.medianBlur(small, PAPER_WINDOW_PX), grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    contrast = np.linspace(-1, 1, 256)
    larger = np.sign(contrast) * np.sqrt(np.maximum(abs(contrast) - NOISE, 0))
    table = (127.5 + 127.5 * larger).astype(np.uint8)
    return np.asarray(cv2.LUT(cv2.divide(grey, paper, scale=127.5), table), np.uint8)


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
        lowest = options.min_digit_height_in_smaller_copies_px if n else 0.0
        found += _detect(network, copy, scale, lowest, options)
    found.sort(key=lambda detection: -detection.score)
    groups = [*islice(group_detections(found), options.max_numbers + 1)]
    return [group[0] for group in groups[: options.max_numbers]], len(groups) > options.max_numbers


def _copies(grey: Grey, options: NumberOptions) -> Iterator[tuple[float, Grey]]:
    """Smaller and smaller copies of a page, and their scales."""
    scale, copy = min(1.0, options.max_page_side_px / max(grey.shape)), grey
    while True:
        size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
        copy = copy if scale == 1 else cv2.resize(copy, size, interpolation=cv2.INTER_AREA)
        yield scale, copy
        scale /= options.page_scale_step
        if min(grey.shape) * scale < options.min_digit_height_in_smaller_copies_px:
            return


def _detect(network: Network, copy: Grey, scale: float, lowest: float, options: NumberOptions) -> list[Detection]:
    """The numbers of one copy whose digits are at least `lowest` pixels high there, in pixels of the page.

    A mask that is much higher than its digits joins numbers of several rows: a higher threshold splits it.
    """
    below, right = (PADDING_PX + -(size + 2 * PADDING_PX) % SIZE_MULTIPLE_PX for size in copy.shape)
    output = network(cv2.copyMakeBorder(copy, PADDING_PX, below, PADDING_PX, right, cv2.BORDER_REPLICATE))
    probability = 1 / (1 + np.exp(-output[..., 0]))
    found, high, weight, typical = [np.zeros((0, 6))], np.ones(probability.shape, bool), 1.0, None
    for least in options.min_number_probabilities:
        _, labels = cv2.connectedComponents((high & (probability >= least)).astype(np.uint8), connectivity=8)
        if not labels.any():
            break
        masks = Masks(labels, probability, output[..., 1])
        is_size = lowest <= masks.height
        typical = masks.typical_angle(is_size) if typical is None else typical
        angle = masks.angles(typical, int(is_size.sum()), options)
        is_high = masks.height_across(angle) > options.max_mask_height * masks.height
        is_high &= least < options.min_number_probabilities[-1]
        found.append(masks.detections(angle, weight, options.mask_overhang)[is_size & ~is_high])
        high, weight = np.append(False, is_high)[labels], options.part_weight
    rows = np.concatenate(found) / [scale, scale, 1, scale, scale, 1]
    return [Detection(*row) for row in rows.tolist()]


def _typical(angles: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """The weighted median of some angles; 0 without weights."""
    order = np.argsort(angles)
    total = np.cumsum(weights[order])
    return float(angles[order][np.searchsorted(total, total[-1] / 2)]) if weights.any() else 0.0


class Masks:
    """Connected cells of the finder's output; each such mask is a number. All results are float64 (numbers, ...)."""

    def __init__(self, labels: NDArray[Any], probability: NDArray[Any], log_height: Floats) -> None:
        rows, columns = np.nonzero(labels)
        order = np.lexsort((log_height[rows, columns], labels[rows, columns]))
        rows, columns = rows[order], columns[order]  # by number, then by the height of its digits
        self._cells = _Segments(labels[rows, columns])
        self._points = (np.stack([columns, rows], axis=1).astype(np.float64) + 0.5) * CELL_PX - PADDING_PX
        self._principal = self._cells.directions(self._points)
        self._score = self._cells.mean(probability[rows, columns])
        self._extent = np.ptp(self._cells.ends(self._points, self._principal), axis=0)
        self.height = REFERENCE_HEIGHT_PX * np.exp2(self._cells.median(log_height[rows, columns].astype(np.float64)))
        """Of a digit, in pixels."""

    def typical_angle(self, is_counted: NDArray[np.bool_]) -> float:
        """The angle at which most of the writing in some masks runs; 0 without any."""
        return _typical(self._principal, is_counted * self._extent / self.height)

    def angles(self, typical: float, n_numbers: int, options: NumberOptions) -> NDArray[np.float64]:
        """The angle of each number; short ones, and those across the page, run as most of the writing does."""
        is_page = n_numbers >= options.min_numbers_of_page
        least = options.min_mask_length_on_page if is_page else options.min_mask_length
        is_across = abs(np.sin(self._principal - typical)) > options.max_turn
        return np.where((self._extent > least * self.height) & ~is_across, self._principal, typical)

    def height_across(self, angle: NDArray[np.float64]) -> NDArray[np.float64]:
        """How high each mask is, across its number, in pixels."""
        height: NDArray[np.float64] = np.ptp(self._cells.ends(self._points, angle + np.pi / 2), axis=0)
        return height

    def detections(self, angle: NDArray[np.float64], weight: float, overhang: float) -> NDArray[np.float64]:
        """A row for each number, (numbers, 6), with the fields of `Detection`; its score is weighted."""
        first, last = self._cells.ends(self._points, angle)
        first = first - CELL_PX / 2 + overhang * self.height
        last = last + CELL_PX / 2 - overhang * self.height
        axis = np.stack([np.cos(angle), np.sin(angle)])
        normal = np.stack([-axis[1], axis[0]])
        x, y = (first + last) / 2 * axis + (self._cells.mean(self._points) * normal.T).sum(axis=1) * normal
        length = np.maximum(last - first, self.height / 4)
        return np.stack([x, y, angle, length, self.height, weight * self._score], axis=1)


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
