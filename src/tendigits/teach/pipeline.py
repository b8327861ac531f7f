"""Fine-tune the reader on the corrections of a store, evaluate it before and after, and store the result.

tuned = fine_tune_reader(store, dataset, progress=print, now=...)

A fifth of the corrections is held out, and MNIST's test digits are never trained on: with both a person can decide
whether to accept the network. It always starts from the package's own network and trains on all other corrections, so
that repeated fine-tuning does not make it drift.
"""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.digits.find import find_digit
from tendigits.digits.network import Network, bundled_file, from_onnx
from tendigits.teach.finetune import EPOCHS, NON_DIGIT, TrainingSet, fine_tune
from tendigits.teach.store import Correction, FineTunedNetwork, Store
from tendigits.teach.verify import bundled_sha256, verify_network

Array = np.ndarray[Any, Any]
Progress = Callable[[dict[str, Any]], None]

HOLD_OUT_EVERY = 5
"""One in so many corrections is held out for the evaluation."""

REHEARSAL_DIGITS = 2400
"""Number of MNIST's training digits among the rehearsal crops."""

REHEARSAL = Path(__file__).with_name("assets") / "rehearsal.npz"
"""The other rehearsal crops: 1,000 digits by synthetic writers and 600 non-digits, made by reader/rehearsal.py."""

MAX_TEST_DIGITS = 10_000
"""Most of MNIST's test digits to evaluate on."""


def fine_tune_reader(
    store: Store, dataset: Dataset, progress: Progress, now: Callable[[], datetime], seed: int = 0
) -> FineTunedNetwork:
    """Fine-tune, evaluate and store.

    Args:
        store: with at least MIN_CORRECTIONS corrections.
        dataset: MNIST.
        progress: is called with each step, as a dict that JSON can hold.

    Raises:
        TendigitsError: the store cannot be reached, or the network reads too badly.
    """

    def report_epoch(epoch: int, logs: dict[str, Any]) -> None:
        progress({"stage": "train", "epoch": epoch + 1, "epochs": EPOCHS, "loss": round(float(logs["loss"]), 4)})

    started = time.perf_counter()
    items = sorted(store.corrections(), key=lambda item: item.digest)  # random, and the same order each time
    learned = [item for i, item in enumerate(items) if i % HOLD_OUT_EVERY]
    held_out = items[::HOLD_OUT_EVERY]
    progress({"stage": "prepare", "corrections": len(items), "learned": len(learned), "held_out": len(held_out)})
    crops, labels = _arrays(learned)
    training = TrainingSet(crops, labels, rehearsal_crops(dataset, np.random.default_rng(seed)))
    progress({"stage": "train", "epoch": 0, "epochs": EPOCHS})
    data = fine_tune(bundled_file(), training, seed, [keras.callbacks.LambdaCallback(on_epoch_end=report_epoch)])
    progress({"stage": "evaluate"})
    network = from_onnx(data, "the fine-tuned network")
    verify_network(network)
    active = store.active_network()
    before = from_onnx(bundled_file() if active is None else store.network_data(active.id), "the active network")
    report = _evaluate(before, network, held_out, dataset) | {
        "learned": len(learned),
        "data": dataset.name,
        "seconds": round(time.perf_counter() - started, 1),
    }
    tuned = store.add_network(data, bundled_sha256(), report, now())
    progress({"stage": "done", "network": tuned.id, "report": report})
    return tuned


def rehearsal_crops(dataset: Dataset, rng: np.random.Generator) -> Array:
    """Digits and non-digits that must not be forgotten, uint8 (n, 28, 28), cropped as the reader crops them."""
    chosen = rng.permutation(len(dataset.x_train))[:REHEARSAL_DIGITS]
    digits = [find_digit(dataset.x_train[i]).crop for i in chosen]
    with np.load(REHEARSAL) as file:
        return np.concatenate([digits, file["crops"]])


def _evaluate(before: Network, after: Network, held_out: list[Correction], dataset: Dataset) -> dict[str, Any]:
    """Accuracy of both networks on digits that neither was trained on."""
    mnist = (
        np.array([find_digit(picture).crop for picture in dataset.x_test[:MAX_TEST_DIGITS]]),
        dataset.y_test[:MAX_TEST_DIGITS],
    )
    return {
        name: {"n": len(labels), "before": _accuracy(before, crops, labels), "after": _accuracy(after, crops, labels)}
        for name, (crops, labels) in (("held_out", _arrays(held_out)), ("mnist", mnist))
    }


def _accuracy(network: Network, crops: Array, labels: Array) -> float:
    """Share of digits read correctly and of non-digits recognised as such."""
    answers = network(crops)
    digits = answers.digits.argmax(axis=1)
    return round(float(np.where(labels == NON_DIGIT, answers.is_digit < 0.5, digits == labels).mean()), 5)


def _arrays(items: list[Correction]) -> tuple[Array, Array]:
    """Crops and labels; the label 10 is a non-digit."""
    labels = [NON_DIGIT if item.label is None else item.label for item in items]
    return np.array([item.crop for item in items]), np.array(labels)
