"""Fine-tuning of the network for digits: it is reproducible and keeps what the network knew."""

import pytest

from tendigits.digits.network import bundled, bundled_file, from_onnx
from tendigits.teach import finetune as module
from tendigits.teach.finetune import fine_tune


@pytest.mark.slow
def test_it_is_reproducible_and_other_digits_are_read_as_before(digits, monkeypatch):
    monkeypatch.setattr(module, "EPOCHS", 1)
    training = digits.x_train[:8], digits.y_train[:8].astype(int), digits.x_train[100:200]
    data = fine_tune(bundled_file(), *training)
    assert fine_tune(bundled_file(), *training) == data
    network = from_onnx(data, "fine-tuned")
    assert (network.threshold, network.temperature) == (bundled().threshold, bundled().temperature)
    before, after = (one(digits.x_test[:300]).digits.argmax(axis=1) for one in (bundled(), network))
    assert (before == after).mean() > 0.99
