"""The reader's network as an ONNX file, against Keras and onnxruntime, both ways."""

import keras
import numpy as np
import onnx
import pytest

from tendigits.data.preprocess import standardize
from tendigits.digits.network import bundled, bundled_file
from tendigits.digits.network import from_onnx as open_network
from tendigits.errors import ModelFileError
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


def test_a_written_network_is_read_again():
    keras.utils.set_random_seed(2)
    model = build()
    again, about = from_onnx(to_onnx(model, {"temperature": "0.5", "threshold": "0.9"}))
    assert about == {"temperature": "0.5", "threshold": "0.9"}
    x = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-5)
    data = to_onnx(again, about)
    assert to_onnx(*from_onnx(data)) == data  # nothing of it depends on the process


def test_the_packages_digit_network_becomes_a_keras_model(digits):
    model, about = from_onnx(bundled_file())
    assert model.count_params() == 212_299 - 2 * (32 + 48 + 48 + 96 + 96) - (32 + 48 + 48 + 96 + 96)
    expected = bundled().logits(digits.x_test[:50])
    found = model.predict(digits.x_test[:50, :, :, None].astype("float32") / 255, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert set(about) == {"temperature", "threshold", "labels"}


def test_the_packages_number_network_becomes_a_keras_model():
    data = lines_file()
    model, about = from_onnx(data)
    strip = np.random.default_rng(0).integers(0, 256, (40, 64), dtype=np.uint8)
    found = model.predict(standardize(strip)[None, :, :, None], verbose=0).reshape(32, -1)
    assert np.abs(found - lines(1)([strip])[0]).mean() < 0.25  # of logits from -20 to 20; it was quantized
    assert set(about) == {"credit", "trust"}


def test_metadata_is_added_and_replaced():
    data = with_metadata(to_onnx(build(), {"temperature": "2", "threshold": "0.5"}), {"threshold": "0.9", "more": "x"})
    assert from_onnx(data)[1] == {"temperature": "2", "threshold": "0.9", "more": "x"}


@pytest.mark.parametrize("data", [b"", b"text", bundled_file()[:-1], onnx.ModelProto().SerializeToString()[:1]])
def test_a_damaged_file_is_one_error(data):
    with pytest.raises(ModelFileError, match="expected a network that tendigits wrote"):
        from_onnx(data)
    with pytest.raises(ModelFileError, match=r"^mine\.onnx is not a complete model file: [^\n]+$"):
        open_network(data, "mine.onnx")


@pytest.mark.parametrize("metadata", [{"temperature": "nan"}, {"temperature": "warm"}, {"threshold": "2"}])
def test_invalid_metadata_is_refused(metadata):
    with pytest.raises(ModelFileError, match=r"^mine\.onnx: its metadata is damaged: "):
        open_network(with_metadata(bundled_file(), metadata), "mine.onnx")
