"""Turn pixels into network input, for training and for reading.

to_mnist(digit)   white on black, any size -> 28x28, normalised as MNIST's digits were
to_input(images)  28x28 pixels -> the 784 numbers that the network sees
one_hot(labels)   digits -> the ten numbers that the network is trained on
standardize(grey) grey pixels of a number or a page -> mean 0 and deviation 1
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.errors import DataError

FIELD = 28  # pixels: side of the image that a digit is centred in
BOX = 20  # pixels: longer side of the digit itself
FOREGROUND = 0.1  # of the brightest pixel: brighter pixels are foreground, as blurred edges are and paper noise is not
MIN_DEVIATION = 4.0  # of 255: dividing by a smaller standard deviation would turn noise of blank paper into strokes


def to_input(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn images, uint8 (n, 28, 28), into network input, float32 (n, 784) from 0.0 to 1.0. Raises DataError."""
    if images.dtype != np.uint8 or images.shape[1:] != (FIELD, FIELD):
        raise DataError(
            f"expected uint8 (n, 28, 28), received {images.dtype} {images.shape}; use to_mnist on each first"
        )
    pixels: NDArray[np.float32] = images.reshape(-1, FIELD * FIELD).astype(np.float32)
    pixels /= np.float32(255)
    return pixels


def one_hot(labels: NDArray[Any]) -> NDArray[np.float32]:
    """Turn labels, whole numbers (n,) from 0 to 9, into float32 (n, 10): 1.0 at the digit, else 0.0.

    Raises DataError for other labels; Keras' to_categorical would take -1 for a 9.
    """
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError(f"expected labels as whole numbers (n,), received {labels.dtype} {labels.shape}; convert them")
    bad = np.flatnonzero((labels < 0) | (labels > 9))
    if len(bad):
        raise DataError(f"expected labels 0 to 9, received {labels[bad[0]]} in row {bad[0]}; correct or drop that row")
    return np.asarray(np.eye(10, dtype=np.float32)[labels])


def standardize(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale grey pixels to mean 0 and standard deviation 1, as the networks for numbers and pages expect them."""
    values: NDArray[np.float32] = grey.astype(np.float32)
    values -= values.mean()
    values /= max(float(np.sqrt(np.vdot(values, values) / values.size)), MIN_DEVIATION)
    return values


def to_mnist(digit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Normalise one digit as MNIST's were normalised.

    "The original black and white (bilevel) images from NIST were size normalized to fit in a 20x20 pixel box while
    preserving their aspect ratio. [...] the images were centered in a 28x28 image by computing the center of mass of
    the pixels, and translating the image so as to position this point at the center of the 28x28 field."
    (LeCun, Cortes, Burges: The MNIST database, http://yann.lecun.com/exdb/mnist/)

    Args:
        digit: uint8 (height, width), white on black.

    Returns:
        uint8 (28, 28), white on black; all zeros if the image is black.
    """
    if digit.dtype != np.uint8 or digit.ndim != 2:
        raise DataError(f"expected uint8 (height, width), received {digit.dtype} {digit.shape}; convert it to grey")
    field = np.zeros((FIELD, FIELD), np.uint8)
    if not digit.any():
        return field
    box = _fit(_crop(digit))
    if faded := int(box.max()):  # a very thin stroke fades when it is shrunk
        box = (box * (int(digit.max()) / faded)).round().astype(np.uint8)
    height, width = box.shape
    top, left = (_start(box.sum(axis=axis, dtype=np.int64)) for axis in (1, 0))
    field[top : top + height, left : left + width] = box
    return field


def _crop(digit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mask = digit > FOREGROUND * int(digit.max())
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fit(digit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    height, width = digit.shape
    scale = BOX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Each small pixel is the mean of the area it covers, as in MNIST.
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(digit).resize(size, method), dtype=np.uint8)


def _start(sums: NDArray[np.int64]) -> int:
    """Place the box along one axis: its centre of mass goes to the centre of the field."""
    if not sums.any():  # a very thin stroke can vanish
        return (FIELD - len(sums)) // 2
    centre = float(np.dot(sums, np.arange(len(sums))) / sums.sum())
    # In MNIST the centre of mass is within half a pixel of index 14, not 13.5.
    return min(max(round(FIELD / 2 - centre), 0), FIELD - len(sums))
