"""Fine-tune the reader on the corrections of a store, evaluate it before and after, and store the result.

tuned = fine_tune_reader(store, dataset, progress=print, now=...)

A fifth of the corrections is held out, and MNIST's test digits are never trained on: with both a person can decide
whether to accept the network. It always starts from the package's own networks and trains on all other corrections, so
that repeated fine-tuning does not make it drift.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import keras
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.digits.foreground import find_foreground
from tendigits.digits.network import LINES, bundled, bundled_file, from_onnx
from tendigits.errors import StoreError
from tendigits.model.onnx import with_metadata
from tendigits.numbers.network import bundled as bundled_lines
from tendigits.numbers.network import bundled_file as bundled_lines_file
from tendigits.numbers.second_opinion import crop_characters
from tendigits.numbers.strips import inner_columns
from tendigits.teach import finetune, finetune_lines
from tendigits.teach.alignment import align
from tendigits.teach.corrections import Correction, NumberCorrection
from tendigits.teach.evaluate import Evaluated, arrays, evaluate
from tendigits.teach.finetune import TrainingSet, fine_tune
from tendigits.teach.finetune_lines import LineTrainingSet, fine_tune_lines
from tendigits.teach.rehearsal import generated_lines, rehearsal_crops
from tendigits.teach.schema import FineTunedNetwork
from tendigits.teach.store import Store
from tendigits.teach.verify import active_network, bundled_sha256, verify_network

Array = np.ndarray[Any, Any]
Progress = Callable[[dict[str, Any]], None]

HOLD_OUT_EVERY = 5
"""One in so many corrections is held out for the evaluation; none of fewer."""

Item = TypeVar("Item", Correction, NumberCorrection)


@dataclass(frozen=True)
class Split(Generic[Item]):
    """Corrections of one kind."""

    learned: list[Item]
    held_out: list[Item]

    @classmethod
    def of(cls, items: Sequence[Item]) -> "Split[Item]":
        """Hold out some of them at random, and the same ones each time."""
        ordered = sorted(items, key=lambda item: item.digest)
        if len(ordered) < HOLD_OUT_EVERY:
            return cls(ordered, [])
        return cls([item for i, item in enumerate(ordered) if i % HOLD_OUT_EVERY], ordered[::HOLD_OUT_EVERY])


def fine_tune_reader(
    store: Store, dataset: Dataset, progress: Progress, now: Callable[[], datetime], seed: int = 0
) -> FineTunedNetwork:
    """Fine-tune, evaluate and store.

    Args:
        store: with at least MIN_CORRECTIONS corrections.
        dataset: MNIST.
        progress: is called with each step, as a dict that JSON can hold.

    Raises:
        TendigitsError: the store cannot be reached or has no intact correction, or the network reads too badly.
    """
    started = time.perf_counter()
    digits, numbers = Split.of(store.corrections()), Split.of(store.numbers())
    learned, held_out = (len(digits.learned) + len(numbers.learned), len(digits.held_out) + len(numbers.held_out))
    if not learned:
        raise StoreError(f"expected corrections in {store.url}, found only damaged ones; restore a backup")
    progress({"stage": "prepare", "corrections": learned + held_out, "learned": learned, "held_out": held_out})
    data = _fine_tune_both(digits.learned, numbers.learned, dataset, progress, seed)
    progress({"stage": "evaluate"})
    network = from_onnx(data, "the fine-tuned network")
    verify_network(network)
    active = active_network(store, lambda warning: progress({"stage": "evaluate", "warning": warning}))
    before = Evaluated(active.network or bundled(), active.sha256)
    after = Evaluated(network, hashlib.sha256(data).hexdigest())
    report = evaluate(before, after, digits.held_out, numbers.held_out, dataset) | {
        "learned": learned,
        "data": dataset.name,
        "seconds": round(time.perf_counter() - started, 1),
    }
    tuned = store.add_network(data, bundled_sha256(), report, now())
    progress({"stage": "done", "network": tuned.id, "report": report})
    return tuned


def _fine_tune_both(
    digits: Sequence[Correction], numbers: Sequence[NumberCorrection], dataset: Dataset, progress: Progress, seed: int
) -> bytes:
    """Fine-tune the networks that were wrong; returns the file of both."""
    crops, labels = arrays(digits)
    more_crops, more_labels = misread_digits(numbers)
    crops, labels = np.concatenate([crops, more_crops]), np.concatenate([labels, more_labels])
    epochs = (finetune.EPOCHS if len(crops) else 0) + (finetune_lines.EPOCHS if numbers else 0)
    done = 0

    def report_epoch(epoch: int, logs: dict[str, Any]) -> None:
        nonlocal done
        done += 1
        progress({"stage": "train", "epoch": done, "epochs": epochs, "loss": round(float(logs["loss"]), 4)})

    progress({"stage": "train", "epoch": 0, "epochs": epochs})
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=report_epoch)]
    data, lines = bundled_file(), bundled_lines_file()
    if len(crops):
        rehearsal = rehearsal_crops(dataset, np.random.default_rng(seed))
        data = fine_tune(data, TrainingSet(crops, labels, rehearsal), seed, callbacks)
    if numbers:
        strips, texts = [item.strip for item in numbers], [item.text for item in numbers]
        training = LineTrainingSet(strips, texts, generated_lines().rehearsed)
        lines = fine_tune_lines(lines, training, seed, callbacks)
    return with_metadata(data, {LINES: base64.b64encode(lines).decode()})


def misread_digits(numbers: Sequence[NumberCorrection]) -> tuple[Array, Array]:
    """Crops, uint8 (n, 28, 28), and labels of the digits for which others were read, in numbers of the right length."""
    crops, labels = [np.zeros((0, 28, 28), np.uint8)], []
    for item, output in zip(numbers, bundled_lines()([item.strip for item in numbers]), strict=True):
        if len(item.text) != len(item.predicted):
            continue
        wrong = [i for i, (one, other) in enumerate(zip(item.text, item.predicted, strict=True)) if one != other]
        wrong = [i for i in wrong if item.text[i].isdigit()]
        boxes = align(output, item.text, *inner_columns(item.strip))
        if boxes is not None and wrong:
            found = crop_characters(find_foreground(item.strip), [tuple(boxes[i].tolist()) for i in wrong])
            seen = np.flatnonzero(found.max(axis=(1, 2)))
            crops.append(found[seen])
            labels += [int(item.text[wrong[i]]) for i in seen]
    return np.concatenate(crops), np.array(labels, int)
