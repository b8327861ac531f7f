"""The network that reads now, and how another replaces it while requests are being answered.

active = ActiveModel.load(store)
active.reader.digits(images)
active.switch(store.active_network(), store)        # loaded, verified, then swapped

A request that has begun keeps the reader that it started with.
"""

import hashlib
from dataclasses import dataclass

from tendigits.digits.network import from_onnx
from tendigits.read.reader import Reader
from tendigits.teach.store import FineTunedNetwork, Store
from tendigits.teach.verify import bundled_sha256, verify_network


@dataclass
class ActiveModel:
    """The reader and the SHA-256 of its network file."""

    reader: Reader
    sha256: str

    @classmethod
    def load(cls, store: Store) -> "ActiveModel":
        """The store's active network, or the package's own. Raises ModelFileError if the network is damaged."""
        active = cls(Reader(threads=1), bundled_sha256())
        active.refresh(store)
        return active

    def refresh(self, store: Store) -> None:
        """Follow what another process has accepted or rolled back in the store. Raises ModelFileError."""
        network = store.active_network()
        if self.sha256 != (bundled_sha256() if network is None else network.sha256):
            self.switch(network, store)

    def switch(self, network: FineTunedNetwork | None, store: Store) -> None:
        """Read with a fine-tuned network from now on, or with the package's own.

        Raises:
            ModelFileError: it is damaged, or misreads known digits; the current one stays active.
        """
        if network is None:
            self.reader, self.sha256 = Reader(threads=1), bundled_sha256()
            return
        loaded = from_onnx(store.network_data(network.id), f"fine-tuned network {network.id}", threads=1)
        verify_network(loaded)
        self.reader, self.sha256 = Reader(loaded, threads=1), network.sha256


def sha256_of(reader: Reader) -> str:
    """The id of a reader's network in responses: the package's SHA-256, or one made from its name."""
    return bundled_sha256() if reader.model is None else hashlib.sha256(reader.network.name.encode()).hexdigest()
