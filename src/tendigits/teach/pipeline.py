"""Fine-tune the reader on the corrections of a store, evaluate it before and after, and store the result.

tuned = fine_tune_reader(store, dataset, progress=print, now=...)

A fifth of the corrections is held out for the evaluation. Training always starts from the package's own networks, so
that repeated fine-tuning does not drift.
"""

import base64
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

import keras
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.digits.foreground import find_foreground
from tendigits.digits.network import NUMBER_NETWORK, bundled_file
from tendigits.model.onnx import with_metadata
from tendigits.numbers.characters import crop_characters
from tendigits.numbers.network import bundled as bundled_numbers
from tendigits.numbers.network import bundled_file as bundled_numbers_file
from tendigits.numbers.strips import inner_columns
from tendigits.teach.finetune import DIGIT_EPOCHS, NUMBER_EPOCHS, fine_tune, fine_tune_numbers, rehearsal_crops
from tendigits.teach.number_targets import align
from tendigits.teach.store import Correction, FineTunedNetwork, NumberCorrection, Store
from tendigits.teach.verify import active_network, arrays, bundled_sha256, evaluate, generated_numbers, open_network

Array = np.ndarray[Any, Any]
Progress = Callable[[dict[str, Any]], None]

HOLD_OUT_EVERY = 5  # one in 5 corrections is held out for the evaluation; none of fewer than 5

Item = TypeVar("Item", Correction, NumberCorrection)


def split(items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Corrections to learn and corrections to hold out; the same corrections are always split in the same way."""
    ordered = sorted(items, key=lambda item: item.digest)
    if len(ordered) < HOLD_OUT_EVERY:
        return ordered, []
    return [item for i, item in enumerate(ordered) if i % HOLD_OUT_EVERY], ordered[::HOLD_OUT_EVERY]


def fine_tune_reader(
    store: Store, dataset: Dataset, progress: Progress, now: Callable[[], datetime]
) -> FineTunedNetwork:
    """Fine-tune on a store with at least MIN_CORRECTIONS corrections, evaluate and store the network.

    `progress` is called with each step, as a dict that JSON can hold. Raises TendigitsError if the store cannot be used
    or the network misreads known digits or numbers.
    """
    started = time.perf_counter()
    digits, held_out_digits = split(store.corrections())
    numbers, held_out_numbers = split(store.numbers())
    learned, held_out = len(digits) + len(numbers), len(held_out_digits) + len(held_out_numbers)
    progress({"stage": "prepare", "corrections": learned + held_out, "learned": learned, "held_out": held_out})
    data = _fine_tune_both(digits, numbers, dataset, progress)
    progress({"stage": "evaluate"})
    after = open_network(data, "the fine-tuned network")
    before = active_network(store, lambda warning: progress({"stage": "evaluate", "warning": warning}))
    report = evaluate([before, after], held_out_digits, held_out_numbers, dataset)
    report |= {"learned": learned, "data": dataset.name, "seconds": round(time.perf_counter() - started, 1)}
    tuned = store.add_network(data, bundled_sha256(), report, now())
    progress({"stage": "done", "network": tuned.id, "report": report})
    return tuned


def _fine_tune_both(
    digits: Sequence[Correction], numbers: Sequence[NumberCorrection], dataset: Dataset, progress: Progress
) -> bytes:
    """Fine-tune the networks that have corrections; returns one file with both networks."""
    crops, labels = (np.concatenate(parts) for parts in zip(arrays(digits), misread_digits(numbers), strict=True))
    epochs = (DIGIT_EPOCHS if len(crops) else 0) + (NUMBER_EPOCHS if numbers else 0)
    done = count(1)

    def report_epoch(_: int, logs: dict[str, Any]) -> None:
        progress({"stage": "train", "epoch": next(done), "epochs": epochs, "loss": round(float(logs["loss"]), 4)})

    progress({"stage": "train", "epoch": 0, "epochs": epochs})
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=report_epoch)]
    digit_network, number_network = bundled_file(), bundled_numbers_file()
    if len(crops):
        old_crops = rehearsal_crops(dataset, np.random.default_rng(0))
        digit_network = fine_tune(digit_network, crops, labels, old_crops, callbacks=callbacks)
    if numbers:
        strips, texts = [item.strip for item in numbers], [item.text for item in numbers]
        old_strips = generated_numbers().rehearsed
        number_network = fine_tune_numbers(number_network, strips, texts, old_strips, callbacks=callbacks)
    return with_metadata(digit_network, {NUMBER_NETWORK: base64.b64encode(number_network).decode()})


def misread_digits(numbers: Sequence[NumberCorrection]) -> tuple[Array, Array]:
    """Crops, uint8 (n, 28, 28), and labels of the misread digits in numbers that were read with the right length."""
    crops, labels = [np.zeros((0, 28, 28), np.uint8)], []
    for item, output in zip(numbers, bundled_numbers()([item.strip for item in numbers]), strict=True):
        if len(item.text) != len(item.predicted):
            continue
        pairs = zip(item.text, item.predicted, strict=True)
        wrong = [i for i, (actual, predicted) in enumerate(pairs) if actual != predicted and actual.isdigit()]
        boxes = align(output, item.text, *inner_columns(item.strip))
        if boxes is not None and wrong:
            found = crop_characters(find_foreground(item.strip), [tuple(boxes[i].tolist()) for i in wrong])
            not_empty = np.flatnonzero(found.max(axis=(1, 2)))
            crops.append(found[not_empty])
            labels += [int(item.text[wrong[i]]) for i in not_empty]
    return np.concatenate(crops), np.array(labels, int)
