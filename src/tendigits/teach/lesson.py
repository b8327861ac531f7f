"""A lesson from the store's corrections: a network is taught, judged before and after, and kept.

taught = give_lesson(store, dataset, say=print)

A fifth of the corrections is held out, and MNIST's test digits are never learned from: by these a person can decide
whether to accept it. It always starts from the package's own network and learns all corrections, so that a network
taught ten times has not drifted ten times.
"""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.errors import UserError
from tendigits.read.find import find_digit
from tendigits.read.network import Network, bundled_file, from_onnx
from tendigits.teach.finetune import EPOCHS, NONE, Lesson, teach
from tendigits.teach.store import LEAST_TO_LEARN, Correction, Store, Taught
from tendigits.teach.verify import bundled_sha256, verify_network

Array = np.ndarray[Any, Any]
Say = Callable[[dict[str, Any]], None]

FIFTH = 5

REPLAYED_DIGITS = 2400
"""Digits of MNIST among the crops that the network must not forget."""

REHEARSAL = Path(__file__).with_name("assets") / "rehearsal.npz"
"""The other crops: 1,000 digits by synthetic writers and 600 non-digits, made by reader/rehearsal.py."""

TEST = 10_000
"""Of MNIST's test digits at most, to judge by."""


def give_lesson(store: Store, dataset: Dataset, say: Say, now: Callable[[], datetime], seed: int = 0) -> Taught:
    """Teach, judge and keep.

    Args:
        dataset: MNIST.
        say: is told of each step, in JSON's types.

    Raises:
        UserError: there are too few corrections.
        TendigitsError: the store cannot be reached, or what was learned is no use.
    """
    started = time.perf_counter()
    items = sorted(store.corrections(), key=lambda item: item.digest)  # by chance, and the same each time
    if len(items) < LEAST_TO_LEARN:
        raise UserError(
            f"expected at least {LEAST_TO_LEARN} corrections to learn from, found {len(items)}; correct some more"
        )
    learned = [item for i, item in enumerate(items) if i % FIFTH]
    held_out = items[::FIFTH]
    say({"stage": "prepare", "corrections": len(items), "learned": len(learned), "held_out": len(held_out)})
    crops, labels = _arrays(learned)
    lesson = Lesson(crops, labels, replay_of(dataset, np.random.default_rng(seed)))
    say({"stage": "learn", "epoch": 0, "epochs": EPOCHS})
    data = teach(bundled_file(), lesson, seed, [_Told(say)])
    say({"stage": "judge"})
    network = from_onnx(data, "the taught network")
    verify_network(network)
    reading = store.reading()
    before = from_onnx(bundled_file() if reading is None else store.network_data(reading.id), "the network before")
    report = _judge(before, network, held_out, dataset) | {
        "learned": len(learned),
        "data": dataset.name,
        "seconds": round(time.perf_counter() - started, 1),
    }
    taught = store.add_network(data, bundled_sha256(), report, now())
    say({"stage": "done", "network": taught.id, "report": report})
    return taught


class _Told(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, say: Say) -> None:
        super().__init__()
        self.say = say

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.say({"stage": "learn", "epoch": epoch + 1, "epochs": EPOCHS, "loss": round(float(logs["loss"]), 4)})


def replay_of(dataset: Dataset, rng: np.random.Generator) -> Array:
    """Crops that the network must not forget, uint8 (n, 28, 28), as the reader finds them."""
    chosen = rng.permutation(len(dataset.x_train))[:REPLAYED_DIGITS]
    digits = [find_digit(dataset.x_train[i]).crop for i in chosen]
    with np.load(REHEARSAL) as file:
        return np.concatenate([digits, file["crops"]])


def _judge(before: Network, after: Network, held_out: list[Correction], dataset: Dataset) -> dict[str, Any]:
    """How much each reads right of what neither has learned from."""
    own = _arrays(held_out)
    mnist = np.array([find_digit(picture).crop for picture in dataset.x_test[:TEST]]), dataset.y_test[:TEST]
    return {
        name: {"n": len(labels), "before": _right(before, crops, labels), "after": _right(after, crops, labels)}
        for name, (crops, labels) in (("held_out", own), ("mnist", mnist))
    }


def _right(network: Network, crops: Array, labels: Array) -> float:
    """Share that is read right; of what is no digit, that is not taken for one."""
    answers = network(crops)
    said = np.where(answers.is_digit < 0.5, NONE, answers.digits.argmax(axis=1))
    digits = answers.digits.argmax(axis=1)
    return round(float(np.where(labels == NONE, said == NONE, digits == labels).mean()), 5)


def _arrays(items: list[Correction]) -> tuple[Array, Array]:
    """Crops and labels, 10 for what is no digit."""
    labels = [NONE if item.label is None else item.label for item in items]
    return np.array([item.crop for item in items]), np.array(labels)
