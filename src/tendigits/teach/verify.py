"""Check that a network still reads well-known digits before anybody reads with it.

verify_network(from_onnx(data, "the fine-tuned network"))        # raises ModelFileError
"""

import hashlib
from functools import cache
from typing import Any

import numpy as np

from tendigits.data.mnist import FILE
from tendigits.errors import ModelFileError
from tendigits.read.network import Network, bundled_file

KNOWN = 20
"""Digits of each kind that a network has to read before it is used."""

LEAST = 0.9
"""Share of them that it has to read right; the package's own reads all of them."""


def verify_network(network: Network) -> None:
    """Refuse a network that does not read what every reader can. Raises ModelFileError."""
    crops, labels = known_digits()
    answers = network(crops)
    right = float((answers.digits.argmax(axis=1) == labels).mean())
    if not np.isfinite(answers.digits).all() or right < LEAST:
        raise ModelFileError(
            f"{network.name}: expected at least {LEAST:.0%} of {len(labels)} known digits read right, received "
            f"{right:.0%}; the one before goes on"
        )


@cache
def known_digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The first KNOWN test digits of MNIST for each class, uint8 (n, 28, 28), and their labels."""
    with np.load(FILE) as file:  # without the training digits
        x, y = file["x_test"], file["y_test"]
    chosen = np.concatenate([np.flatnonzero(y == digit)[:KNOWN] for digit in range(10)])
    return x[chosen], y[chosen]


@cache
def bundled_sha256() -> str:
    """Of the package's own network."""
    return hashlib.sha256(bundled_file()).hexdigest()
