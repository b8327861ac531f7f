"""Fine-tuning: reproducible by its seed, starting from what the network knew, with the same promises as before."""

import numpy as np
import pytest

from tendigits.errors import ModelFileError
from tendigits.model.onnx import from_onnx as keras_from_onnx
from tendigits.read.network import bundled, bundled_file, from_onnx
from tendigits.teach import finetune as module
from tendigits.teach.finetune import TrainingSet, fine_tune


@pytest.fixture
def training(digits, monkeypatch):
    monkeypatch.setattr(module, "EPOCHS", 1)
    return TrainingSet(digits.x_train[:8], digits.y_train[:8].astype(int), digits.x_train[100:200])


def test_it_is_reproducible_and_earlier_knowledge_stays(training, digits):
    first = fine_tune(bundled_file(), training)
    assert fine_tune(bundled_file(), training) == first
    network = from_onnx(first, "fine-tuned")
    assert (network.threshold, network.temperature) == (bundled().threshold, bundled().temperature)
    before, after = (one(digits.x_test[:300]).digits.argmax(axis=1) for one in (bundled(), network))
    assert (before == after).mean() > 0.99


def test_corrections_are_a_fixed_share_of_the_training_data(training):
    model, _ = keras_from_onnx(bundled_file())
    x, y = module._training_data(model, training, 0)
    corrected = len(x) - len(training.rehearsal)
    assert corrected % len(training.crops) == 0
    assert corrected / len(x) == pytest.approx(module.CORRECTIONS_SHARE, abs=0.05)
    assert x.min() >= 0
    assert x.max() <= 1
    np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-5)
    expected = np.repeat(training.labels, corrected // len(training.labels))
    np.testing.assert_array_equal(y[:corrected].argmax(axis=1), expected)
    expected = bundled().logits(training.rehearsal).argmax(axis=1)
    np.testing.assert_array_equal(y[corrected:].argmax(axis=1), expected)
    assert len({image.tobytes() for image in x[:corrected]}) == corrected  # each copy is augmented differently


def test_another_file_is_refused(training):
    with pytest.raises(ModelFileError):
        fine_tune(b"no network", training)
