"""How well a reader reads before and after it was fine-tuned, on what it was not trained on.

report = evaluate(Evaluated(before, sha256), after, held_out_digits, held_out_numbers, dataset)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.digits.find import find_digit
from tendigits.digits.network import Network
from tendigits.numbers.decode import strip_text
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.network import bundled as bundled_lines
from tendigits.numbers.strips import inner_columns
from tendigits.teach.corrections import Correction, NumberCorrection
from tendigits.teach.rehearsal import generated_lines

Array = np.ndarray[Any, Any]
Part = dict[str, Any]

NON_DIGIT = 10
"""Label of a non-digit."""

MAX_TEST_DIGITS = 10_000
"""Most of MNIST's test digits to evaluate on."""


@dataclass(frozen=True)
class Evaluated:
    """A network for digits, with the line network that belongs to it."""

    digits: Network
    sha256: str
    """Of its file. What it had predicted where a person corrected it, it need not be asked again."""

    @cached_property
    def lines(self) -> NumberNetwork:
        """The line network."""
        return NumberNetwork(self.digits.lines) if self.digits.lines else bundled_lines()

    def right_digits(self, items: Sequence[Correction]) -> list[bool]:
        """Which corrections say what this reader says too; "not a digit" is wrong where it had read a digit."""
        crops, labels = arrays(items)
        return [
            item.predicted == item.label if self._predicted(item) else right
            for item, right in zip(items, right_labels(self.digits, crops, labels).tolist(), strict=True)
        ]

    def right_numbers(self, items: Sequence[NumberCorrection]) -> list[bool]:
        """Likewise for numbers; "no number" is wrong where it had read one."""
        outputs = self.lines([item.strip for item in items])
        return [
            (item.predicted if self._predicted(item) else strip_text(output, *inner_columns(item.strip))) == item.text
            for item, output in zip(items, outputs, strict=True)
        ]

    def _predicted(self, item: Correction | NumberCorrection) -> bool:
        return item.network == self.sha256 and item.predicted not in (None, "")


def evaluate(
    before: Evaluated,
    after: Evaluated,
    digits: Sequence[Correction],
    numbers: Sequence[NumberCorrection],
    dataset: Dataset,
) -> dict[str, Part]:
    """The share that is read right before and after: of held-out corrections, MNIST's test digits, generated lines."""
    mnist = np.array([find_digit(picture).crop for picture in dataset.x_test[:MAX_TEST_DIGITS]])
    labels = dataset.y_test[:MAX_TEST_DIGITS]
    parts: dict[str, Part] = {}
    if digits:
        parts["held_out"] = _part(before.right_digits(digits), after.right_digits(digits))
    if numbers:
        parts["numbers"] = _part(before.right_numbers(numbers), after.right_numbers(numbers))
    parts["mnist"] = _part(*(right_labels(each.digits, mnist, labels).tolist() for each in (before, after)))
    if after.digits.lines or before.digits.lines:
        parts["lines"] = _part(*(right_lines(each.lines) for each in (before, after)))
    return parts


def right_labels(network: Network, crops: Array, labels: Array) -> Array:
    """Which digits are read right and which non-digits recognised as such: bool (n,)."""
    answers = network(crops)
    right: Array = np.where(labels == NON_DIGIT, answers.is_digit < 0.5, answers.digits.argmax(axis=1) == labels)
    return right


def right_lines(network: NumberNetwork) -> list[bool]:
    """Which generated lines are read right; where no digit stands in one, none is read."""
    lines = generated_lines()
    return [
        strip_text(output) == (text if any(map(str.isdigit, text)) else "")
        for output, text in zip(network(lines.held_out), lines.texts, strict=True)
    ]


def arrays(items: Sequence[Correction]) -> tuple[Array, Array]:
    """Crops, uint8 (n, 28, 28), and labels; the label 10 is a non-digit."""
    labels = [NON_DIGIT if item.label is None else item.label for item in items]
    return np.array([item.crop for item in items], np.uint8).reshape(-1, 28, 28), np.array(labels, int)


def _part(before: Sequence[bool], after: Sequence[bool]) -> Part:
    return {"n": len(before), "before": round(float(np.mean(before)), 5), "after": round(float(np.mean(after)), 5)}
