"""Which network of a store reads, and the check that it must pass: known digits, and known lines.

active = active_network(store, warn=print)      # a damaged one is skipped: the one accepted before it reads
Reader(active.network), active.name
verify_network(from_onnx(data, "the fine-tuned network"))        # raises ModelFileError
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar

import numpy as np

from tendigits.data.mnist import FILE
from tendigits.digits.network import Network, bundled_file, from_onnx
from tendigits.errors import ModelFileError, StoreError
from tendigits.numbers.decode import strip_text
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.network import bundled as bundled_lines
from tendigits.teach.rehearsal import generated_lines
from tendigits.teach.schema import FineTunedNetwork
from tendigits.teach.store import Store

Loaded = TypeVar("Loaded")

DIGITS_PER_CLASS = 20

LINES = 100
"""Generated lines; those of them that the package's own network reads right are the known ones."""

MIN_ACCURACY = 0.9
"""On the known digits and lines; the package's own networks read all of them."""


@dataclass(frozen=True, eq=False)
class ActiveNetwork:
    """A network of a store, or the package's own, with its file."""

    data: bytes
    """The ONNX file."""
    sha256: str
    network: Network | None = None
    """What the file holds; None for the package's own, as a `Reader` takes it."""
    number: int | None = None
    """In the store; None for the package's own."""

    @property
    def name(self) -> str:
        """For messages."""
        return "the package's own network" if self.number is None else f"the fine-tuned network {self.number}"


def package_network() -> ActiveNetwork:
    """The package's own network. Raises ModelFileError if the package is damaged."""
    return ActiveNetwork(bundled_file(), bundled_sha256())


def load_network(store: Store, tuned: FineTunedNetwork, threads: int | None = None) -> ActiveNetwork:
    """Load a fine-tuned network and verify it.

    Raises:
        StoreError, ModelFileError: it is damaged, or misreads known digits or lines.
        Failure: the store does not answer.
    """
    data = store.network_data(tuned.id)
    network = from_onnx(data, f"the fine-tuned network {tuned.id}", threads)
    verify_network(network)
    return ActiveNetwork(data, tuned.sha256, network, tuned.id)


def last_usable(
    store: Store, load: Callable[[FineTunedNetwork], Loaded], warn: Callable[[str], object]
) -> Loaded | None:
    """What `load` makes of the last accepted network that is not damaged; None if there is none.

    Args:
        load: raises StoreError or ModelFileError for a damaged one.
        warn: called with one line for each damaged one.

    Raises:
        Failure: the store does not answer.
    """
    for tuned in store.accepted_networks():
        try:
            return load(tuned)
        except (StoreError, ModelFileError) as error:
            warn(f"{error}; the one accepted before it reads")
    return None


def active_network(store: Store, warn: Callable[[str], object]) -> ActiveNetwork:
    """The last accepted network that is not damaged, or the package's own. Arguments and errors as of `last_usable`."""
    return last_usable(store, partial(load_network, store), warn) or package_network()


def verify_network(network: Network) -> None:
    """Refuse a network that misreads digits or lines which every reader can read. Raises ModelFileError."""
    _verify_digits(network)
    if network.lines:
        strips, texts = known_lines()
        read = [strip_text(output) for output in NumberNetwork(network.lines)(strips)]
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
