"""One untrusted picture of one digit -> 28x28 pixels as MNIST has them, or a DataError that names the file.

pixels = read_image(Path("digits/7/scan.png"))
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tendigits.data.image import MIN_CONTRAST, open_photo
from tendigits.data.preprocess import FIELD, to_mnist


@dataclass(frozen=True, eq=False)
class Digit:
    """A picture that was read."""

    pixels: NDArray[np.uint8]
    """uint8 (28, 28), white ink on black."""

    inverted: bool
    """It had dark ink on light ground."""


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read a picture of one digit.

    Dark ink on light ground is inverted. A picture of 28x28 keeps its pixels; any other goes through `to_mnist`.

    Returns:
        uint8 (28, 28), white ink on black; all zeros where the picture is blank.

    Raises:
        DataError: not a whole picture, or one that is too large.
    """
    return read_digit(path).pixels


def read_digit(path: Path) -> Digit:
    """Like `read_image`, and say whether the picture was inverted."""
    grey = open_photo(path).grey
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = float(np.median(border))
    inverted = paper > 127
    ink = 255 - grey if inverted else grey
    if ink.shape == (FIELD, FIELD):
        return Digit(ink, inverted)
    return Digit(to_mnist(_without_paper(ink, 255 - paper if inverted else paper)), inverted)


def _without_paper(ink: NDArray[np.uint8], paper: float) -> NDArray[np.uint8]:
    """Make the paper black and the strongest ink white, as in MNIST."""
    lifted = np.clip(ink.astype(np.float32) - paper, 0, None)
    strongest = float(lifted.max())
    if strongest < MIN_CONTRAST:
        return np.zeros_like(ink)
    stretched: NDArray[np.uint8] = (lifted * (255 / strongest)).round().astype(np.uint8)
    return stretched
