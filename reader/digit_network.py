"""The network for single digits: its layers; and what it learns from as the second opinion on lines, and its loss.

network = build()                       # (28, 28, 1), 0 to 1 -> (11,): a logit for each digit and for non-digits
x, y = take_crops(7, 0, 256, False)     # crops of pool.py and line_crops.py, and what they show
"""

from functools import cache
from typing import Any

import keras
import numpy as np
from keras import layers

from line_crops import LINE_CROPS, Crops
from pool import POOL
from synthesis.writers import NOT_A_DIGIT
from training import Samples

IN_LINES = 0.5
"""Share of the crops that are cut out of lines."""

SMOOTHING = 0.02
"""Of the labels."""


def build() -> keras.Model:
    """Build a small convolutional network: strided convolutions in place of pooling, 28 to 14 to 7 pixels."""

    def block(filters: int, strides: int = 1) -> list[Any]:
        return [
            layers.Conv2D(filters, 3, strides, "same", use_bias=False),
            layers.BatchNormalization(momentum=0.97),
            layers.ReLU(),
        ]

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *block(32), *block(48, 2), *block(48), *block(96, 2), *block(96),
            layers.Flatten(), layers.Dropout(0.4), layers.Dense(NOT_A_DIGIT + 1, dtype="float32"),
        ]
    )  # fmt: skip


def loss(y: Any, logits: Any) -> Any:
    """Cross-entropy with smoothed labels, one for each crop."""
    return keras.losses.categorical_crossentropy(y, logits, from_logits=True, label_smoothing=SMOOTHING)


@cache
def _crops(path: str) -> Crops:
    with np.load(path) as file:
        return file["x"], file["y"]


def take_crops(seed: int, part: int, n: int, good: bool) -> Samples:
    """Take n crops at random: float16 (n, 28, 28, 1), and float16 (n, 11). `good` changes nothing."""
    rng = np.random.default_rng((seed, part))
    in_lines = rng.binomial(n, IN_LINES)
    taken = []
    for path, size in ((LINE_CROPS, in_lines), (POOL, n - in_lines)):
        x, y = _crops(str(path))
        chosen = rng.integers(0, len(y), size)
        taken.append((x[chosen], y[chosen]))
    x, y = (np.concatenate([each[k] for each in taken]) for k in range(2))
    order = rng.permutation(n)
    return (x[order, ..., None] / 255).astype(np.float16), np.eye(NOT_A_DIGIT + 1, dtype=np.float16)[y[order]]
