"""The network of a store that reads, and the check that it must pass: known digits and known numbers.

active = active_network(store, warn=print)      # a damaged one is skipped in favour of the one accepted before it
Reader(active.network), active.name
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
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.network import bundled as bundled_numbers
from tendigits.teach.evaluate import correct_generated, correct_labels
from tendigits.teach.store import FineTunedNetwork, Store

Loaded = TypeVar("Loaded")

DIGITS_PER_CLASS = 20
GENERATED_NUMBERS = 100  # those that the package's own network reads correctly are the known ones
MIN_ACCURACY = 0.9  # on the known digits and numbers; the package's own networks read all of them


@dataclass(frozen=True, eq=False)
class ActiveNetwork:
    """A network of a store, or the package's own, with its file."""

    data: bytes  # the ONNX file
    sha256: str
    name: str = "the package's own network"
    network: Network | None = None  # the loaded file; None for the package's own, as a `Reader` takes it


def load_network(store: Store, tuned: FineTunedNetwork, threads: int | None = None) -> ActiveNetwork:
    """Load a fine-tuned network. Raises StoreError or ModelFileError if it is damaged or misreads known digits."""
    data = store.network_data(tuned.id)
    network = from_onnx(data, f"the fine-tuned network {tuned.id}", threads)
    verify_network(network)
    return ActiveNetwork(data, tuned.sha256, network.name, network)


def last_usable(
    store: Store, load: Callable[[FineTunedNetwork], Loaded], warn: Callable[[str], object]
) -> Loaded | None:
    """Load the last accepted network for which `load` does not raise StoreError or ModelFileError; `warn` of others."""
    for tuned in store.accepted_networks():
        try:
            return load(tuned)
        except (StoreError, ModelFileError) as error:
            warn(f"{error}; the one accepted before it reads")
    return None


def active_network(store: Store, warn: Callable[[str], object]) -> ActiveNetwork:
    """The last accepted network that is not damaged, or the package's own; `warn` of damaged ones."""
    return last_usable(store, partial(load_network, store), warn) or ActiveNetwork(bundled_file(), bundled_sha256())


def verify_network(network: Network) -> None:
    """Raise ModelFileError for a network that misreads known digits or known numbers."""
    crops, labels = known_digits()
    _verify(network.name, "digits", correct_labels(network, crops, labels))
    if network.number_network:
        correct = np.array(correct_generated(NumberNetwork(network.number_network), GENERATED_NUMBERS))
        _verify(network.name, "numbers", correct[known_numbers()])


def _verify(name: str, kind: str, correct: np.ndarray[Any, Any]) -> None:
    if (accuracy := float(correct.mean())) < MIN_ACCURACY:
        raise ModelFileError(
            f"{name}: expected at least {MIN_ACCURACY:.0%} of {len(correct)} known {kind} read correctly, "
            f"received {accuracy:.0%}; it is not used"
        )


@cache
def known_digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The first 20 test digits of MNIST for each class, uint8 (n, 28, 28), and their labels."""
    with np.load(FILE) as file:  # without the training digits
        x, y = file["x_test"], file["y_test"]
    chosen = np.concatenate([np.flatnonzero(y == digit)[:DIGITS_PER_CLASS] for digit in range(10)])
    return x[chosen], y[chosen]


@cache
def known_numbers() -> np.ndarray[Any, Any]:
    """Indices of the held-out generated numbers that the package's own network reads correctly."""
    return np.flatnonzero(correct_generated(bundled_numbers(), GENERATED_NUMBERS))


@cache
def bundled_sha256() -> str:
    """SHA-256 of the package's own network file."""
    return hashlib.sha256(bundled_file()).hexdigest()
