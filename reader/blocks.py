"""What both networks are made of, and how both see a picture."""

from typing import Any

import numpy as np
from keras import layers
from numpy.typing import NDArray

MOMENTUM = 0.98
"""Of batch normalization: a chunk has some hundred steps."""

FLAT = 4.0
"""Of 255: a smaller standard deviation than this counts as this, or bare paper would become writing."""


def normalise(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture as a network sees it: mean 0 and, if it has some contrast, deviation 1; float32 of the same shape."""
    values: NDArray[np.float32] = picture.astype(np.float32)
    values -= values.mean()
    values /= max(float(values.std()), FLAT)
    return values


def convolve(
    x: Any, filters: int, kernel: tuple[int, int] = (3, 3), strides: tuple[int, int] = (1, 1), padding: str = "same"
) -> Any:
    """A convolution, batch normalization and ReLU."""
    x = layers.Conv2D(filters, kernel, strides, padding, use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))


def residual(x: Any, filters: int, kernel: tuple[int, int] = (3, 3)) -> Any:
    """Two convolutions, added to what goes in."""
    y = layers.Conv2D(filters, kernel, padding="same", use_bias=False)(convolve(x, filters, kernel))
    return layers.ReLU()(layers.Add()([x, layers.BatchNormalization(momentum=MOMENTUM)(y)]))
