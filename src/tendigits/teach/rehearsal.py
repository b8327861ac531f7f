"""Digits and numbers that fine-tuning repeats so that the networks do not forget them.

crops = rehearsal_crops(dataset, rng)           # digits and non-digits
numbers = generated_numbers()
numbers.rehearsed, numbers.held_out             # for training, for evaluation
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
