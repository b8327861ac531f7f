import os
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
from scipy.special import softmax

from tendigits.data.preprocess import to_input
from tendigits.digits.network import bundled_file, from_onnx, load_network
from tendigits.errors import ModelFileError, RunError
from tendigits.model.calibration import Calibration, apply_temperature
from tendigits.model.network import build_network, predict
from tendigits.model.onnx import to_onnx
from tendigits.model.recipe import Recipe
from tendigits.read.reader import Reader

READ = "import numpy, tendigits; tendigits.Reader().digit(numpy.full((28, 28), 255, numpy.uint8))"


def model_of(outputs=11) -> keras.Model:
    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(outputs)])


def test_probabilities_are_the_softmax_of_the_logits_over_the_temperature():
    model, crops = model_of(), np.random.default_rng(1).integers(0, 256, (300, 28, 28), dtype=np.uint8)
    network = from_onnx(to_onnx(model, {"temperature": "2.0", "threshold": "0.8"}), "tiny")
    expected = softmax(model.predict(to_input(crops).reshape(-1, 28, 28, 1), verbose=0) / 2, axis=1)
    predictions = replace(network, turn=0.0)(crops)
    assert network.threshold == 0.8
    np.testing.assert_allclose(predictions.is_digit, 1 - expected[:, 10], atol=1e-4)
    np.testing.assert_allclose(predictions.confidence, expected[:, :10].max(axis=1), atol=1e-4)
    np.testing.assert_allclose(predictions.digits.sum(axis=1), 1, atol=1e-5)


def test_a_damaged_or_missing_file_or_another_network_is_refused(tmp_path):
    for damaged in (bundled_file()[:200], b""):
        with pytest.raises(ModelFileError, match="not a complete model file"):
            from_onnx(damaged, "reader.onnx")
    with pytest.raises(ModelFileError, match="received one from"):
        from_onnx(to_onnx(model_of(7), {}), "reader.onnx")
    with pytest.raises((RunError, ModelFileError), match=str(tmp_path)):
        load_network(tmp_path / "none")


def test_reading_imports_neither_keras_nor_jax():
    code = f"{READ}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"keras", "jax", "tensorflow", "torch", "matplotlib", "sklearn", "pandas"}


def test_reading_leaves_no_id_of_the_machine_and_no_reports_to_send(tmp_path):
    quiet = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_DISABLE_TELEMETRY")  # with these onnxruntime never sends reports
    environment = {name: value for name, value in os.environ.items() if name not in quiet}
    environment |= dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(tmp_path))
    subprocess.run([sys.executable, "-c", READ], env=environment, check=True)
    assert [*tmp_path.rglob("*")] == []


def test_a_users_own_network_with_and_without_a_calibration(digits, tmp_path, monkeypatch):
    model, x = build_network(Recipe(hidden=(16,))), digits.x_test[:20]
    model.save(tmp_path / "model.keras")
    expected = predict(model, to_input(x))
    network = load_network(tmp_path)
    np.testing.assert_allclose(network(x).digits, expected, atol=1e-6)
    assert (network(x).is_digit == 1).all()
    assert network(x[:0]).digits.shape == (0, 10)
    assert Reader(tmp_path / "model.keras").threshold == 0.9
    calibration = Calibration(2.0, 100, "held-out digits", 0.1, 0.05, 0.7)
    monkeypatch.setattr("tendigits.model.file.load_calibration", lambda _: calibration)
    calibrated = load_network(tmp_path)
    np.testing.assert_allclose(calibrated(x).digits, apply_temperature(expected, 2.0), atol=1e-6)
    assert calibrated.threshold == 0.7
