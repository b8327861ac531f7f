"""The digits that the playground's networks learn from and are tested on.

digits = Digits.load()
images, labels = digits.training(500, label_noise=0.1)

All networks learn from the same: the first of MNIST's training digits, and the same ones have a wrong label.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tendigits.data.dataset import Pixels
from tendigits.data.mnist import load_data
from tendigits.data.preprocess import to_input

NOISE_SEED = 0
"""Whatever a network's own seed, so that two networks have the same wrong labels."""


@dataclass(frozen=True)
class Digits:
    """MNIST, or a part of it: uint8 (n, 28, 28) and uint8 (n,)."""

    x_train: Pixels
    y_train: Pixels
    x_test: Pixels
    y_test: Pixels

    @classmethod
    def load(cls) -> "Digits":
        """All of MNIST."""
        (x_train, y_train), (x_test, y_test) = load_data()
        return cls(x_train, y_train, x_test, y_test)

    @cached_property
    def test_input(self) -> np.ndarray:
        """The test digits as networks see them: float32 (n, 784)."""
        return to_input(self.x_test)

    def training(self, n: int, label_noise: float = 0.0) -> tuple[Pixels, Pixels]:
        """The first n training digits and their labels, a fraction of which is wrong."""
        return self.x_train[:n], with_noise(self.y_train[:n], label_noise)


def with_noise(labels: Pixels, share: float) -> Pixels:
    """The labels with this share of them, chosen at random, replaced by one of the nine wrong ones."""
    random = np.random.default_rng(NOISE_SEED)
    is_wrong = random.random(len(labels)) < share
    wrong = (labels + random.integers(1, 10, len(labels))) % 10
    return np.where(is_wrong, wrong, labels).astype(np.uint8)
