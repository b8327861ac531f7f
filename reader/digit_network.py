"""The layers of the network for single digits.

network = build()       # (28, 28, 1), 0 to 1 -> (11,): a logit for each digit and for non-digits
"""

from typing import Any

import keras
from keras import layers

from synthesis.writers import NOT_A_DIGIT


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
