import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tendigits.data.preprocess import to_input
from tendigits.errors import ModelFileError, RunError
from tendigits.model.calibration import apply_temperature
from tendigits.model.file import load_calibration, load_model
from tendigits.model.network import predict
from tendigits.model.recipe import Recipe
from tendigits.read.network import Network, bundled, from_onnx, load_network
from tendigits.read.reader import Reader
from tendigits.train.pipeline import run_recipe

CROPS = np.random.default_rng(1).integers(0, 256, (300, 28, 28), dtype=np.uint8)


def test_probabilities_are_the_softmax_of_the_logits_over_the_temperature(onnx_file):
    from scipy.special import softmax

    network = replace(from_onnx(onnx_file(), "tiny"), turn=0.0)
    weights = np.random.default_rng(0).normal(0, 1, (784, 11)).astype("float32")
    expected = softmax(to_input(CROPS).astype("float64") @ weights / 2, axis=1)
    answers = network(CROPS)
    assert network.threshold == 0.8
    np.testing.assert_allclose(answers.is_digit, 1 - expected[:, 10], atol=1e-4)
    np.testing.assert_allclose(answers.confidence, expected[:, :10].max(axis=1), atol=1e-4)
    np.testing.assert_allclose(answers.digits.sum(axis=1), 1, atol=1e-5)


def test_a_doubtful_crop_is_looked_at_thrice_and_a_sure_one_once():
    looked = []

    def logits(crops):
        looked.append(crops)
        sure = crops.reshape(len(crops), -1).any(axis=1) & (crops[:, 0, 0] == 255)
        return np.where(sure[:, None], np.eye(11, dtype=np.float32)[3] * 20, np.float32(len(looked)))

    crops = np.zeros((3, 28, 28), np.uint8)
    crops[0, 0, 0] = 255
    crops[1:, 4:24, 12:16] = 200
    result = Network("known", 0.9, logits, turn=7.0).refined_logits(crops)
    assert [len(part) for part in looked] == [3, 2, 2]
    np.testing.assert_allclose(result[1:], (1 + 2 + 3) / 3)
    np.testing.assert_array_equal(result[0], np.eye(11)[3] * 20)
    tops = [[np.flatnonzero(row)[[0, -1]].mean() for row in (part[0, 5], part[0, 22])] for part in looked[1:]]
    assert tops[0][0] - tops[0][1] == pytest.approx(-(tops[1][0] - tops[1][1]), abs=1.1)
    assert abs(tops[0][0] - tops[0][1]) == pytest.approx(17 * np.tan(np.deg2rad(7)), abs=1.1)


def test_a_network_of_ten_classes_knows_only_digits():
    network = Network("ten", 0.9, lambda crops: np.zeros((len(crops), 10), np.float32))
    answers = network(CROPS)
    assert (answers.is_digit == 1).all()
    assert answers.digits == pytest.approx(0.1)


def test_no_crop_no_answer(onnx_file):
    answers = from_onnx(onnx_file(), "tiny")(CROPS[:0])
    assert (answers.digits.shape, answers.is_digit.shape) == ((0, 10), (0,))


@pytest.mark.parametrize("damage", [lambda data: data[:200], lambda data: b"", lambda data: b"\x07" * 100])
def test_a_damaged_file_is_told(onnx_file, damage):
    with pytest.raises(ModelFileError, match="not a complete model file"):
        from_onnx(damage(onnx_file()), "reader.onnx")


def test_another_shape_is_told(onnx_file):
    with pytest.raises(ModelFileError, match="received one from"):
        from_onnx(onnx_file(outputs=7), "reader.onnx")


def test_the_bundled_network_reads_mnist(digits):
    answers = bundled()(digits.x_test)
    assert (answers.digits.argmax(axis=1) == digits.y_test).mean() > 0.98


def test_reading_imports_neither_keras_nor_jax():
    code = (
        "import sys, numpy, tendigits; tendigits.Reader().digit(numpy.eye(28)); "
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"keras", "jax", "tensorflow", "torch", "matplotlib", "sklearn", "pandas"}


@pytest.mark.parametrize("validation_split", [0.0, 0.25])
def test_a_persons_own_network_is_as_sure_as_it_may_be(validation_split, small_npz, digits, tmp_path):
    run = run_recipe(Recipe(hidden=(16,), epochs=2, validation_split=validation_split), small_npz, runs=tmp_path).run
    calibration = load_calibration(run.path / "model.keras")
    assert (calibration is not None) == bool(validation_split)
    shares = predict(load_model(run.path / "model.keras"), to_input(digits.x_test[:100]))
    if calibration is not None:
        shares = apply_temperature(shares, calibration.temperature)
    threshold = 0.9 if calibration is None else calibration.threshold
    for path in (run.path, run.path / "model.keras"):
        np.testing.assert_allclose(load_network(path)(digits.x_test[:100]).digits, shares, atol=1e-6)
        assert load_network(path).threshold == Reader(path).threshold == threshold
    assert load_network(run.path / "model.h5").threshold == 0.9


def test_no_such_run(tmp_path):
    with pytest.raises((RunError, ModelFileError), match=str(tmp_path)):
        load_network(tmp_path / "none")
