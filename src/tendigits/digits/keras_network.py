"""A Keras model as a digit network.

logits = keras_logits(model, "first")           # uint8 (n, 28, 28) -> float32 (n, 10)
layers = KerasLayers(model)                     # KerasLayers(model)(crop): the outputs of each hidden layer
"""

from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from tendigits.data.preprocess import to_input
from tendigits.digits.layers import Layer, as_pictures
from tendigits.digits.runtime import Floats
from tendigits.errors import ModelFileError
from tendigits.model.calibration import MIN_PROBABILITY
from tendigits.model.network import CLASSES, predict

Crops = NDArray[np.uint8]

INPUTS = ((784,), (28, 28), (28, 28, 1))  # shapes of a digit that a model may take
RELUS = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)


def keras_logits(model: keras.Model, name: str) -> Callable[[Crops], Floats]:
    """The logits of a model that outputs logits, or probabilities, for uint8 (n, 28, 28): float32 (n, 10).

    Raises:
        ModelFileError: the model has other shapes; when called: its outputs are not finite.
    """
    given, made = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if not (isinstance(given, tuple) and given[1:] in INPUTS and made == (None, CLASSES)):
        found = f"one from {given} to {made}" if given else "one that is not built; give it an Input"
        raise ModelFileError(
            f"{name}: expected a model from (n, 784), (n, 28, 28) or (n, 28, 28, 1) to (n, 10), received {found}"
        )

    def outputs(crops: Crops) -> Floats:
        return predict(model, to_input(crops).reshape(-1, *given[1:]))

    blank_and_full = outputs(np.stack([np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)]))
    is_softmax = bool((blank_and_full >= 0).all() and np.allclose(blank_and_full.sum(axis=1), 1, atol=1e-2))

    def logits(crops: Crops) -> Floats:
        found = outputs(crops)
        if not np.isfinite(found).all():
            raise ModelFileError(f"{name}: expected finite outputs, received NaN or infinity; train it again")
        return np.log(np.maximum(found, MIN_PROBABILITY)) if is_softmax else found

    return logits


class KerasLayers:
    """The hidden layers of a Keras model, each after its activation."""

    def __init__(self, model: keras.Model) -> None:
        outputs = [layer.output for layer in model.layers if _is_activated(layer)]
        hidden = [output for output in outputs if output is not model.outputs[0]]
        self._shape = model.input_shape[1:]
        self._model = keras.Model(model.inputs[0], hidden) if hidden else None

    def __call__(self, crop: NDArray[np.uint8]) -> list[Layer]:
        """Their outputs for a crop, uint8 (28, 28), white on black; empty without hidden layers."""
        if self._model is None:
            return []
        found = self._model.predict(to_input(crop[np.newaxis]).reshape(-1, *self._shape), verbose=0)
        outputs = found if isinstance(found, list) else [found]  # Keras gives a single output without its list
        return as_pictures([np.moveaxis(values[0], -1, 0) if values.ndim == 4 else values[0] for values in outputs])


def _is_activated(layer: keras.Layer) -> bool:
    linear = keras.activations.linear
    return isinstance(layer, RELUS) or getattr(layer, "activation", linear) is not linear
