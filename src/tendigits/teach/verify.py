"""Check that a network reads known digits before it becomes the active one.

verify_network(from_onnx(data, "the fine-tuned network"))        # raises ModelFileError
"""

import hashlib
from functools import cache
from typing import Any

import numpy as np

from tendigits.data.mnist import FILE
from tendigits.digits.network import Network, bundled_file
from tendigits.errors import ModelFileError

DIGITS_PER_CLASS = 20

MIN_ACCURACY = 0.9
"""On the known digits; the package's own network reads all of them."""


def verify_network(network: Network) -> None:
    """Refuse a network that misreads digits which every reader can read. Raises ModelFileError."""
    crops, labels = known_digits()
    answers = network(crops)
    right = float((answers.digits.argmax(axis=1) == labels).mean())
    if not np.isfinite(answers.digits).all() or right < MIN_ACCURACY:
        raise ModelFileError(
            f"{network.name}: expected at least {MIN_ACCURACY:.0%} of {len(labels)} known digits read correctly, "
            f"received {right:.0%}; it is not used"
        )


@cache
def known_digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The first 20 test digits of MNIST for each class, uint8 (n, 28, 28), and their labels."""
    with np.load(FILE) as file:  # without the training digits
        x, y = file["x_test"], file["y_test"]
    chosen = np.concatenate([np.flatnonzero(y == digit)[:DIGITS_PER_CLASS] for digit in range(10)])
    return x[chosen], y[chosen]


@cache
def bundled_sha256() -> str:
    """SHA-256 of the package's own network file."""
    return hashlib.sha256(bundled_file()).hexdigest()
