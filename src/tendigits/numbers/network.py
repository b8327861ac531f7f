"""The network that reads strips, run by onnxruntime.

network = NumberNetwork(data)
outputs = network(strips)           # uint8 (40, width) each -> float32 (width / 2, classes + 1 + 4) each
"""

from collections.abc import Sequence
from functools import cache

import numpy as np

from tendigits.data.preprocess import standardize
from tendigits.digits.runtime import Floats, OnnxNetwork, asset
from tendigits.errors import ModelFileError
from tendigits.numbers.decode import HEIGHT, NONE, STRIDE
from tendigits.pictures.image import Grey

GRID = 4  # pixels; the width of a strip is a multiple of it
GAP_PX = 16  # between two strips in a row, so that neither is in the other's receptive field
ROW_WIDTH_PX = 256  # strips are packed into rows of this width, or of the widest strip's width
BATCH_SIZE = 8  # rows per run of the network; larger batches take more memory and are no faster


class NumberNetwork:
    """Predicts the character at each column of a strip."""

    def __init__(self, data: bytes, threads: int | None = None) -> None:
        """Open an .onnx file on up to `threads` cores, or on all. Raises ModelFileError for a damaged or other file."""
        self._network = network = OnnxNetwork(data, "the number network", threads)
        if network.input_shape[1] != HEIGHT or network.output_shape[-1] != GRID // STRIDE * (NONE + 5):
            raise ModelFileError(f"expected a network for strips of {HEIGHT} pixels, received {network.shapes}")
        self.about = network.metadata  # how the confidence of its readings is calibrated

    def __call__(self, strips: Sequence[Grey]) -> list[Floats]:
        """Read strips, uint8 (40, width) each; the widths are multiples of 4."""
        if not strips:
            return []
        widths = [strip.shape[1] for strip in strips]
        together = min(ROW_WIDTH_PX, sum(widths) + GAP_PX * (len(widths) - 1))
        positions, shape = pack(widths, max([*widths, together]))
        rows = np.zeros((shape[0], HEIGHT, shape[1], 1), np.float32)
        for strip, (row, left) in zip(strips, positions, strict=True):
            rows[row, :, left : left + strip.shape[1], 0] = standardize(strip)
        parts = [self._network(rows[first : first + BATCH_SIZE]) for first in range(0, len(rows), BATCH_SIZE)]
        outputs = np.concatenate(parts).reshape(len(rows), shape[1] // STRIDE, NONE + 5)
        spans = zip(positions, widths, strict=True)
        return [outputs[row, left // STRIDE : (left + width) // STRIDE] for (row, left), width in spans]


@cache
def bundled(threads: int | None = None) -> NumberNetwork:
    """The network in the package. Raises ModelFileError if the package is damaged."""
    return NumberNetwork(bundled_file(), threads)


def bundled_file() -> bytes:
    """The network's .onnx file in the package. Raises ModelFileError if the package is damaged."""
    return asset("numbers", "numbers.onnx")


def pack(widths: Sequence[int], row_width: int) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Pack strips, none wider than a row, into as few rows as possible, the widest first, with a gap between them.

    Returns the row and the left edge of each strip; and the number of rows and their width.
    """
    ends: list[int] = []
    positions = [(0, 0)] * len(widths)
    for strip in sorted(range(len(widths)), key=lambda i: -widths[i]):
        row = next((n for n, end in enumerate(ends) if end + widths[strip] <= row_width), len(ends))
        if row == len(ends):
            ends.append(0)
        positions[strip] = row, ends[row]
        ends[row] += widths[strip] + GAP_PX
    return positions, (len(ends), row_width)
