"""Fine-tuning from a store: training data, held-out corrections, and the resulting network."""

import cv2
import numpy as np
import pytest

from drawing import strip_of
from samples import NOW, correction, number
from tendigits.data.dataset import Dataset
from tendigits.digits.network import bundled, from_onnx
from tendigits.numbers.network import bundled_file
from tendigits.read.reader import Reader
from tendigits.teach import finetune, pipeline, verify
from tendigits.teach.pipeline import fine_tune_reader
from tendigits.teach.verify import bundled_sha256, load_network


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Fewer crops for rehearsal and evaluation, to save time."""
    with np.load(finetune.REHEARSAL) as file:
        np.savez(tmp_path / "rehearsal.npz", crops=file["crops"][::5])
    monkeypatch.setattr(finetune, "REHEARSAL", tmp_path / "rehearsal.npz")
    monkeypatch.setattr(finetune, "REHEARSAL_DIGITS", 600)
    monkeypatch.setattr(verify, "MAX_TEST_DIGITS", 400)


def two_bars(n: int) -> np.ndarray:
    """A sign that no network knows: two horizontal bars, each time at another place."""
    rng = np.random.default_rng(0)
    crops = np.zeros((n, 28, 28), np.uint8)
    for crop in crops:
        top, left = rng.integers(2, 6, 2)
        crop[top : top + 3, left : left + 18] = 255
        crop[top + 15 : top + 18, left : left + 18] = 255
    return crops


@pytest.mark.slow
def test_new_signs_are_learned_without_forgetting(store, digits: Dataset, short):
    """Two horizontal bars are a 4 for this writer; two vertical ones are not a digit."""
    fours, non_digits = two_bars(40), two_bars(30).transpose(0, 2, 1)
    assert (bundled()(fours).digits.argmax(axis=1) == 4).mean() < 0.5
    store.add([correction(crop, 4) for crop in fours] + [correction(crop, None) for crop in non_digits])
    tuned = fine_tune_reader(store, digits, lambda _: None, lambda: NOW)
    report = tuned.report
    assert report["held_out"]["after"] == 1 > report["held_out"]["before"]
    assert report["mnist"]["n"] == 400
    assert report["mnist"]["after"] >= report["mnist"]["before"] - 0.01
    assert store.active_network() is None  # not before a person accepts it
    network = load_network(store, tuned).network  # it reads known digits and numbers
    assert (network(fours).digits.argmax(axis=1) == 4).all()
    assert network(np.ascontiguousarray(non_digits)).is_digit.max() < 0.5


@pytest.fixture
def learned(monkeypatch):
    """What the networks are trained on, without training them."""
    learned = {}

    def fine_tune(data, crops, labels, rehearsal, callbacks):
        learned.update(crops=crops, labels=labels.tolist(), rehearsal=rehearsal)
        callbacks[0].on_epoch_end(0, {"loss": 0.25})
        return data

    def fine_tune_numbers(data, strips, texts, rehearsal, callbacks):
        learned.update(texts=texts)
        return data

    monkeypatch.setattr(pipeline, "fine_tune", fine_tune)
    monkeypatch.setattr(pipeline, "fine_tune_numbers", fine_tune_numbers)
    return learned


def test_held_out_corrections_and_test_digits_are_never_trained_on(store, digits: Dataset, short, learned):
    steps = []
    pairs = zip(digits.x_train[:20], digits.y_train[:20].tolist(), strict=True)
    items = store.add([correction(crop, label) for crop, label in pairs])
    tuned = fine_tune_reader(store, digits, steps.append, lambda: NOW)
    assert [step["stage"] for step in steps] == ["prepare", "train", "train", "evaluate", "done"]
    assert steps[2] == {"stage": "train", "epoch": 1, "epochs": 4, "loss": 0.25}
    assert (steps[0]["learned"], steps[0]["held_out"], steps[-1]["network"]) == (16, 4, tuned.id)
    trained_on = {crop.tobytes() for crop in learned["crops"]}
    assert len(trained_on) == 16 == tuned.report["learned"]
    assert tuned.report["held_out"]["n"] == 4
    assert trained_on < {item.crop.tobytes() for item in items}
    assert learned["rehearsal"].shape == (920, 28, 28)
    assert not {image.tobytes() for image in digits.x_test} & {crop.tobytes() for crop in learned["rehearsal"]}


def test_numbers_teach_both_networks(store, digits: Dataset, short, learned):
    """The network for digits learns the digits that were misread in numbers read with the right length."""
    numbers = {"1350": "7350", "42.99": "4.99", "": "77", "1234": "1234"}
    store.add([number(strip_of(text or "77"), text, predicted=predicted) for text, predicted in numbers.items()])
    tuned = fine_tune_reader(store, digits, lambda _: None, lambda: NOW)
    assert sorted(learned["texts"]) == sorted(numbers)  # fewer than five: none is held out
    assert learned["labels"] == [1]
    assert bundled()(learned["crops"]).digits.argmax() == 1
    assert set(tuned.report) == {"learned", "data", "seconds", "mnist", "generated_numbers"}
    assert tuned.report["generated_numbers"]["before"] == tuned.report["generated_numbers"]["after"] > 0.6
    assert from_onnx(store.network_data(tuned.id), "both").number_network == bundled_file()


@pytest.mark.slow
def test_misread_numbers_are_learned_without_forgetting(store, digits: Dataset, short):
    """This person writes a 4 as three bars, which are read as no 4."""
    rng = np.random.default_rng(4)  # a page on which the bars part no number
    texts = ["{}4{}{}".format(*rng.integers(0, 10, 3)) for _ in range(12)]
    page = page_of(digits, texts, rng)
    reader = Reader(threads=1)
    before = reader.read(page)
    assert len(before.numbers) == len(texts)
    wrong = [line.value != text for line, text in zip(before.numbers, texts, strict=True)]
    assert sum(wrong) > 6
    pairs = zip(before.numbers, texts, strict=True)
    store.add([number(line.strip, text, predicted=line.value, network=bundled_sha256()) for line, text in pairs])
    tuned = fine_tune_reader(store, digits, lambda _: None, lambda: NOW)
    report = tuned.report
    assert report["numbers"]["after"] > report["numbers"]["before"]
    for name in ("mnist", "generated_numbers"):
        assert report[name]["after"] >= report[name]["before"] - 0.01  # of some hundred
    network = load_network(store, tuned).network
    after = [line.value for line in Reader(network, threads=1).read(page).numbers]
    assert np.mean([text in after for text in texts]) > 0.8, "a fifth is held out and not learned"


def page_of(digits: Dataset, texts: list[str], rng: np.random.Generator) -> np.ndarray:
    """A page with a number in each row; a 4 is three bars."""
    page, ladder = np.zeros((60 + 80 * len(texts), 400), np.uint8), np.zeros((28, 28), np.uint8)
    for start, end in (((5, 5), (22, 5)), ((5, 14), (22, 14)), ((5, 23), (22, 23))):
        cv2.line(ladder, start, end, 255, 3, cv2.LINE_AA)
    for row, text in enumerate(texts):
        for column, character in enumerate(text):
            own = digits.x_test[rng.choice(np.flatnonzero(digits.y_test == int(character)))]
            digit = cv2.resize(ladder if character == "4" else own, (48, 48), interpolation=cv2.INTER_AREA)
            place = page[40 + 80 * row : 88 + 80 * row, 60 + 36 * column : 108 + 36 * column]
            np.maximum(place, digit, out=place)
    return (235 - 0.75 * page).astype(np.uint8)
