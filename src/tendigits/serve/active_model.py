"""The network that reads now, and how another one takes its place while requests are answered.

reading = Reading.of(store)
reading.reader.digits(images)
reading.use(store.reading(), store)         # loaded, tried on digits that are known, then swapped

Who has begun to read goes on with the network that he began with.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tendigits.errors import DataError
from tendigits.read.find import Found
from tendigits.read.network import from_onnx
from tendigits.read.reader import Reader
from tendigits.read.results import Digit
from tendigits.teach.store import Store, Taught
from tendigits.teach.verify import bundled_sha256, verify_network


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
        verify_network(network)
        self.reader, self.sha256 = Reader(network), taught.sha256


def sha256_of(reader: Reader) -> str:
    """What answers are marked with: of a person's own network, its name."""
    return bundled_sha256() if reader.is_bundled else hashlib.sha256(reader.network.name.encode()).hexdigest()


def judge_found(reader: Reader, found: Sequence[Found | DataError]) -> list[tuple[Digit, Found] | Exception]:
    """Ask the network what was found in pictures of one digit each, together; an error stays in its place."""
    digits = iter(reader.classify_found([one for one in found if isinstance(one, Found)]))
    return [one if isinstance(one, DataError) else (next(digits), one) for one in found]
