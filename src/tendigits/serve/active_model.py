"""The network that reads now, and how another one takes its place while requests are answered.

reading = Reading.of(store)
reading.reader.digits(images)
reading.use(store.reading(), store)         # loaded, tried on digits that are known, then swapped

Who has begun to read goes on with the network that he began with.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tendigits.data.preprocess import to_mnist
from tendigits.data.strokes import draw_digit
from tendigits.errors import DataError, ModelFileError
from tendigits.read.find import Found
from tendigits.read.network import Network, bundled_file, from_onnx
from tendigits.read.reader import Reader
from tendigits.read.results import Digit
from tendigits.teach.store import Store, Taught

KNOWN = 20
"""Digits of each kind that a network has to read before it is used."""

LEAST = 0.9
"""Share of them that it has to read right; the package's own reads 98%."""


@dataclass
class Reading:
    """What reads, and the SHA-256 of its file."""

    reader: Reader
    sha256: str

    @classmethod
    def of(cls, store: Store) -> "Reading":
        """With the network that was accepted last; where that is damaged, with the package's."""
        reading = cls(Reader(threads=1), bundled_sha256())
        if (taught := store.reading()) is not None:
            reading.use(taught, store)
        return reading

    def keep_up(self, store: Store) -> None:
        """Use what another process, or another server of a team, has accepted or rolled back. Raises ModelFileError."""
        taught = store.reading()
        if self.sha256 != (bundled_sha256() if taught is None else taught.sha256):
            self.use(taught, store)

    def use(self, taught: Taught | None, store: Store) -> None:
        """Read with a taught network from now on, or with the package's.

        Raises:
            ModelFileError: it is damaged, or reads too few of the digits that are known; the old one goes on.
        """
        if taught is None:
            self.reader, self.sha256 = Reader(threads=1), bundled_sha256()
            return
        network = from_onnx(store.network_data(taught.id), f"taught network {taught.id}", threads=1)
        prove(network)
        self.reader, self.sha256 = Reader(network), taught.sha256


def prove(network: Network) -> None:
    """Refuse a network that does not read what every reader can. Raises ModelFileError."""
    patches, labels = known_digits()
    answers = network(patches)
    right = float((answers.digits.argmax(axis=1) == labels).mean())
    if not np.isfinite(answers.digits).all() or right < LEAST:
        raise ModelFileError(
            f"{network.name}: expected at least {LEAST:.0%} of {len(labels)} known digits read right, received "
            f"{right:.0%}; the one before goes on"
        )


@cache
def known_digits() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Digits drawn from strokes, uint8 (n, 28, 28), and their labels."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), KNOWN)
    return np.array([to_mnist(draw_digit(int(label), rng)) for label in labels]), labels


@cache
def bundled_sha256() -> str:
    """Of the package's own network."""
    return hashlib.sha256(bundled_file()).hexdigest()


def sha256_of(reader: Reader) -> str:
    """What answers are marked with: of a person's own network, its name."""
    return bundled_sha256() if reader.is_bundled else hashlib.sha256(reader.network.name.encode()).hexdigest()


def judge_found(reader: Reader, found: Sequence[Found | DataError]) -> list[tuple[Digit, Found] | Exception]:
    """Ask the network what was found in pictures of one digit each, together; an error stays in its place."""
    digits = iter(reader.judge([one for one in found if isinstance(one, Found)]))
    return [one if isinstance(one, DataError) else (next(digits), one) for one in found]
