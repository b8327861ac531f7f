"""What fine-tuning rehearses so that it is not forgotten, and generated lines to evaluate on.

crops = rehearsal_crops(dataset, rng)           # digits and non-digits
lines = generated_lines()
lines.rehearsed, lines.held_out
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from tendigits.data.dataset import Dataset
from tendigits.digits.find import find_digit
from tendigits.numbers.decode import HEIGHT

Array = np.ndarray[Any, Any]

REHEARSAL_DIGITS = 2400
"""Number of MNIST's training digits among the rehearsal crops."""

ASSETS = Path(__file__).with_name("assets")
REHEARSAL = ASSETS / "rehearsal.npz"
"""The other rehearsal crops: 1,000 digits by synthetic writers and 600 non-digits, made by reader/rehearsal.py."""

LINES = ASSETS / "lines.npz"
"""640 generated lines, every second one good to read, made by reader/rehearsal.py."""

REHEARSED = 6
"""Of 16 generated lines, so many are rehearsed; the others are for the evaluation."""


class GeneratedLines(NamedTuple):
    """Generated lines, in two parts."""

    rehearsed: list[Array]
    """uint8 (40, width) each."""
    held_out: list[Array]
    texts: list[str]
    """What stands in each that is held out."""


def rehearsal_crops(dataset: Dataset, rng: np.random.Generator) -> Array:
    """Digits and non-digits that must not be forgotten, uint8 (n, 28, 28), cropped as the reader crops them."""
    chosen = rng.permutation(len(dataset.x_train))[:REHEARSAL_DIGITS]
    digits = [find_digit(dataset.x_train[i]).crop for i in chosen]
    with np.load(REHEARSAL) as file:
        return np.concatenate([digits, file["crops"]])


@cache
def generated_lines() -> GeneratedLines:
    """The generated lines of the package."""
    with np.load(LINES) as file:
        picture: Array = np.asarray(cv2.imdecode(file["jpeg"], cv2.IMREAD_GRAYSCALE))
        strips = [picture[i * HEIGHT : (i + 1) * HEIGHT, :width] for i, width in enumerate(file["widths"].tolist())]
        texts = file["texts"].tolist()
    chosen = [i for i in range(len(strips)) if i % 16 >= REHEARSED]
    rehearsed = [strip for i, strip in enumerate(strips) if i % 16 < REHEARSED]
    return GeneratedLines(rehearsed, [strips[i] for i in chosen], [texts[i] for i in chosen])
