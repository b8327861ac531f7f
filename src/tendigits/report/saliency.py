"""Saliency maps: the pixels that a prediction depends on, and pictures for a page that loads nothing.

maps = saliency(model, x, predicted)               # float32 (n, 28, 28)
signed_png(maps[0])                                # as a data: URI
"""

import io
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tendigits.data.preprocess import FIELD

if TYPE_CHECKING:  # pictures need no Keras
    import keras

MAX_MAPS = 12  # digits with a saliency map

# Okabe and Ito's blue and orange for colour-blind people: https://jfly.uni-koeln.de/color/
_BLUE, _WHITE, _ORANGE = np.array([(0, 114, 178), (255, 255, 255), (213, 94, 0)])
_SHADES = 15  # of each colour; more would only make the file larger


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
    shades = np.rint(values * (_SHADES / max(float(np.abs(values).max()), 1e-30)))[..., None] / _SHADES
    pixels = _WHITE + np.abs(shades) * (np.where(shades < 0, _BLUE, _ORANGE) - _WHITE)
    return _data_uri(Image.fromarray(pixels.round().astype(np.uint8)))


def _data_uri(picture: Image.Image) -> str:
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(data.getvalue()).decode()}"
