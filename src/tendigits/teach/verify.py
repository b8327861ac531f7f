"""Check that a network reads known digits, and its line network known lines, before it becomes the active one.

verify_network(from_onnx(data, "the fine-tuned network"))        # raises ModelFileError
"""

import hashlib
from functools import cache
from typing import Any

import numpy as np

from tendigits.data.mnist import FILE
from tendigits.digits.network import Network, bundled_file
from tendigits.errors import ModelFileError
from tendigits.lines.network import LineNetwork
from tendigits.lines.network import bundled as bundled_lines
from tendigits.lines.read_strip import strip_text
from tendigits.teach.rehearsal import generated_lines

DIGITS_PER_CLASS = 20

LINES = 100
"""Generated lines; those of them that the package's own network reads right are the known ones."""

MIN_ACCURACY = 0.9
"""On the known digits and lines; the package's own networks read all of them."""


def verify_network(network: Network) -> None:
    """Refuse a network that misreads digits or lines which every reader can read. Raises ModelFileError."""
    _verify_digits(network)
    if network.lines:
        strips, texts = known_lines()
        read = [strip_text(output) for output in LineNetwork(network.lines)(strips)]
        right = float(np.mean([found == text for found, text in zip(read, texts, strict=True)]))
        if right < MIN_ACCURACY:
            raise ModelFileError(
                f"{network.name}: expected at least {MIN_ACCURACY:.0%} of {len(texts)} known lines read correctly, "
                f"received {right:.0%}; it is not used"
            )


def _verify_digits(network: Network) -> None:
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
def known_lines() -> tuple[list[np.ndarray[Any, Any]], list[str]]:
    """Generated lines that the package's own network reads right, uint8 (40, width) each, and what stands there."""
    lines = generated_lines()
    outputs = bundled_lines()(lines.held_out[:LINES])
    known = [i for i, output in enumerate(outputs) if lines.texts[i] and strip_text(output) == lines.texts[i]]
    return [lines.held_out[i] for i in known], [lines.texts[i] for i in known]


@cache
def bundled_sha256() -> str:
    """SHA-256 of the package's own network file."""
    return hashlib.sha256(bundled_file()).hexdigest()
