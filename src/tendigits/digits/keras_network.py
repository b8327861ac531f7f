"""A Keras model as a digit network. It reads with the model's current weights, so the model may be trained further.

network = from_keras(model, "first")            # (n, 784), (n, 28, 28) or (n, 28, 28, 1) -> (n, 10)
layers = KerasLayers(model)                     # KerasLayers(model)(crop): the outputs of each hidden layer
"""

from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tendigits.data.preprocess import to_input
from tendigits.digits.layers import Layer, as_pictures
from tendigits.digits.network import USER_THRESHOLD, Crops, Floats, Network, require_finite
from tendigits.errors import ModelFileError
from tendigits.model.calibration import MIN_PROBABILITY, Calibration
from tendigits.model.file import load_calibration, model_path
from tendigits.model.network import CLASSES, predict

INPUTS = ((784,), (28, 28), (28, 28, 1))
"""Shapes of a digit that a model may take."""

RELUS = (keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)
"""Activations that are layers themselves."""


def live_network(model: Any) -> Network | None:
    """The network of a Keras model, or of what `run_recipe` returned, with its calibration; None of anything else.

    Raises:
        ModelFileError: see `from_keras`.
    """
    if isinstance(model, keras.Model):
        return from_keras(model, model.name)

    from tendigits.train.trainer import Trained

    if not isinstance(model, Trained):
        return None
    return from_keras(model.model, str(model.run.path), load_calibration(model_path(model.run.path)))


def from_keras(model: keras.Model, name: str, calibration: Calibration | None = None) -> Network:
    """Wrap a model whose outputs are probabilities or logits.

    Raises:
        ModelFileError: the model has other shapes, or outputs that are not finite.
    """
    given, made = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if not (isinstance(given, tuple) and given[1:] in INPUTS and made == (None, CLASSES)):
        raise ModelFileError(
            f"{name}: expected a model from (n, 784), (n, 28, 28) or (n, 28, 28, 1) to (n, 10), "
            + (
                "received one that is not built; give it an Input"
                if given is None
                else f"received one from {given} to {made}"
            )
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

    layers = partial(KerasLayers, model)
    if calibration is None:
        return require_finite(Network(name, USER_THRESHOLD, logits, open_layers=layers))
    return require_finite(Network(name, calibration.threshold, logits, calibration.temperature, open_layers=layers))


class KerasLayers:
    """The hidden layers of a Keras model, each after its activation."""

    def __init__(self, model: keras.Model) -> None:
        hidden = [layer.output for layer in model.layers if _is_activated(layer)]
        hidden = [output for output in hidden if output is not model.outputs[0]]
        self._shape = model.input_shape[1:]
        self._model = keras.Model(model.inputs[0], hidden) if hidden else None

    def __call__(self, crop: NDArray[np.uint8]) -> list[Layer]:
        """Their outputs for a crop, uint8 (28, 28), white on black; empty without hidden layers."""
        if self._model is None:
            return []
        found = self._model.predict(to_input(crop[np.newaxis]).reshape(-1, *self._shape), verbose=0)
        outputs = found if isinstance(found, list) else [found]  # Keras gives a single output without its list
        return as_pictures([_channels_first(values[0]) for values in outputs])


def _is_activated(layer: keras.Layer) -> bool:
    return (
        isinstance(layer, RELUS)
        or getattr(layer, "activation", keras.activations.linear) is not keras.activations.linear
    )


def _channels_first(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values.transpose(2, 0, 1) if values.ndim == 3 else values
