"""The network that reads grey lines, run by onnxruntime.

network = NumberNetwork(data)
outputs = network(lines)            # uint8 (40, width) each -> float32 (width / 2, classes + 1 + 4) each
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tendigits.data.preprocess import standardize
from tendigits.digits.runtime import asset, open_session
from tendigits.errors import ModelFileError
from tendigits.numbers.decode import HEIGHT, NONE, STRIDE

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

GRID = 4
"""Pixels: the width of a line is a multiple of it."""

GAP = 16
"""Pixels between two lines of a strip, so that neither sees the other."""

STRIP = 256
"""Pixels: lines are put side by side into strips of this width, or as wide as the widest."""

BATCH = 8
"""Strips per run of the network: more is no faster, and takes more memory."""


class NumberNetwork:
    """Says what stands at each place of a line."""

    def __init__(self, data: bytes, threads: int | None = None) -> None:
        """Open it.

        Args:
            data: its .onnx file.
            threads: at most so many; None takes all cores.

        Raises:
            ModelFileError: the file is damaged, or has other shapes.
        """
        self._session = open_session(data, "the line network", threads)
        given, made = self._session.get_inputs()[0], self._session.get_outputs()[0]
        if given.shape[1] != HEIGHT or made.shape[-1] != GRID // STRIDE * (NONE + 5):
            raise ModelFileError(
                f"expected a network for lines of {HEIGHT} pixels, received one from {given.shape} to {made.shape}"
            )
        self._input = given.name
        self.about: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        """The file's metadata: how the confidence of what it reads is calibrated."""

    def __call__(self, lines: Sequence[Grey]) -> list[Floats]:
        """Read lines.

        Args:
            lines: uint8 (40, width) each; the widths are multiples of 4.
        """
        if not lines:
            return []
        widths = [line.shape[1] for line in lines]
        together = min(STRIP, sum(widths) + GAP * (len(widths) - 1))
        places, shape = pack(widths, max([*widths, together]))
        strips = np.zeros((shape[0], HEIGHT, shape[1], 1), np.float32)
        for line, (strip, left) in zip(lines, places, strict=True):
            strips[strip, :, left : left + line.shape[1], 0] = standardize(line)
        parts = [
            self._session.run(None, {self._input: strips[first : first + BATCH]})[0]
            for first in range(0, len(strips), BATCH)
        ]
        outputs = np.concatenate(parts).reshape(len(strips), shape[1] // STRIDE, NONE + 5)
        return [
            outputs[strip, left // STRIDE : (left + line.shape[1]) // STRIDE]
            for line, (strip, left) in zip(lines, places, strict=True)
        ]


@cache
def bundled(threads: int | None = None) -> NumberNetwork:
    """The network in the package. Raises ModelFileError if the package is damaged."""
    return NumberNetwork(bundled_file(), threads)


def bundled_file() -> bytes:
    """The network's .onnx file in the package. Raises ModelFileError if the package is damaged."""
    return asset("numbers", "numbers.onnx")


def pack(widths: Sequence[int], width: int) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Put lines into as few strips as possible, the widest first, with a GAP between them.

    Args:
        widths: of the lines, in pixels.
        width: of the strips; no line is wider.

    Returns:
        The strip and the left edge of each line; the number of strips and their width.
    """
    ends: list[int] = []
    places = [(0, 0)] * len(widths)
    for line in sorted(range(len(widths)), key=lambda i: -widths[i]):
        strip = next((n for n, end in enumerate(ends) if end + widths[line] <= width), len(ends))
        if strip == len(ends):
            ends.append(0)
        places[line] = strip, ends[strip]
        ends[strip] += widths[line] + GAP
    return places, (len(ends), width)
