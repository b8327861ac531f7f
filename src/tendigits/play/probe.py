"""What every layer of a network answers to digits, with the weights of any moment.

probe = Probe(model)
hidden, output = probe(weights, x)          # x float32 (n, 784) -> float32 (n, units) for each layer
probe.gradient(weights, x, layer=1, unit=7) # float32 (784,): which pixels excite that unit

Keras' own stateless call, compiled; it may run in one thread while the network learns in another.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

CHUNK = 1000
"""Digits in one run of the compiled program; any other number than this and 1 is filled up, so that there are only two
programs for each network."""


class Probe:
    """The compiled functions of one model."""

    def __init__(self, model: keras.Model) -> None:
        self.layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
        """Those with units: the hidden ones, and the ten digits'."""
        seen = keras.Model(model.inputs, [layer.output for layer in self.layers])
        others = [variable.value for variable in seen.non_trainable_variables]

        def outputs(weights: Any, x: Any) -> list[jax.Array]:
            found = seen.stateless_call(weights, others, x, training=False)[0]
            return list(found) if isinstance(found, list | tuple) else [found]

        def gradient(weights: Any, x: Any, layer: int, unit: Any) -> jax.Array:
            mean: jax.Array = jax.grad(lambda x: outputs(weights, x)[layer][:, unit].sum())(x).mean(axis=0)
            return mean

        self._outputs: Any = jax.jit(outputs)
        self._gradient: Any = jax.jit(gradient, static_argnums=2)

    def __call__(self, weights: Sequence[jax.Array], x: np.ndarray) -> list[np.ndarray]:
        """Each layer's outputs after its activation; the last are the probabilities of the ten digits.

        Args:
            weights: as `model.trainable_variables`.
            x: float32 (n, 784) in [0, 1].

        Returns:
            float32 (n, units) for each layer.
        """
        if len(x) == 1:
            return [np.asarray(layer) for layer in self._outputs(weights, x)]
        parts = [self._chunk(weights, x[first : first + CHUNK]) for first in range(0, len(x), CHUNK)]
        return [np.concatenate(layer) for layer in zip(*parts, strict=True)]

    def _chunk(self, weights: Sequence[jax.Array], x: np.ndarray) -> list[np.ndarray]:
        filled = np.zeros((CHUNK, x.shape[1]), np.float32)
        filled[: len(x)] = x
        return [np.asarray(layer)[: len(x)] for layer in self._outputs(weights, filled)]

    def gradient(self, weights: Sequence[jax.Array], x: np.ndarray, layer: int, unit: int) -> np.ndarray:
        """How a unit's output rises with each pixel, on average over some digits: float32 (784,)."""
        return np.asarray(self._gradient(weights, jnp.asarray(x), layer, unit))
