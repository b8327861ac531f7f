"""Every supported layer, converted to ONNX and run by onnxruntime, against Keras."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from tendigits.errors import UserError
from tendigits.model.network import build_network
from tendigits.model.onnx import to_onnx
from tendigits.model.onnx_layers import ACTIVATIONS, WRITERS
from tendigits.model.recipe import Recipe
from tendigits.model.recipe_files import load_recipe
from tendigits.train.ensemble import average_networks

layers = keras.layers

IMAGE = {  # from 9x8x6 images to images, all with six channels
    "same and strides": lambda: layers.Conv2D(6, (3, 5), 2, "same", activation="relu"),
    "dilated": lambda: layers.Conv2D(6, 3, dilation_rate=2, use_bias=False),
    "groups": lambda: layers.Conv2D(6, 3, groups=3),
    "max pooling, same": lambda: layers.MaxPooling2D(3, 2, "same"),
    "average pooling": lambda: layers.AveragePooling2D(2),
    "global average": lambda: layers.GlobalAveragePooling2D(keepdims=True),
    "upsampling": lambda: layers.UpSampling2D((2, 3)),
    "batch normalization": lambda: layers.BatchNormalization(scale=False),
    "without centre": lambda: layers.BatchNormalization(center=False),
    "rescaling": lambda: layers.Rescaling(0.5, -0.2),
    "reshaping": lambda: layers.Reshape((-1, 4, 6)),
    "relu": layers.ReLU,
    "leaky": layers.LeakyReLU,
    "softmax": layers.Softmax,
    "dropout": lambda: layers.Dropout(0.5),
    "spatial dropout": lambda: layers.SpatialDropout2D(0.5),
    "noise": lambda: layers.GaussianNoise(0.5),
    "a layer as activation": lambda: layers.Activation(keras.activations.silu),
}


def with_any_weights(model, seed=0):
    """Weights, means and variances as after some training: none is 0 or 1 by chance."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        low, high = (0.5, 2) if "variance" in variable.path else (-0.6, 0.6)
        variable.assign(rng.uniform(low, high, variable.shape))
    return model


def assert_same(model, seed=0):
    """The graph answers as the model does, for one and for several images; gives its operators."""
    data = to_onnx(with_any_weights(model, seed), {}, "answer")
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for n in (1, 5):
        x = np.random.default_rng(n).normal(0, 1, (n, *model.input_shape[1:])).astype(np.float32)
        expected, found = np.asarray(model(x, training=False)), session.run(None, {"image": x})[0]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * max(1, np.abs(expected).max()))
    return [node.op_type for node in onnx.load_from_string(data).graph.node]


@pytest.mark.slow
def test_each_layer_alone_and_between_convolutions():
    """One model with a branch for each layer: its channels come last in one copy, first in the other."""
    x = keras.Input((9, 8, 6))
    ends = []
    for build in IMAGE.values():
        ends.append(layers.GlobalMaxPooling2D()(build()(x)))
        ends.append(layers.GlobalMaxPooling2D()(layers.Conv2D(3, 1)(build()(layers.Conv2D(6, 1)(x)))))
    ends.append(layers.Flatten()(x))
    assert_same(keras.Model(x, layers.Concatenate()(ends)))


@pytest.mark.slow
def test_each_activation():
    image, flat = keras.Input((6, 6, 2)), keras.Input((7,))
    names = [*ACTIVATIONS, "linear", "softmax", "silu"]
    assert_same(keras.Model(flat, layers.Concatenate()([layers.Dense(5, activation=name)(flat) for name in names])))
    assert_same(keras.Model(image, layers.Add()([layers.Conv2D(4, 3, activation=name)(image) for name in names])))


def test_branches_are_merged():
    x = keras.Input((6, 6, 2))
    left, right = layers.Conv2D(4, 3, padding="same")(x), layers.Conv2D(4, 1)(x)
    rows = layers.Concatenate(axis=1)([left, right, layers.Identity()(left)])
    mixed = layers.Concatenate()([layers.Add()([left, right]), layers.Average()([left, right]), x])
    assert_same(keras.Model(x, layers.Concatenate()([layers.Flatten()(rows), layers.Flatten()(mixed)])))


def test_the_tests_cover_every_layer():
    tried = {type(build()) for build in IMAGE.values()}
    tried |= {layers.GlobalMaxPooling2D, layers.Flatten, layers.Dense, layers.Identity}
    assert set(WRITERS) == tried | {layers.Add, layers.Average, layers.Concatenate}


def test_normalization_is_folded_into_the_layer_before():
    stack = [keras.Input((8, 8, 2)), layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(),
             layers.Flatten(), layers.Dense(5), layers.BatchNormalization()]  # fmt: skip
    assert assert_same(keras.Sequential(stack)) == ["Transpose", "Conv", "Relu", "Transpose", "Flatten", "Gemm"]
    x = keras.Input((8, 8, 2))
    y = layers.Conv2D(4, 3)(x)
    assert_same(keras.Model(x, layers.Add()([layers.BatchNormalization()(y), y])))  # not folded: y is used twice


@pytest.mark.parametrize("name", ["classic", "cnn", "residual"])
def test_the_recipes_networks(name):
    assert_same(build_network(load_recipe(name)))


def test_an_ensemble_is_a_model_of_models():
    recipe = Recipe(convolutions=("4x5/2",), hidden=(), epochs=1)
    members = [
        with_any_weights(build_network(recipe.with_changes(seed=seed, name=f"m-{seed}")), seed) for seed in range(3)
    ]
    operators = assert_same(average_networks(members, recipe))
    assert operators.count("Conv") == 3
    assert operators[-1] == "Mean"


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (lambda: layers.Conv2DTranspose(2, 3), "a layer Conv2DTranspose"),
        (lambda: layers.BatchNormalization(axis=1), "on axis 1"),
        (lambda: layers.Softmax(axis=1), "on axis 1"),
        (lambda: layers.ReLU(max_value=6), "with a threshold, a slope or a maximum"),
        (lambda: layers.Dense(3), r"on values of shape \(None, 4, 4, 2\)"),
        (lambda: layers.Conv2D(2, 1, data_format="channels_first"), "with channels_first"),
        (lambda: layers.Activation("squareplus"), "the activation squareplus"),
    ],
)
def test_unsupported_layers_and_models_are_refused(layer, reason):
    model = keras.Sequential([keras.Input((4, 4, 2)), layer()])
    with pytest.raises(UserError, match=f"expected layers that can be exported to ONNX, received .*{reason}; litert"):
        to_onnx(model, {})
    inputs = [keras.Input((3,)), keras.Input((3,))]
    with pytest.raises(UserError, match="one input and one output"):
        to_onnx(keras.Model(inputs, layers.Add()(inputs)), {})
