"""Fine-tuning from a store: what is trained on, what is held out, and what comes of it."""

import numpy as np
import pytest

from helpers import NOW, correction
from tendigits.data.dataset import Dataset
from tendigits.digits.network import bundled, from_onnx
from tendigits.teach import pipeline
from tendigits.teach.pipeline import fine_tune_reader
from tendigits.teach.verify import bundled_sha256, verify_network


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Fewer crops to rehearse and to evaluate: seconds instead of half a minute."""
    with np.load(pipeline.REHEARSAL) as file:
        np.savez(tmp_path / "rehearsal.npz", crops=file["crops"][::5])
    monkeypatch.setattr(pipeline, "REHEARSAL", tmp_path / "rehearsal.npz")
    monkeypatch.setattr(pipeline, "REHEARSAL_DIGITS", 600)
    monkeypatch.setattr(pipeline, "MAX_TEST_DIGITS", 400)


def two_bars(n: int) -> np.ndarray:
    """A sign that nobody writes, each time at another place: two horizontal bars."""
    rng = np.random.default_rng(0)
    crops = np.zeros((n, 28, 28), np.uint8)
    for crop in crops:
        top, left = rng.integers(2, 6, 2)
        crop[top : top + 3, left : left + 18] = 255
        crop[top + 15 : top + 18, left : left + 18] = 255
    return crops


@pytest.mark.slow
def test_new_signs_are_learned_and_nothing_is_forgotten(store, digits: Dataset, short):
    """Two horizontal bars are a 4 for this writer; two vertical ones are not a digit."""
    fours, non_digits = two_bars(40), two_bars(30).transpose(0, 2, 1)
    assert (bundled()(fours).digits.argmax(axis=1) == 4).mean() < 0.5
    store.add([correction(crop, 4) for crop in fours] + [correction(crop, None) for crop in non_digits])
    tuned = fine_tune_reader(store, digits, lambda _: None, lambda: NOW)
    report = tuned.report
    assert report["held_out"]["after"] == 1 > report["held_out"]["before"]
    assert report["mnist"]["n"] == 400
    assert report["mnist"]["after"] >= report["mnist"]["before"] - 0.01
    assert tuned.base == bundled_sha256()
    assert store.active_network() is None  # not before a person accepts it
    network = from_onnx(store.network_data(tuned.id), "fine-tuned")
    assert (network(fours).digits.argmax(axis=1) == 4).all()
    assert network(np.ascontiguousarray(non_digits)).is_digit.max() < 0.5
    verify_network(network)
    assert network.threshold == bundled().threshold


def test_held_out_corrections_and_test_digits_are_never_trained_on(store, digits: Dataset, short, monkeypatch):
    seen, steps = {}, []

    def fine_tune(data, training, seed, callbacks):
        seen["training"] = training
        callbacks[0].on_epoch_end(0, {"loss": 0.25})
        return data

    monkeypatch.setattr(pipeline, "fine_tune", fine_tune)
    items = store.add(
        [correction(crop, int(label)) for crop, label in zip(digits.x_train[:20], digits.y_train[:20], strict=True)]
    )
    tuned = fine_tune_reader(store, digits, steps.append, lambda: NOW)
    assert [step["stage"] for step in steps] == ["prepare", "train", "train", "evaluate", "done"]
    assert steps[2] == {"stage": "train", "epoch": 1, "epochs": 4, "loss": 0.25}
    assert (steps[0]["learned"], steps[0]["held_out"], steps[-1]["network"]) == (16, 4, tuned.id)
    trained_on = {crop.tobytes() for crop in seen["training"].crops}
    assert len(trained_on) == 16 == tuned.report["learned"]
    assert tuned.report["held_out"]["n"] == 4
    assert trained_on < {item.crop.tobytes() for item in items}
    rehearsal = seen["training"].rehearsal
    assert rehearsal.shape == (920, 28, 28)
    assert not {image.tobytes() for image in digits.x_test} & {crop.tobytes() for crop in rehearsal}
