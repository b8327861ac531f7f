"""Every layer that can be written, alone, against Keras by onnxruntime."""

import keras
import pytest

from onnx_oracle import assert_same
from tendigits.errors import UserError
from tendigits.model.onnx import to_onnx
from tendigits.model.onnx_layers import ACTIVATIONS, WRITERS

layers = keras.layers


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
