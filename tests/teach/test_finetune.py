"""Fine-tuning of the network for digits: it is reproducible and keeps what the network knew."""

import pytest

from tendigits.digits.network import bundled, bundled_file, from_onnx
from tendigits.teach import finetune as module
from tendigits.teach.finetune import TrainingSet, fine_tune

pytestmark = pytest.mark.slow


@pytest.fixture
def training(digits, monkeypatch):
    monkeypatch.setattr(module, "EPOCHS", 1)
    return TrainingSet(digits.x_train[:8], digits.y_train[:8].astype(int), digits.x_train[100:200])


def test_other_digits_are_read_as_before(training, digits):
    network = from_onnx(fine_tune(bundled_file(), training), "fine-tuned")
    assert (network.threshold, network.temperature) == (bundled().threshold, bundled().temperature)
    before, after = (one(digits.x_test[:300]).digits.argmax(axis=1) for one in (bundled(), network))
    assert (before == after).mean() > 0.99


def test_it_is_reproducible(training):
    assert fine_tune(bundled_file(), training) == fine_tune(bundled_file(), training)
