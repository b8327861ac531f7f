"""A Keras model as a digit network.

network = from_keras(model, "first")
layers = KerasLayers(model)                     # KerasLayers(model)(crop): the outputs of each hidden layer
"""

from functools import partial

import keras
import numpy as np

from tendigits.data.preprocess import to_input
from tendigits.digits.layers import Layer, as_pictures
from tendigits.digits.network import BLANK_AND_FULL, USER_THRESHOLD, Network, not_finite
from tendigits.digits.runtime import Floats
from tendigits.errors import ModelFileError
from tendigits.model.calibration import MIN_PROBABILITY, Calibration
from tendigits.model.network import CLASSES, predict
from tendigits.pictures.image import Grey

INPUTS = ((784,), (28, 28), (28, 28, 1))  # shapes of a digit that a model may take
RELUS = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)


def from_keras(model: keras.Model, name: str, calibration: Calibration | None = None) -> Network:
    """Wrap a Keras model, (n, 784), (n, 28, 28) or (n, 28, 28, 1) -> (n, 10): probabilities or logits.

    It reads with the model's current weights.

    Raises:
        ModelFileError: the model has other shapes, or outputs that are not finite; then also when it is called.
    """
    given, made = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if not (isinstance(given, tuple) and given[1:] in INPUTS and made == (None, CLASSES)):
        found = f"one from {given} to {made}" if given else "one that is not built; give it an Input"
        raise ModelFileError(
            f"{name}: expected a model from (n, 784), (n, 28, 28) or (n, 28, 28, 1) to (n, 10), received {found}"
        )

    def outputs(crops: Grey) -> Floats:
        found = predict(model, to_input(crops).reshape(-1, *given[1:]))
        if not np.isfinite(found).all():
            raise not_finite(name)
        return found

    probe = outputs(BLANK_AND_FULL)
    is_softmax = bool((probe >= 0).all() and np.allclose(probe.sum(axis=1), 1, atol=1e-2))

    def logits(crops: Grey) -> Floats:
        found = outputs(crops)
        return np.log(np.maximum(found, MIN_PROBABILITY)) if is_softmax else found

    threshold, temperature = USER_THRESHOLD, 1.0
    if calibration is not None:
        threshold, temperature = calibration.threshold, calibration.temperature
    return Network(name, threshold, logits, temperature, open_layers=partial(KerasLayers, model))


class KerasLayers:
    """The hidden layers of a Keras model, each after its activation."""

    def __init__(self, model: keras.Model) -> None:
        outputs = [layer.output for layer in model.layers if _is_activated(layer)]
        hidden = [output for output in outputs if output is not model.outputs[0]]
        self._shape = model.input_shape[1:]
        self._model = keras.Model(model.inputs[0], hidden) if hidden else None

    def __call__(self, crop: Grey) -> list[Layer]:
        """Their outputs for a crop, uint8 (28, 28), white on black; empty without hidden layers."""
        if self._model is None:
            return []
        found = self._model.predict(to_input(crop[np.newaxis]).reshape(-1, *self._shape), verbose=0)
        outputs = found if isinstance(found, list) else [found]  # Keras gives a single output without its list
        return as_pictures([np.moveaxis(values[0], -1, 0) if values.ndim == 4 else values[0] for values in outputs])


def _is_activated(layer: keras.Layer) -> bool:
    linear = keras.activations.linear
    return isinstance(layer, RELUS) or getattr(layer, "activation", linear) is not linear
