"""The reader network's file against Keras and onnxruntime, both ways."""

import keras
import numpy as np
import onnx
import pytest

from tendigits.data.preprocess import standardize
from tendigits.digits.network import bundled
from tendigits.digits.network import from_onnx as open_network
from tendigits.errors import ModelFileError, UserError
from tendigits.model.onnx import from_onnx, to_onnx, with_metadata
from tendigits.numbers.network import bundled as lines
from tendigits.numbers.network import bundled_file as lines_file


def build() -> keras.Sequential:
    """A small network of every layer that the file knows."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(4, 5, 2, "same", use_bias=False), layers.BatchNormalization(), layers.ReLU(),
        layers.Conv2D(6, 3, 2, "valid"), layers.ReLU(),
        layers.Flatten(), layers.Dropout(0.4), layers.Dense(11),
    ])  # fmt: skip


def test_the_file_answers_as_keras_does():
    keras.utils.set_random_seed(1)
    model = build()
    rng = np.random.default_rng(0)
    for layer in model.layers:  # statistics as after training: they are folded into the kernels
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.moving_mean.shape
            for weight in (layer.moving_mean, layer.beta, layer.gamma):
                weight.assign(rng.normal(0.5, 0.5, shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, shape))
    crops = rng.integers(0, 256, (7, 28, 28), dtype=np.uint8)
    data = to_onnx(model, {"temperature": "1.0", "threshold": "0.5"})
    network = open_network(data, "a")
    expected = model.predict(crops[..., None].astype("float32") / 255, verbose=0)
    np.testing.assert_allclose(network.logits(crops), expected, rtol=1e-4, atol=1e-4)
    assert len(data) < 2_000_000


def test_a_layer_that_it_cannot_write_is_told():
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.UpSampling2D(interpolation="bilinear")])
    with pytest.raises(UserError, match=r"up_sampling2d\w* with channels_first or interpolation"):
        to_onnx(model, {})


def test_what_was_written_is_read_again():
    keras.utils.set_random_seed(2)
    model = build()
    again, about = from_onnx(to_onnx(model, {"temperature": "0.5", "threshold": "0.9"}))
    assert about == {"temperature": "0.5", "threshold": "0.9"}
    x = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-5)
    data = to_onnx(again, about)
    assert to_onnx(*from_onnx(data)) == data  # nothing of it depends on the process


def test_the_packages_own_network_becomes_a_keras_model(digits):
    from importlib.resources import files

    model, about = from_onnx((files("tendigits.digits") / "assets" / "reader.onnx").read_bytes())
    assert model.count_params() == 212_299 - 2 * (32 + 48 + 48 + 96 + 96) - (32 + 48 + 48 + 96 + 96)
    expected = bundled().logits(digits.x_test[:50])
    found = model.predict(digits.x_test[:50, :, :, None].astype("float32") / 255, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert set(about) == {"temperature", "threshold", "labels"}


def test_the_packages_line_network_becomes_a_keras_model():
    data = lines_file()
    model, about = from_onnx(data)
    strip = np.random.default_rng(0).integers(0, 256, (40, 64), dtype=np.uint8)
    found = model.predict(standardize(strip)[None, :, :, None], verbose=0).reshape(32, -1)
    assert np.abs(found - lines(1)([strip])[0]).mean() < 0.25  # of logits from -20 to 20; it was quantized
    assert set(about) == {"trust"}


def test_metadata_is_added_and_replaced():
    data = with_metadata(
        to_onnx(build(), {"temperature": "2", "threshold": "0.5"}), {"threshold": "0.9", "number_network": "x"}
    )
    assert from_onnx(data)[1] == {"temperature": "2", "threshold": "0.9", "number_network": "x"}


@pytest.mark.parametrize("data", [b"", b"text", onnx.ModelProto().SerializeToString()[:1]])
def test_another_file_is_told(data):
    with pytest.raises(ModelFileError, match="expected a network that tendigits wrote"):
        from_onnx(data)
