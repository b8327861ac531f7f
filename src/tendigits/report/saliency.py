"""What a network looks at: the weights of its first layer, and the pixels that an answer hangs on.

units = first_layer(model, images.any(axis=0))     # as pictures, or None
maps = saliency(model, x, answers)                 # float32 (n, 28, 28)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from tendigits.model.network import PIXELS

Array = np.ndarray[Any, Any]

UNITS = 64
_SIDE = 28


@dataclass(frozen=True, eq=False)
class FirstLayer:
    """What the strongest units of a first layer look at."""

    n: int
    """All units of the layer."""
    weights: Array
    """float32 (at most 64, height, width): 28x28 of a Dense layer, a kernel of a convolution.

    In the layer's order where all are here, which for a network without hidden layers is that of the digits; else
    strongest first.
    """
    is_dense: bool


def first_layer(model: keras.Model, inked: Array) -> FirstLayer | None:
    """The weights from the pixels to the first layer that has any; None where they are no pictures.

    Args:
        inked: bool (28, 28), where the digits ever have ink. Elsewhere a Dense layer's weights are as they were
            drawn, and are left out: nothing comes from there.
    """
    kernels = (getattr(layer, "kernel", None) for layer in _parts(model))
    first = next((np.asarray(kernel) for kernel in kernels if kernel is not None), None)
    if first is None:
        return None
    if first.ndim == 2 and len(first) == PIXELS:
        units = first.T.reshape(-1, _SIDE, _SIDE) * inked
    elif first.ndim == 4 and first.shape[2] == 1:  # on the pixels themselves
        units = first[:, :, 0].transpose(2, 0, 1)
    else:
        return None
    n = len(units)
    if n > UNITS:
        strength = np.linalg.norm(units.reshape(n, -1), axis=1)
        units = units[np.argsort(-strength, kind="stable")[:UNITS]]
    return FirstLayer(n, units, is_dense=first.ndim == 2)


def saliency(model: keras.Model, x: Array, answers: Array) -> Array:
    """The gradient of the answer's probability with respect to the pixels: float32 (n, 28, 28).

    Where it is positive more ink would make the network surer, where it is negative less sure. K. Simonyan,
    A. Vedaldi, A. Zisserman, "Deep inside convolutional networks", 2013, https://arxiv.org/abs/1312.6034

    Args:
        x: float32 (n, 784) in [0, 1].
        answers: integers (n,), 0 to 9.
    """
    trained = [v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables]

    def certainty(x: Any) -> Any:
        shares, _ = model.stateless_call(*trained, x, training=False)
        # As the ten sum to 1, the answer's has the gradient of minus the others' sum, which is exact also near 1.
        return -jnp.sum(shares * (1 - jax.nn.one_hot(answers, shares.shape[1])))

    return np.asarray(jax.grad(certainty)(jnp.asarray(x))).reshape(-1, _SIDE, _SIDE)


def _parts(layer: Any) -> Iterator[Any]:
    """The layer and all within it, in order."""
    yield layer
    for part in getattr(layer, "layers", ()):
        yield from _parts(part)
