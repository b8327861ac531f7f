"""What a network looks at: the weights of its first layer, and the pixels that a prediction depends on.

layer = first_layer(model, images.any(axis=0))     # weights as pictures, or None
maps = saliency(model, x, predicted)               # float32 (n, 28, 28)

signed_png(maps[0])                                # as a data: URI, for a page that loads nothing
"""

import io
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tendigits.data.preprocess import FIELD

if TYPE_CHECKING:  # pictures need no Keras
    import keras

MAX_UNITS = 64
"""Units of the first layer that are shown."""
MAX_MAPS = 12
"""Digits with a saliency map."""

# Okabe and Ito's blue and orange for colour-blind people: https://jfly.uni-koeln.de/color/
_BLUE, _WHITE, _ORANGE = np.array([(0, 114, 178), (255, 255, 255), (213, 94, 0)])
_SHADES = 15  # of each colour; more would only make the file larger
_COLUMNS = 8  # pictures in a row of a sheet


@dataclass(frozen=True, eq=False)
class FirstLayer:
    """The weights of the first layer's units with the largest norms."""

    n: int
    """Number of units in the layer."""
    weights: np.ndarray
    """float32 (at most 64, height, width): 28x28 of a Dense layer, or the kernels of a convolution.

    In the layer's order if all are shown, otherwise strongest first.
    """
    is_dense: bool


def first_layer(model: "keras.Model", used_pixels: np.ndarray) -> FirstLayer | None:
    """The weights of the first layer that has any; None if they cannot be shown as pictures.

    Args:
        model: the network.
        used_pixels: bool (28, 28), the pixels that are not black in every digit. The weights of a Dense layer for the
            other pixels are never trained, and are shown as 0.
    """
    kernels = (getattr(layer, "kernel", None) for layer in _sublayers(model))
    kernel = next((np.asarray(kernel) for kernel in kernels if kernel is not None), None)
    if kernel is None:
        return None
    if kernel.ndim == 2 and len(kernel) == FIELD * FIELD:
        units = kernel.T.reshape(-1, FIELD, FIELD) * used_pixels
    elif kernel.ndim == 4 and kernel.shape[2] == 1:  # a convolution of the pixels themselves
        units = kernel[:, :, 0].transpose(2, 0, 1)
    else:
        return None
    n = len(units)
    if n > MAX_UNITS:
        strength = np.linalg.norm(units.reshape(n, -1), axis=1)
        units = units[np.argsort(-strength, kind="stable")[:MAX_UNITS]]
    return FirstLayer(n, units, is_dense=kernel.ndim == 2)


def saliency(model: "keras.Model", x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The gradient of a label's probability with respect to the pixels: float32 (n, 28, 28).

    A brighter pixel would raise the probability if the gradient is positive, and lower it if it is negative.
    K. Simonyan, A. Vedaldi, A. Zisserman, "Deep inside convolutional networks", 2013, https://arxiv.org/abs/1312.6034

    Args:
        model: the network.
        x: float32 (n, 784) in [0, 1].
        labels: integers (n,), 0 to 9.
    """
    import jax
    import jax.numpy as jnp

    if not len(x):
        return np.zeros((0, FIELD, FIELD), np.float32)
    variables = [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables]

    def total_probability(x: Any, variables: Any, labels: Any) -> Any:
        probabilities, _ = model.stateless_call(*variables, x, training=False)
        # The probabilities sum to 1. Minus the sum of the others has the same gradient, but no rounding errors near 1.
        return -jnp.sum(probabilities * (1 - jax.nn.one_hot(labels, probabilities.shape[1])))

    gradient = jax.jit(jax.grad(total_probability))(jnp.asarray(x), variables, jnp.asarray(labels))
    return np.asarray(gradient).reshape(-1, FIELD, FIELD)


def digit_png(image: np.ndarray) -> str:
    """A digit, uint8 (height, width), white on black, as a PNG in a data: URI, black on white."""
    return _data_uri(Image.fromarray(255 - image))


def signed_png(values: np.ndarray) -> str:
    """Values, float (height, width), as a PNG in a data: URI: 0 is white, positive orange, negative blue."""
    shades = np.rint(_SHADES * _scaled(values))[..., None] / _SHADES
    pixels = _WHITE + np.abs(shades) * (np.where(shades < 0, _BLUE, _ORANGE) - _WHITE)
    return _data_uri(Image.fromarray(pixels.round().astype(np.uint8)))


def sheet_png(values: np.ndarray) -> str:
    """Arrays, float (n, height, width), in rows of eight; coloured as by `signed_png`, each on its own scale."""
    missing = -len(values) % _COLUMNS
    tiles = np.pad(np.array([_scaled(value) for value in values]), ((0, missing), (0, 1), (0, 1)))
    _, height, width = tiles.shape
    rows = tiles.reshape(-1, _COLUMNS, height, width).transpose(0, 2, 1, 3)
    return signed_png(rows.reshape(-1, _COLUMNS * width)[:-1, :-1])


def _scaled(values: np.ndarray) -> np.ndarray:
    """The values divided by the largest absolute one."""
    scaled: np.ndarray = values / max(float(np.abs(values).max()), np.finfo(np.float32).tiny)
    return scaled


def _data_uri(picture: Image.Image) -> str:
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(data.getvalue()).decode()}"


def _sublayers(layer: Any) -> Iterator[Any]:
    """The layer and all layers within it, in order."""
    yield layer
    for part in getattr(layer, "layers", ()):
        yield from _sublayers(part)
