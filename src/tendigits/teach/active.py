"""Which network of a store reads: the last accepted one that is whole and reads what every reader can read.

active = active_network(store, warn=print)      # a damaged one is skipped: the one accepted before it reads
Reader(active.network), active.name
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from tendigits.digits.network import Network, bundled_file, from_onnx
from tendigits.errors import ModelFileError, StoreError
from tendigits.teach.store import FineTunedNetwork, Store
from tendigits.teach.verify import bundled_sha256, verify_network

Loaded = TypeVar("Loaded")


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
