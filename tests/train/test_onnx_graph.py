"""Every layer that the graph knows, alone and stacked at random, against Keras by onnxruntime."""

from itertools import chain

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tendigits.errors import UserError
from tendigits.train.ensemble import average_of
from tendigits.train.network import build_network
from tendigits.train.onnx_file import to_onnx
from tendigits.train.onnx_graph import ACTIVATIONS, WRITERS
from tendigits.train.recipe import Recipe, load_recipe

layers = keras.layers


def with_any_weights(model: keras.Model, seed: int = 0) -> keras.Model:
    """Weights, means and variances as after some training: none is 0 or 1 by chance."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        low, high = (0.5, 2) if "variance" in variable.path else (-0.6, 0.6)
        variable.assign(rng.uniform(low, high, variable.shape))
    return model


def assert_same(model: keras.Model, seed: int = 0) -> list[str]:
    """The graph answers as the model does, for one and for several images; gives its operators."""
    data = to_onnx(with_any_weights(model, seed), {}, "answer")
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for n in (1, 5):
        x = np.random.default_rng(n).normal(0, 1, (n, *model.input_shape[1:])).astype(np.float32)
        expected, found = np.asarray(model(x, training=False)), session.run(None, {"image": x})[0]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * max(1, np.abs(expected).max()))
    return [node.op_type for node in onnx.load_from_string(data).graph.node]


IMAGE = {
    "convolution": lambda: layers.Conv2D(4, 3),
    "same and strides": lambda: layers.Conv2D(4, (3, 5), 2, "same", activation="relu"),
    "dilated": lambda: layers.Conv2D(4, 3, dilation_rate=2, use_bias=False),
    "groups": lambda: layers.Conv2D(6, 3, groups=3),
    "depthwise": lambda: layers.DepthwiseConv2D(3, 2, "same", depth_multiplier=2),
    "max pooling": lambda: layers.MaxPooling2D(2),
    "max pooling, same": lambda: layers.MaxPooling2D(3, 2, "same"),
    "max pooling, windows apart": lambda: layers.MaxPooling2D(1, 2, "same"),
    "average pooling": lambda: layers.AveragePooling2D(2),
    "average pooling, same": lambda: layers.AveragePooling2D(3, 2, "same"),
    "global maximum": layers.GlobalMaxPooling2D,
    "global average": lambda: layers.GlobalAveragePooling2D(keepdims=True),
    "batch normalisation": layers.BatchNormalization,
    "without scale": lambda: layers.BatchNormalization(scale=False),
    "without centre": lambda: layers.BatchNormalization(center=False),
    "layer normalisation": layers.LayerNormalization,
    "layer normalisation, bare": lambda: layers.LayerNormalization(scale=False, center=False),
    "dense on each pixel": lambda: layers.Dense(5),
    "padding": lambda: layers.ZeroPadding2D(((1, 2), (3, 0))),
    "rescaling": lambda: layers.Rescaling(0.5, -0.2),
    "reshaping": lambda: layers.Reshape((-1, 6)),
    "flat": layers.Flatten,
    "relu": layers.ReLU,
    "relu with an end and a slope": lambda: layers.ReLU(max_value=1, negative_slope=0.1),
    "leaky": layers.LeakyReLU,
    "softmax": layers.Softmax,
    "dropout": lambda: layers.Dropout(0.5),
    "spatial dropout": lambda: layers.SpatialDropout2D(0.5),
    "noise": lambda: layers.GaussianNoise(0.5),
    "a layer as activation": lambda: layers.Activation(keras.activations.silu),
}


@pytest.mark.parametrize("name", IMAGE)
def test_a_layer_on_images(name):
    assert_same(keras.Sequential([keras.Input((9, 8, 6)), IMAGE[name]()]))


@pytest.mark.parametrize("name", IMAGE)
def test_a_layer_behind_and_before_a_convolution(name):
    """There the channels come first."""
    between = [IMAGE[name]()]
    x = keras.Input((9, 8, 6))
    first = layers.Conv2D(6, 1)(x)
    y = between[0](first)
    model = keras.Model(x, layers.Conv2D(3, 1)(y) if len(y.shape) == 4 else y)
    assert_same(model)


@pytest.mark.parametrize("name", [*ACTIVATIONS, "linear", "softmax", "log_softmax", "silu"])
def test_an_activation(name):
    assert_same(keras.Sequential([keras.Input((7,)), layers.Dense(5, activation=name)]))
    assert_same(keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(4, 3, activation=name)]))


MERGES = {
    "add": layers.Add, "average": layers.Average, "maximum": layers.Maximum, "minimum": layers.Minimum,
    "multiply": layers.Multiply, "concatenate": layers.Concatenate,
    "concatenate rows": lambda: layers.Concatenate(axis=1),
}  # fmt: skip


@pytest.mark.parametrize("name", MERGES)
def test_branches_that_meet(name):
    x = keras.Input((6, 6, 2))
    left, right = layers.Conv2D(4, 3, padding="same")(x), layers.Conv2D(4, 1)(x)
    assert_same(keras.Model(x, MERGES[name]()([left, right, layers.Identity()(left)])))
    flat = [layers.Dense(6)(x) for _ in range(2)]  # channels last
    assert_same(keras.Model(x, MERGES[name]()(flat)))


def test_a_difference():
    x = keras.Input((4,))
    assert_same(keras.Model(x, layers.Subtract()([layers.Dense(3)(x), layers.Dense(3)(x)])))


def test_normalisation_is_folded_into_what_it_follows():
    stack = [keras.Input((8, 8, 2)), layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(),
             layers.Flatten(), layers.Dense(5), layers.BatchNormalization()]  # fmt: skip
    assert assert_same(keras.Sequential(stack)) == ["Transpose", "Conv", "Relu", "Transpose", "Flatten", "Gemm"]


def test_normalisation_is_not_folded_where_others_need_what_was_before():
    x = keras.Input((8, 8, 2))
    y = layers.Conv2D(4, 3)(x)
    z = layers.BatchNormalization()(y)
    assert_same(keras.Model(x, layers.Add()([y, z])))
    assert_same(keras.Model(x, layers.Add()([z, y])))


@pytest.mark.parametrize("name", ["classic", "cnn", "deep", "fast"])
def test_the_recipes_networks(name):
    assert_same(build_network(load_recipe(name)))


def test_an_ensemble_is_a_model_of_models():
    recipe = Recipe(convolutions=("4x5/2",), hidden=(), epochs=1)
    members = [
        with_any_weights(build_network(recipe.with_changes(seed=seed, name=f"m-{seed}")), seed) for seed in range(3)
    ]
    operators = assert_same(average_of(members, recipe))
    assert operators.count("Conv") == 3
    assert operators[-1] == "Mean"


def test_a_model_that_does_nothing():
    assert assert_same(keras.Sequential([keras.Input((4,)), layers.Dropout(0.1)])) == ["Identity"]


some = st.sampled_from
stage = st.one_of(  # functions: Keras draws a seed for each layer, which is nothing for a strategy
    st.builds(
        lambda kernel, stride, padding, bias, kind: lambda: [
            layers.Conv2D(4, kernel, stride, padding, use_bias=bias, activation=kind)
        ],
        st.integers(1, 4), st.integers(1, 2), some(["same", "valid"]), st.booleans(), some([None, "relu", "gelu"]),
    ),
    st.builds(
        lambda kind, size, stride, padding: lambda: [kind(size, stride, padding)],
        some([layers.MaxPooling2D, layers.AveragePooling2D]), st.integers(1, 3), st.integers(1, 2),
        some(["same", "valid"]),
    ),
    st.just(lambda: [layers.BatchNormalization(), layers.Activation("elu")]),
    st.just(lambda: [layers.Dropout(0.3)]),
    st.just(lambda: [layers.Dense(3, activation="tanh")]),
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(stage, max_size=4), st.integers(0, 99))
def test_any_stack(stages, seed):
    stack = [keras.Input((784,)), layers.Reshape((28, 28, 1)), *chain.from_iterable(make() for make in stages)]
    assert_same(keras.Sequential([*stack, layers.Flatten(), layers.Dense(10, activation="softmax")]), seed)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (lambda: layers.UpSampling2D(), "a layer UpSampling2D"),
        (lambda: layers.BatchNormalization(axis=1), "on axis 1"),
        (lambda: layers.LayerNormalization(axis=1), r"on axis \[1\]"),
        (lambda: layers.Softmax(axis=1), "on axis 1"),
        (lambda: layers.ReLU(threshold=0.5), "with a threshold"),
        (lambda: layers.Conv2D(2, 1, data_format="channels_first"), "with its channels first"),
        (lambda: layers.Activation("squareplus"), "the activation squareplus"),
    ],
)
def test_what_it_cannot_write_is_told(layer, said):
    model = keras.Sequential([keras.Input((4, 4, 2)), layer()])
    with pytest.raises(UserError, match=f"expected layers that can be written as ONNX, received .*{said}; litert"):
        to_onnx(model, {})


def test_pooling_of_images_of_any_size_is_told():
    model = keras.Sequential([keras.Input((None, None, 2)), layers.MaxPooling2D(2, padding="same")])
    with pytest.raises(UserError, match="on images of any size"):
        to_onnx(model, {})


def test_two_inputs_are_told():
    inputs = [keras.Input((3,)), keras.Input((3,))]
    with pytest.raises(UserError, match="one input and one output"):
        to_onnx(keras.Model(inputs, layers.Add()(inputs)), {})


def test_every_writer_is_tried():
    written = {type(build()) for build in IMAGE.values()} | {type(build()) for build in MERGES.values()}
    left = {
        layers.Subtract,
        layers.Identity,
        layers.GaussianDropout,
        layers.AlphaDropout,
        layers.ActivityRegularization,
    }
    assert set(WRITERS) == written | left
