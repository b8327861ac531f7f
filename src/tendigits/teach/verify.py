"""The active network of a store, the digits and numbers that it must be able to read, and accuracies to compare.

active = active_network(store, warn=print)      # a damaged one is skipped in favour of the one accepted before it
Reader(active.network), active.name
numbers = generated_numbers()
numbers.rehearsed, numbers.held_out             # for training, for evaluation
report = evaluate([active, tuned], held_out_digits, held_out_numbers, dataset)
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.data.mnist import FILE
from tendigits.digits.find import find_digit
from tendigits.digits.network import Network, bundled, bundled_file, from_onnx
from tendigits.errors import ModelFileError, StoreError
from tendigits.numbers.decode import HEIGHT, strip_text
from tendigits.numbers.grammar import without_closing
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.network import bundled as bundled_numbers
from tendigits.numbers.strips import inner_columns
from tendigits.teach.store import Correction, FineTunedNetwork, NumberCorrection, Store

Array = np.ndarray[Any, Any]
Loaded = TypeVar("Loaded")

NON_DIGIT = 10  # label of a non-digit
ASSETS = Path(__file__).with_name("assets")
NUMBERS = ASSETS / "numbers.npz"  # 640 generated numbers, every second one clean, by reader/rehearsal.py
REHEARSED_OF_16 = 6  # of every 16 generated numbers, 6 are rehearsed and 10 are held out
MAX_TEST_DIGITS = 10_000  # most of MNIST's test digits to evaluate on

DIGITS_PER_CLASS = 20
GENERATED_NUMBERS = 100  # those that the package's own network reads correctly are the known ones
MIN_ACCURACY = 0.9  # on the known digits and numbers; the package's own networks read all of them


@dataclass(frozen=True, eq=False)
class ActiveNetwork:
    """A network of a store, or the package's own, with its file."""

    data: bytes  # the ONNX file
    name: str = "the package's own network"
    network: Network | None = None  # the loaded file; None for the package's own, as a `Reader` takes it

    @cached_property
    def sha256(self) -> str:
        """Of the file. For corrections of this network's predictions, the stored predictions are evaluated."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def digits(self) -> Network:
        """The network for digits."""
        return self.network or bundled()

    @cached_property
    def numbers(self) -> NumberNetwork:
        """The network for numbers that belongs to it."""
        return NumberNetwork(self.digits.number_network) if self.digits.number_network else bundled_numbers()

    def correct_digits(self, items: Sequence[Correction]) -> list[bool]:
        """Whether this reader reads each digit as corrected."""
        crops, labels = arrays(items)
        return [
            item.predicted == item.label if self._predicted(item) else correct
            for item, correct in zip(items, correct_labels(self.digits, crops, labels).tolist(), strict=True)
        ]

    def correct_numbers(self, items: Sequence[NumberCorrection]) -> list[bool]:
        """Whether this reader reads each number as corrected."""
        outputs = self.numbers([item.strip for item in items])
        read = [
            item.predicted if self._predicted(item) else strip_text(output, *inner_columns(item.strip))
            for item, output in zip(items, outputs, strict=True)
        ]
        return [without_closing(text) == without_closing(item.text) for text, item in zip(read, items, strict=True)]

    def _predicted(self, item: Correction | NumberCorrection) -> bool:
        return item.network == self.sha256 and item.predicted not in (None, "")


def open_network(data: bytes, name: str, threads: int | None = None) -> ActiveNetwork:
    """Open a fine-tuned network. Raises ModelFileError if it is damaged or misreads known digits or numbers."""
    opened = ActiveNetwork(data, name, from_onnx(data, name, threads))
    for kind, correct in _correct_of_known(opened):
        if (accuracy := float(correct.mean())) < MIN_ACCURACY:
            raise ModelFileError(
                f"{name}: expected at least {MIN_ACCURACY:.0%} of {len(correct)} known {kind} read correctly, "
                f"received {accuracy:.0%}; it is not used"
            )
    return opened


def _correct_of_known(opened: ActiveNetwork) -> Iterator[tuple[str, Array]]:
    """Which known digits, and which known numbers if it has a network for them, are read correctly."""
    yield "digits", correct_labels(opened.digits, *known_digits())
    if opened.digits.number_network:
        yield "numbers", np.array(correct_generated(opened.numbers, GENERATED_NUMBERS))[known_numbers()]


def load_network(store: Store, tuned: FineTunedNetwork, threads: int | None = None) -> ActiveNetwork:
    """Load a store's network. Raises StoreError or ModelFileError if it is damaged or misreads known digits."""
    return open_network(store.network_data(tuned.id), f"the fine-tuned network {tuned.id}", threads)


def last_usable(
    store: Store, load: Callable[[FineTunedNetwork], Loaded], warn: Callable[[str], object]
) -> Loaded | None:
    """Load the last accepted network for which `load` does not raise StoreError or ModelFileError; `warn` of others."""
    for tuned in store.accepted_networks():
        try:
            return load(tuned)
        except (StoreError, ModelFileError) as error:
            warn(f"{error}; the one accepted before it reads")
    return None


def active_network(store: Store, warn: Callable[[str], object]) -> ActiveNetwork:
    """The last accepted network that is not damaged, or the package's own; `warn` of damaged ones."""
    return last_usable(store, partial(load_network, store), warn) or ActiveNetwork(bundled_file())


@cache
def known_digits() -> tuple[Array, Array]:
    """The first 20 test digits of MNIST for each class, uint8 (n, 28, 28), and their labels."""
    with np.load(FILE) as file:  # without the training digits
        x, y = file["x_test"], file["y_test"]
    chosen = np.concatenate([np.flatnonzero(y == digit)[:DIGITS_PER_CLASS] for digit in range(10)])
    return x[chosen], y[chosen]


@cache
def known_numbers() -> Array:
    """Indices of the held-out generated numbers that the package's own network reads correctly."""
    return np.flatnonzero(correct_generated(bundled_numbers(), GENERATED_NUMBERS))


class GeneratedNumbers(NamedTuple):
    """Strips with generated numbers, in two parts."""

    rehearsed: list[Array]  # uint8 (40, width) each
    held_out: list[Array]
    texts: list[str]  # the number in each strip that is held out


@cache
def generated_numbers() -> GeneratedNumbers:
    """The generated numbers of the package."""
    with np.load(NUMBERS) as file:
        picture: Array = np.asarray(cv2.imdecode(file["jpeg"], cv2.IMREAD_GRAYSCALE))
        strips = [picture[i * HEIGHT : (i + 1) * HEIGHT, :width] for i, width in enumerate(file["widths"].tolist())]
        texts = file["texts"].tolist()
    rehearsed = [strip for i, strip in enumerate(strips) if i % 16 < REHEARSED_OF_16]
    held_out = [i for i in range(len(strips)) if i % 16 >= REHEARSED_OF_16]
    return GeneratedNumbers(rehearsed, [strips[i] for i in held_out], [texts[i] for i in held_out])


@cache
def bundled_sha256() -> str:
    """SHA-256 of the package's own network file."""
    return hashlib.sha256(bundled_file()).hexdigest()


def evaluate(
    readers: Sequence[ActiveNetwork], digits: Sequence[Correction], numbers: Sequence[NumberCorrection], data: Dataset
) -> dict[str, Any]:
    """Accuracies before and after, on held-out corrections, MNIST's test digits and generated numbers."""
    mnist = np.array([find_digit(picture).crop for picture in data.x_test[:MAX_TEST_DIGITS]])
    labels = data.y_test[:MAX_TEST_DIGITS]
    correct = {
        "held_out": [reader.correct_digits(digits) for reader in readers if digits],
        "numbers": [reader.correct_numbers(numbers) for reader in readers if numbers],
        "mnist": [correct_labels(reader.digits, mnist, labels).tolist() for reader in readers],
        "generated_numbers": [correct_generated(reader.numbers) for reader in readers],
    }
    return {name: _part(*before_and_after) for name, before_and_after in correct.items() if before_and_after}


def correct_labels(network: Network, crops: Array, labels: Array) -> Array:
    """Which digits are classified correctly and which non-digits are recognised as such: bool (n,)."""
    predictions = network(crops)
    is_non_digit = predictions.is_digit < 0.5
    return np.where(labels == NON_DIGIT, is_non_digit, predictions.digits.argmax(axis=1) == labels)


def correct_generated(network: NumberNetwork, n: int | None = None) -> list[bool]:
    """Which of the first n held-out generated numbers are read correctly: a text without digits as no number."""
    numbers = generated_numbers()
    return [
        strip_text(output) == (text if any(map(str.isdigit, text)) else "")
        for output, text in zip(network(numbers.held_out[:n]), numbers.texts[:n], strict=True)
    ]


def arrays(items: Sequence[Correction]) -> tuple[Array, Array]:
    """Crops, uint8 (n, 28, 28), and labels; the label 10 is a non-digit."""
    labels = [NON_DIGIT if item.label is None else item.label for item in items]
    return np.array([item.crop for item in items], np.uint8).reshape(-1, 28, 28), np.array(labels, int)


def _part(before: Sequence[bool], after: Sequence[bool]) -> dict[str, Any]:
    return {"n": len(before), "before": round(float(np.mean(before)), 5), "after": round(float(np.mean(after)), 5)}
