import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from tendigits.data.preprocess import to_input
from tendigits.digits.find import find_digit
from tendigits.digits.network import from_onnx, load_network
from tendigits.errors import ModelFileError, RunError
from tendigits.model.calibration import Calibration, apply_temperature
from tendigits.model.network import build_network, compile_network, predict
from tendigits.model.recipe import Recipe
from tendigits.read.reader import Reader

CROPS = np.random.default_rng(1).integers(0, 256, (300, 28, 28), dtype=np.uint8)


def test_probabilities_are_the_softmax_of_the_logits_over_the_temperature(onnx_file):
    network = replace(from_onnx(onnx_file(), "tiny"), turn=0.0)
    weights = np.random.default_rng(0).normal(0, 1, (784, 11)).astype("float32")
    expected = softmax(to_input(CROPS).astype("float64") @ weights / 2, axis=1)
    predictions = network(CROPS)
    assert network.threshold == 0.8
    np.testing.assert_allclose(predictions.is_digit, 1 - expected[:, 10], atol=1e-4)
    np.testing.assert_allclose(predictions.confidence, expected[:, :10].max(axis=1), atol=1e-4)
    np.testing.assert_allclose(predictions.digits.sum(axis=1), 1, atol=1e-5)


def test_a_damaged_foreign_or_missing_file_is_refused(onnx_file, tmp_path):
    for damaged in (onnx_file()[:200], b"", b"\x07" * 100):
        with pytest.raises(ModelFileError, match="not a complete model file"):
            from_onnx(damaged, "reader.onnx")
    with pytest.raises(ModelFileError, match="received one from"):
        from_onnx(onnx_file(outputs=7), "reader.onnx")
    with pytest.raises((RunError, ModelFileError), match=str(tmp_path)):
        load_network(tmp_path / "none")


def test_reading_imports_neither_keras_nor_jax():
    code = (
        "import sys, numpy, tendigits; tendigits.Reader().digit(numpy.eye(28)); "
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"keras", "jax", "tensorflow", "torch", "matplotlib", "sklearn", "pandas"}


def test_a_users_own_network_with_and_without_a_calibration(digits, tmp_path, monkeypatch):
    recipe = Recipe(hidden=(16,))
    model = build_network(recipe)
    compile_network(model, recipe)
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    x = digits.x_test[:20]
    expected = predict(model, to_input(x))
    network = load_network(tmp_path)
    np.testing.assert_allclose(network(x).digits, expected, atol=1e-6)
    assert (network(x).is_digit == 1).all()
    assert network(x[:0]).digits.shape == (0, 10)
    reader = Reader(tmp_path / "model.keras")
    assert reader.threshold == 0.9
    crop = find_digit(x[0]).crop
    np.testing.assert_allclose(reader.digit(x[0]).probabilities, predict(model, to_input(crop[None]))[0], atol=1e-5)
    calibration = Calibration(2.0, 100, "held-out digits", 0.1, 0.05, 0.7)
    monkeypatch.setattr("tendigits.model.file.load_calibration", lambda _: calibration)
    calibrated = load_network(tmp_path)
    np.testing.assert_allclose(calibrated(x).digits, apply_temperature(expected, 2.0), atol=1e-6)
    assert calibrated.threshold == 0.7
