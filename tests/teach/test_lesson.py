"""A lesson: what is learned from, what is judged by, and what comes of it."""

import numpy as np
import pytest

from helpers import NOW, correction
from tendigits.data.dataset import Dataset
from tendigits.errors import UserError
from tendigits.read.network import bundled, from_onnx
from tendigits.teach import lesson
from tendigits.teach.lesson import give_lesson
from tendigits.teach.verify import bundled_sha256, known_digits


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Fewer crops to replay and to judge by: seconds in place of half a minute."""
    with np.load(lesson.REHEARSAL) as file:
        np.savez(tmp_path / "rehearsal.npz", crops=file["crops"][::5])
    monkeypatch.setattr(lesson, "REHEARSAL", tmp_path / "rehearsal.npz")
    monkeypatch.setattr(lesson, "REPLAYED_DIGITS", 600)
    monkeypatch.setattr(lesson, "TEST", 400)


def strange(n: int) -> np.ndarray:
    """A sign that nobody writes, always a little elsewhere: two bars, which its writer calls a 4."""
    rng = np.random.default_rng(0)
    crops = np.zeros((n, 28, 28), np.uint8)
    for crop in crops:
        top, left = rng.integers(2, 6, 2)
        crop[top : top + 3, left : left + 18] = 255
        crop[top + 15 : top + 18, left : left + 18] = 255
    return crops


def test_a_hand_is_learned_and_the_rest_is_not_forgotten(store, digits: Dataset, short):
    marks = strange(40)
    assert (bundled()(marks).digits.argmax(axis=1) == 4).mean() < 0.5
    store.add([correction(mark, 4) for mark in marks])
    told = []
    taught = give_lesson(store, digits, told.append, lambda: NOW)
    assert [step["stage"] for step in told] == ["prepare", *["learn"] * 5, "judge", "done"]
    assert told[0] == {"stage": "prepare", "corrections": told[0]["corrections"], "learned": taught.report["learned"],
                       "held_out": taught.report["held_out"]["n"]}  # fmt: skip
    assert told[-1]["network"] == taught.id
    report = taught.report
    assert report["held_out"]["after"] == 1 > report["held_out"]["before"]
    assert report["mnist"]["n"] == 400
    assert report["mnist"]["after"] >= report["mnist"]["before"] - 0.01
    assert taught.base == bundled_sha256()
    assert store.reading() is None  # not before a person accepts it
    network = from_onnx(store.network_data(taught.id), "taught")
    assert (network(strange(8)).digits.argmax(axis=1) == 4).all()
    crops, labels = known_digits()
    assert (network(crops).digits.argmax(axis=1) == labels).mean() > 0.95
    assert network.threshold == bundled().threshold


def test_what_is_no_digit_is_learned_too(store, digits: Dataset, short):
    marks = strange(30)
    store.add([correction(mark, None) for mark in marks])
    taught = give_lesson(store, digits, lambda _: None, lambda: NOW)
    assert taught.report["held_out"]["after"] == 1
    network = from_onnx(store.network_data(taught.id), "taught")
    assert network(marks).is_digit.max() < 0.5


def test_the_held_out_are_never_learned_from(store, digits: Dataset, short, monkeypatch):
    seen = {}

    def teach(data, given, seed, callbacks):
        seen["lesson"] = given
        return data

    monkeypatch.setattr(lesson, "teach", teach)
    items = store.add(
        [correction(crop, int(label)) for crop, label in zip(digits.x_train[:20], digits.y_train[:20], strict=True)]
    )
    taught = give_lesson(store, digits, lambda _: None, lambda: NOW)
    learned = {crop.tobytes() for crop in seen["lesson"].crops}
    assert len(learned) == 16 == taught.report["learned"]
    assert taught.report["held_out"]["n"] == 4
    assert learned < {item.crop.tobytes() for item in items}
    assert seen["lesson"].replay.shape == (920, 28, 28)
    tests = {image.tobytes() for image in digits.x_test}
    assert not tests & {crop.tobytes() for crop in seen["lesson"].replay}


def test_too_few(store, digits: Dataset):
    store.add([correction(mark) for mark in digits.x_train[:4]])
    with pytest.raises(UserError, match="at least 5 corrections to learn from, found 4"):
        give_lesson(store, digits, lambda _: None, lambda: NOW)
