"""The network that reads now, and how another one replaces it while requests are being answered.

active = ActiveModel.load(store)
current = active.current                        # read once for each request: current.reader and current.sha256 match
active.accept(store.network(3), store, now)     # loaded, verified, accepted, then swapped

A request that has begun keeps the reader that it started with.
"""

import hashlib
import logging
import threading
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from tendigits.read.reader import Reader
from tendigits.serve.reading.work import ReaderSource
from tendigits.teach.store import FineTunedNetwork, Store
from tendigits.teach.verify import bundled_sha256, last_usable, load_network

log = logging.getLogger("tendigits.serve")


@dataclass(frozen=True, eq=False)
class ActiveReader:
    """A reader, and which network it reads with."""

    reader: Reader
    source: ReaderSource
    number: int | None = None
    """Number of the fine-tuned network in the store; None for any other network."""

    @property
    def sha256(self) -> str:
        """Of the network's file."""
        return self.source.sha256


class ActiveModel:
    """Holds the active reader; it is swapped as a whole, so that a request never mixes two networks."""

    def __init__(self, current: ActiveReader) -> None:
        self.current = current
        self._changing = threading.Lock()
        self._warnings: set[str] = set()

    @classmethod
    def load(cls, store: Store) -> "ActiveModel":
        """Load the store's active network, or the package's own. Raises Failure if the store does not answer."""
        active = cls(fixed_reader(Reader(threads=1)))
        active.refresh(store)
        return active

    def refresh(self, store: Store) -> None:
        """Follow what another process has accepted or rolled back in the store.

        A damaged network is logged once, and the one that was accepted before it becomes active.

        Raises:
            Failure: the store does not answer; the current one stays active.
        """
        with self._changing:
            found = last_usable(store, partial(self._load, store), self._warn)
            if found is not None:
                self.current = found
            elif self.current.number is not None:
                self.current = fixed_reader(Reader(threads=1))

    def accept(self, tuned: FineTunedNetwork, store: Store, now: datetime) -> None:
        """Make a fine-tuned network the active one, here and in the store.

        Raises:
            StoreError, ModelFileError: it is damaged, or misreads known digits; the current one stays active.
            Failure: the store does not answer; the current one stays active.
        """
        with self._changing:
            loaded = _load_reader(store, tuned)
            store.accept(tuned.id, now)
            self.current = loaded

    def roll_back(self, store: Store, now: datetime) -> None:
        """Return to the network before.

        Raises:
            StoreError: the package's own network is active.
            Failure: the store does not answer.
        """
        store.roll_back(now)
        self.refresh(store)

    def _load(self, store: Store, tuned: FineTunedNetwork) -> ActiveReader:
        is_current = (tuned.id, tuned.sha256) == (self.current.number, self.current.sha256)
        return self.current if is_current else _load_reader(store, tuned)

    def _warn(self, warning: str) -> None:
        if warning not in self._warnings:  # the store is asked every few seconds
            self._warnings.add(warning)
            log.warning("%s", warning)


def _load_reader(store: Store, tuned: FineTunedNetwork) -> ActiveReader:
    loaded = load_network(store, tuned, threads=1)
    source = ReaderSource(tuned.sha256, data=loaded.data)
    return ActiveReader(Reader(loaded.network, threads=1), source, tuned.id)


def fixed_reader(reader: Reader) -> ActiveReader:
    """Wrap a reader of the package's network or of a user's, whose id in responses is the digest of its name."""
    name = reader.network.name
    sha256 = bundled_sha256() if reader.model is None else hashlib.sha256(name.encode()).hexdigest()
    return ActiveReader(reader, ReaderSource(sha256, reader.options))
