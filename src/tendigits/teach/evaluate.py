"""What a reader should know: what fine-tuning repeats so that it is not forgotten, and accuracy before and after.

crops = rehearsal_crops(dataset, rng)           # digits and non-digits
numbers = generated_numbers()
numbers.rehearsed, numbers.held_out             # for training, for evaluation
report = evaluate([EvaluatedReader(before, sha256), after], held_out_digits, held_out_numbers, dataset)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.digits.find import find_digit
from tendigits.digits.network import Network
from tendigits.numbers.decode import HEIGHT, strip_text
from tendigits.numbers.grammar import without_closing
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.network import bundled as bundled_numbers
from tendigits.numbers.strips import inner_columns
from tendigits.teach.store import Correction, NumberCorrection

Array = np.ndarray[Any, Any]

NON_DIGIT = 10  # label of a non-digit
MAX_TEST_DIGITS = 10_000  # most of MNIST's test digits to evaluate on
REHEARSAL_DIGITS = 2400  # number of MNIST's training digits among the rehearsal crops
ASSETS = Path(__file__).with_name("assets")
REHEARSAL = ASSETS / "rehearsal.npz"  # 1,000 digits by synthetic writers and 600 non-digits, by reader/rehearsal.py
NUMBERS = ASSETS / "numbers.npz"  # 640 generated numbers, every second one clean, by reader/rehearsal.py
REHEARSED_OF_16 = 6  # of every 16 generated numbers, 6 are rehearsed and 10 are held out


class GeneratedNumbers(NamedTuple):
    """Strips with generated numbers, in two parts."""

    rehearsed: list[Array]  # uint8 (40, width) each
    held_out: list[Array]
    texts: list[str]  # the number in each strip that is held out


@dataclass(frozen=True)
class EvaluatedReader:
    """A network for digits and the network for numbers that belongs to it."""

    digits: Network
    sha256: str  # of its file: for corrections of this network's own predictions, those predictions are evaluated

    @cached_property
    def numbers(self) -> NumberNetwork:
        """The network for numbers."""
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


def evaluate(
    readers: Sequence[EvaluatedReader], digits: Sequence[Correction], numbers: Sequence[NumberCorrection], data: Dataset
) -> dict[str, Any]:
    """Accuracies of both readers on held-out corrections, MNIST's test digits and generated numbers."""
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


def rehearsal_crops(dataset: Dataset, rng: np.random.Generator) -> Array:
    """Digits and non-digits, uint8 (n, 28, 28), cropped as the reader crops them."""
    chosen = rng.permutation(len(dataset.x_train))[:REHEARSAL_DIGITS]
    digits = [find_digit(dataset.x_train[i]).crop for i in chosen]
    with np.load(REHEARSAL) as file:
        return np.concatenate([digits, file["crops"]])


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


def arrays(items: Sequence[Correction]) -> tuple[Array, Array]:
    """Crops, uint8 (n, 28, 28), and labels; the label 10 is a non-digit."""
    labels = [NON_DIGIT if item.label is None else item.label for item in items]
    return np.array([item.crop for item in items], np.uint8).reshape(-1, 28, 28), np.array(labels, int)


def _part(before: Sequence[bool], after: Sequence[bool]) -> dict[str, Any]:
    return {"n": len(before), "before": round(float(np.mean(before)), 5), "after": round(float(np.mean(after)), 5)}
