"""What both networks are made of."""

from typing import Any

from keras import layers

MOMENTUM = 0.98
"""Of batch normalization: a chunk has some hundred steps."""


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
