"""Layers as pictures, against Keras' own outputs of the same layers."""

import keras
import numpy as np
import pytest

from tendigits.data.preprocess import to_input
from tendigits.digits.layers import ACTIVATIONS, Layers, with_layers
from tendigits.digits.network import from_onnx
from tendigits.model import onnx_layers
from tendigits.model.network import build_network
from tendigits.model.onnx import to_onnx
from tendigits.model.recipe import Recipe

RECIPES = [
    Recipe(hidden=(70, 5)),
    Recipe(hidden=(6, 4), activation="silu", batch_norm=True),
    Recipe(hidden=(6, 6, 4), activation="tanh", residual=True),
    Recipe(convolutions=("5x5/2", "3"), hidden=(8,), activation="sigmoid"),
    Recipe(hidden=()),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=["dense", "silu", "residual", "convolutions", "linear"])
def test_layers_are_those_of_keras(recipe, digits):
    model = build_network(recipe)
    linear = keras.activations.linear
    activated = [layer for layer in model.layers[:-1] if getattr(layer, "activation", linear) is not linear]
    crop = digits.x_test[0]
    data = with_layers(to_onnx(model, {}, "probabilities"))
    for layer, ours in zip(activated, Layers(data, "it")(crop), strict=True):
        expected = np.asarray(keras.Model(model.inputs[0], layer.output)(to_input(crop[None])))[0]
        if expected.ndim == 3:
            rows, columns, channels = expected.shape
            across = int(np.ceil(np.sqrt(channels)))
            assert ours.name.startswith("convolution ")
            for channel in range(channels):
                top, left = channel // across * rows, channel % across * columns
                tile = ours.values[top : top + rows, left : left + columns]
                np.testing.assert_allclose(tile, expected[:, :, channel], atol=1e-5)
            assert np.isfinite(ours.values).sum() == expected.size
        else:
            assert ours.name.endswith(f": {expected.size} units")
            np.testing.assert_allclose(ours.values[np.isfinite(ours.values)], expected, atol=1e-5)
    answers = from_onnx(data, "it")(digits.x_test[:20]).digits  # the first output is still the answer
    np.testing.assert_allclose(answers, model.predict(to_input(digits.x_test[:20]), verbose=0), atol=1e-5)


def test_a_layer_may_end_with_whatever_activation_is_written():
    assert {kind for kind, _ in onnx_layers.ACTIVATIONS.values()} == ACTIVATIONS
