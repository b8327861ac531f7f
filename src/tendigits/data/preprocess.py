"""The only place where pixels become network input, shared by training and reading so that they cannot drift apart.

to_mnist(ink)     white ink on black, any size -> 28x28, normalised as MNIST's digits were
to_input(images)  28x28 pixels -> the 784 numbers that the network sees
one_hot(labels)   digits -> the ten numbers that the network is trained towards
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.errors import DataError

FIELD = 28
"""Side of the field that a digit stands in."""

BOX = 20
"""The longer side of a digit in it."""

INK = 0.1
"""Share of the brightest pixel above which a pixel is ink: blurred edges belong to the digit, paper grain does not.

With 0.05, 95% of MNIST's digits pass through `to_mnist` unchanged; with 0.1, 85%; with 0.2, 68%.
"""


def to_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn images, uint8 (n, 28, 28), into network input, float32 (n, 784) from 0.0 to 1.0.

    Raises:
        DataError: another shape or dtype.
    """
    if images.dtype != np.uint8 or images.shape[1:] != (FIELD, FIELD):
        raise DataError(
            f"expected images as uint8 (n, 28, 28), received {images.dtype} {images.shape}; use to_mnist on each first"
        )
    pixels: NDArray[np.float32] = images.reshape(-1, FIELD * FIELD).astype(np.float32)
    pixels /= np.float32(255)
    return pixels


def one_hot(labels: NDArray[Any]) -> NDArray[np.float32]:
    """Turn labels, whole numbers (n,) from 0 to 9, into float32 (n, 10): 1.0 at the digit, else 0.0.

    Raises:
        DataError: another label; Keras' to_categorical would take -1 for a 9.
    """
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError(f"expected labels as whole numbers (n,), received {labels.dtype} {labels.shape}; convert them")
    bad = np.flatnonzero((labels < 0) | (labels > 9))
    if len(bad):
        raise DataError(f"expected labels 0 to 9, received {labels[bad[0]]} in row {bad[0]}; correct or drop that row")
    rows: NDArray[np.float32] = np.eye(10, dtype=np.float32)[labels]
    return rows


def to_mnist(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Normalise one digit as MNIST's were.

    "The original black and white (bilevel) images from NIST were size normalized to fit in a 20x20 pixel box while
    preserving their aspect ratio. [...] the images were centered in a 28x28 image by computing the center of mass of
    the pixels, and translating the image so as to position this point at the center of the 28x28 field."
    (LeCun, Cortes, Burges: The MNIST database, http://yann.lecun.com/exdb/mnist/)

    Args:
        ink: uint8 (height, width), white ink on black, one digit.

    Returns:
        uint8 (28, 28), white ink on black; all zeros where there is no ink.

    Raises:
        DataError: another shape or dtype.
    """
    if ink.dtype != np.uint8 or ink.ndim != 2:
        raise DataError(f"expected ink as uint8 (height, width), received {ink.dtype} {ink.shape}; convert it to grey")
    field = np.zeros((FIELD, FIELD), np.uint8)
    if not ink.any():
        return field
    digit = _fit(_crop(ink), BOX)
    if faded := int(digit.max()):  # a hair-thin stroke pales as it shrinks; MNIST's strokes are as bright as their ink
        digit = (digit * (int(ink.max()) / faded)).round().astype(np.uint8)
    height, width = digit.shape
    rows, columns = digit.sum(axis=1, dtype=np.int64), digit.sum(axis=0, dtype=np.int64)
    top, left = _start(rows), _start(columns)
    field[top : top + height, left : left + width] = digit
    return field


def _crop(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mask = ink > INK * int(ink.max())
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fit(digit: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    from PIL import Image

    height, width = digit.shape
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Each small pixel is the mean of the area it covers, which is how MNIST's greys came about.
    way = Image.Resampling.BOX if scale < 1 else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(digit).resize(size, way), dtype=np.uint8)


def _start(sums: NDArray[np.int64]) -> int:
    """Where the box starts along one axis, so that the centre of mass of `sums` comes to the centre of the field."""
    if not sums.any():  # hair-thin ink can vanish in the scaling
        return (FIELD - len(sums)) // 2
    centre = float(np.dot(sums, np.arange(len(sums))) / sums.sum())
    # In MNIST itself the centre of mass is within half a pixel of index 14, not 13.5.
    return min(max(round(FIELD / 2 - centre), 0), FIELD - len(sums))
