"""Teaching the network: by a seed, from what it knew, with the same promises as before."""

import numpy as np
import pytest

from tendigits.errors import ModelFileError
from tendigits.read.network import bundled, bundled_file, from_onnx
from tendigits.teach import finetune as module
from tendigits.teach.finetune import NONE, Lesson, teach


@pytest.fixture
def lesson(digits, monkeypatch):
    monkeypatch.setattr(module, "EPOCHS", 1)
    return Lesson(digits.x_train[:8], digits.y_train[:8].astype(int), digits.x_train[100:350])


def test_the_same_lesson_gives_the_same_network_and_another_seed_another(lesson):
    first = teach(bundled_file(), lesson)
    assert teach(bundled_file(), lesson) == first
    assert teach(bundled_file(), lesson, seed=1) != first
    network = from_onnx(first, "taught")
    assert (network.threshold, network.temperature) == (bundled().threshold, bundled().temperature)


def test_what_it_knew_it_still_answers(lesson, digits):
    network = from_onnx(teach(bundled_file(), lesson), "taught")
    before, after = (one(digits.x_test[:300]).digits.argmax(axis=1) for one in (bundled(), network))
    assert (before == after).mean() > 0.99


def test_the_corrections_are_a_share_of_what_it_learns_from(lesson, digits):
    from tendigits.model.onnx import from_onnx as as_keras

    model, _ = as_keras(bundled_file())
    x, y = module._material(model, lesson, 0)
    own = len(x) - len(lesson.replay)
    assert own % len(lesson.crops) == 0
    assert own / len(x) == pytest.approx(module.SHARE, abs=0.05)
    assert x.min() >= 0
    assert x.max() <= 1
    np.testing.assert_allclose(y.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(y[:own].argmax(axis=1), np.repeat(lesson.labels, own // len(lesson.labels)))
    expected = bundled().logits(lesson.replay)
    np.testing.assert_array_equal(y[own:].argmax(axis=1), expected.argmax(axis=1))
    assert len({image.tobytes() for image in x[:own]}) == own  # no digit twice in the same way


def test_a_label_of_what_is_no_digit(lesson):
    given = Lesson(lesson.crops, np.full(8, NONE), lesson.replay)
    assert teach(bundled_file(), given) != bundled_file()


def test_another_file_is_refused(lesson):
    with pytest.raises(ModelFileError):
        teach(b"no network", lesson)
