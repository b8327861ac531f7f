"""Corrections and the networks fine-tuned on them, in one SQLite file.

store = Store("corrections.db")                 # created if it is missing
store.add([Correction(crop, label=3, ...)])     # returns when they are on the disk
store.corrections(), store.numbers()            # of single digits, and of whole numbers

Every call opens its own connection, so threads and processes may share a store.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tendigits.errors import Failure, StoreError, reason_of
from tendigits.numbers.decode import CHARACTERS, HEIGHT
from tendigits.numbers.network import GRID
from tendigits.numbers.strips import MAX_WIDTH_PX

LOCK_TIMEOUT = 10.0  # seconds that a call waits for other writers; for other processes, the caller may have less time
MIN_CORRECTIONS = 5  # fewest corrections to fine-tune on
MAX_CORRECTIONS = 100_000  # most corrections in a store; a few hundred are enough for one handwriting
MIN_STRIP_WIDTH = 24  # pixels
PIXELS_PER_CHARACTER = 8  # minimum width of a strip for each character of its text; narrower characters cannot be read
VERSION = 1  # version of the tables below, stored in SQLite's user_version

# Committed corrections survive a power cut. Before 3.51.3, SQLite's write-ahead log can lose data:
# https://sqlite.org/wal.html#walresetbug
PRAGMAS = ("journal_mode=DELETE", "synchronous=FULL")

# Times are in UTC, in ISO 8601. Two processes may create the tables at the same time.
SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- ids of deleted corrections are not used again
    kind TEXT NOT NULL CHECK (kind IN ('digit', 'number')),
    digest TEXT NOT NULL,
    pixels NOT NULL,  -- bytes
    text TEXT NOT NULL CHECK (trim(text, '{CHARACTERS}') = ''),  -- empty: not a digit, or no number
    predicted TEXT NOT NULL CHECK (trim(predicted, '{CHARACTERS}') = ''),
    source TEXT NOT NULL CHECK (source IN ('draw', 'picture', 'api', 'import')),
    network TEXT NOT NULL,
    created TEXT NOT NULL,
    UNIQUE (digest, kind),  -- digest first: lists are read in the order of ids, not sorted
    CONSTRAINT digit CHECK (
        kind <> 'digit' OR length(pixels) = {28 * 28}
        AND trim(text || predicted, '0123456789') = '' AND max(length(text), length(predicted)) <= 1
    ),
    CONSTRAINT number CHECK (
        kind <> 'number' OR source <> 'draw' AND length(pixels) % {HEIGHT * GRID} = 0
        AND length(pixels) BETWEEN {HEIGHT * MIN_STRIP_WIDTH} AND {HEIGHT * MAX_WIDTH_PX}
        AND max(length(text), length(predicted)) <= length(pixels) / {HEIGHT * PIXELS_PER_CHARACTER}
    )
);
CREATE TABLE IF NOT EXISTS networks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL,
    base TEXT NOT NULL,
    data NOT NULL,  -- bytes
    report TEXT NOT NULL,  -- JSON
    created TEXT NOT NULL,
    accepted TEXT,
    retired TEXT,
    acceptance INTEGER  -- counts acceptances: the highest is the last one, even if the clock was set back
);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value);
PRAGMA user_version={VERSION};
COMMIT;
"""

NETWORK_COLUMNS = "id, sha256, base, created, accepted, retired, report"  # the fields of `FineTunedNetwork`
ACCEPTED = "FROM networks WHERE acceptance IS NOT NULL AND retired IS NULL ORDER BY acceptance DESC"
PAGE_SIZES = {"digit": 1000, "number": 16}  # corrections read at once by `parts`: 1 or 2 MB


@dataclass(frozen=True, eq=False)
class Correction:
    """A crop and the label that a person gave it."""

    crop: NDArray[np.uint8]  # uint8 (28, 28), white digit on black
    label: int | None  # 0 to 9, or None for a non-digit
    predicted: int | None  # what the network had predicted: 0 to 9, or None for a non-digit
    source: str  # draw, picture, api or import
    network: str  # SHA-256 of the network that predicted it
    created: datetime  # with a time zone
    id: int | None = None  # None before it is stored

    @property
    def digest(self) -> str:
        """SHA-256 of the crop; a second correction of the same crop replaces the first."""
        return hashlib.sha256(self.crop.tobytes()).hexdigest()


@dataclass(frozen=True, eq=False)
class NumberCorrection:
    """The strip that a number was read from, and the number that a person sees in it."""

    strip: NDArray[np.uint8]  # uint8 (40, width), as cut out of the page; the width is a multiple of 4, 24 to 4096
    text: str  # the number, of CHARACTERS; empty if there is no number
    predicted: str  # what had been read
    source: str  # picture, api or import
    network: str  # SHA-256 of the network that predicted it
    created: datetime  # with a time zone
    id: int | None = None  # None before it is stored

    @property
    def digest(self) -> str:
        """SHA-256 of the strip; a second correction of the same strip replaces the first."""
        return hashlib.sha256(self.strip.tobytes()).hexdigest()


Item = TypeVar("Item", bound=Correction | NumberCorrection)


@dataclass(frozen=True)
class FineTunedNetwork:
    """A network fine-tuned on corrections, and how well it reads."""

    id: int
    sha256: str
    base: str  # SHA-256 of the network that it started from
    created: datetime
    accepted: datetime | None
    retired: datetime | None
    report: dict[str, Any]  # its accuracy before and after, as pipeline.py writes it


class Store:
    """Corrections and fine-tuned networks. Every method is one transaction; when it returns, the disk has it.

    Every method raises Failure if the store is locked, read-only or cannot be opened, or the disk is full.
    """

    def __init__(self, path: str | Path, *, create: bool = True, lock_timeout: float = LOCK_TIMEOUT) -> None:
        """Open a store and check that it is intact. Raises StoreError if it is missing, damaged or of another version.

        `create` creates a missing file, readable by its owner only; a call waits `lock_timeout` seconds for another
        process.
        """
        self.path = Path(path)
        self._uri = f"{self.path.absolute().as_uri()}?mode=rw"
        self._lock_timeout = lock_timeout
        self._writer = threading.Lock()  # threads queue here: SQLite does not queue its writers
        self._is_writable = False  # whether the last change succeeded
        if not self.path.exists():
            if not create:
                raise StoreError(f"expected a store in {path}, found no such file; make corrections: tendigits serve")
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.touch(mode=0o600)
            except OSError as error:
                raise Failure(f"cannot create the store {path}: {reason_of(error)}; choose another file") from None
        with self._connect() as connection:
            if (result := _value(connection, "PRAGMA quick_check(1)")) != "ok":
                raise StoreError(f"{path} is damaged: {result}; restore a backup, or import an export")
            if _value(connection, "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')"):
                raise StoreError(f"{path} has triggers or views, which tendigits has not made; restore a backup")
            found = _value(connection, "PRAGMA user_version")
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if found == (VERSION if tables else 0) and "settings" not in tables:  # the first stores had none
                connection.executescript(SCHEMA)
            elif found != VERSION:
                expected = f"expected a store of version {VERSION} in {path}, found version {found}"
                advice = "open it with the tendigits that wrote it, or choose another file with --store"
                raise StoreError(f"{expected}; {advice}")

    def check_writable(self) -> None:
        """Raise Failure if the store does not answer, or if its last change failed and another one would fail too."""
        if self._is_writable:  # writes nothing: any client may ask, however often
            self._rows("SELECT 1 FROM corrections LIMIT 1")
            return
        with self._write() as connection:
            connection.execute(f"PRAGMA user_version={VERSION}")
            connection.rollback()

    def add(self, items: Iterable[Item]) -> list[Item]:
        """Store all corrections or, if anything is raised, none; one of the same crop or strip is replaced.

        Others can write until `items` is exhausted. Returns the corrections with their ids. Raises StoreError if a
        value is out of range, or there are too many corrections.
        """
        received = list(islice(items, MAX_CORRECTIONS + 1))
        latest = {(type(item), item.digest): item for item in received}.values()
        with self._write() as connection:
            stored = [replace(item, id=_insert(connection, item)) for item in latest]
            n = max(len(received), _value(connection, "SELECT count(*) FROM corrections"))
            if n > MAX_CORRECTIONS:
                raise StoreError(f"expected at most {MAX_CORRECTIONS:,} corrections, received {n:,}; delete some")
        return stored

    def parts(self) -> Iterator[list[Correction] | list[NumberCorrection]]:
        """All corrections, digits before numbers, oldest first, in lists that are read one after another."""
        for kind, n in PAGE_SIZES.items():
            last = 0
            while items := self._select("kind = ? AND id > ? ORDER BY id LIMIT ?", kind, last, n):
                yield items
                last = items[-1].id

    def corrections(self, first: int = 0, n: int = MAX_CORRECTIONS) -> list[Correction]:
        """At most `n` corrections of single digits, newest first, without the first `first`."""
        return self._select("kind = 'digit' ORDER BY id DESC LIMIT ? OFFSET ?", n, first)

    def numbers(self, first: int = 0, n: int = MAX_CORRECTIONS) -> list[NumberCorrection]:
        """At most `n` corrections of numbers, newest first, without the first `first`."""
        return self._select("kind = 'number' ORDER BY id DESC LIMIT ? OFFSET ?", n, first)

    def _select(self, condition: str, *parameters: Any) -> list[Any]:
        rows = self._rows(f"SELECT * FROM corrections WHERE {condition}", *parameters)  # noqa: S608  # constants
        return [_to_correction(row) for row in rows]

    def _rows(self, query: str, *parameters: Any) -> list[sqlite3.Row]:
        with self._connect() as connection:
            return connection.execute(query, parameters).fetchall()

    def count(self, kind: str | None = None) -> int:
        """Number of corrections of a kind, "digit" or "number", or of both."""
        return int(self._rows("SELECT count(*) FROM corrections WHERE kind = coalesce(?, kind)", kind)[0][0])

    def remove(self, number: int, kind: str = "digit") -> bool:
        """Delete a correction of a "digit" or a "number". Returns False if it does not exist."""
        with self._write() as connection:
            cursor = connection.execute("DELETE FROM corrections WHERE kind = ? AND id = ?", (kind, number))
        return bool(cursor.rowcount)

    def threshold(self) -> float | None:
        """Confidence from which the server accepts; None for that of the network that reads."""
        return next((row["value"] for row in self._rows("SELECT value FROM settings WHERE name = 'threshold'")), None)

    def set_threshold(self, threshold: float | None) -> None:
        """Keep a confidence, 0 to 1, from which the server accepts; None for that of the network that reads."""
        query = "INSERT OR REPLACE INTO settings VALUES ('threshold', ?)"
        with self._write() as connection:
            connection.execute(query, (threshold,))

    def add_network(self, data: bytes, base: str, report: dict[str, Any], now: datetime) -> FineTunedNetwork:
        """Store a fine-tuned network. It reads only after it was accepted."""
        sha256 = hashlib.sha256(data).hexdigest()
        query = "INSERT INTO networks (sha256, base, data, report, created) VALUES (?, ?, ?, ?, ?)"
        with self._write() as connection:
            cursor = connection.execute(query, (sha256, base, data, json.dumps(report), _utc(now)))
        return FineTunedNetwork(int(cursor.lastrowid or 0), sha256, base, now, None, None, report)

    def networks(self) -> list[FineTunedNetwork]:
        """All fine-tuned networks, newest first."""
        return self._networks("FROM networks ORDER BY id DESC")

    def network(self, number: int) -> FineTunedNetwork | None:
        """One fine-tuned network."""
        return next((network for network in self.networks() if network.id == number), None)

    def active_network(self) -> FineTunedNetwork | None:
        """The last accepted network that was not rolled back; None is the package's own."""
        return next(iter(self.accepted_networks()), None)

    def accepted_networks(self) -> list[FineTunedNetwork]:
        """The accepted networks that were not rolled back, the last accepted one first."""
        return self._networks(ACCEPTED)

    def _networks(self, chosen: str) -> list[FineTunedNetwork]:
        return [*map(_to_network, self._rows(f"SELECT {NETWORK_COLUMNS} {chosen}"))]

    def network_data(self, number: int) -> bytes:
        """A network's ONNX file. Raises StoreError if it is missing or damaged."""
        rows = self._rows("SELECT data, sha256 FROM networks WHERE id = ?", number)
        if not rows:
            raise _no_network(number)
        if hashlib.sha256(data := bytes(rows[0]["data"])).hexdigest() != rows[0]["sha256"]:
            raise StoreError(f"the fine-tuned network {number} is damaged; teach again")
        return data

    def accept(self, number: int, now: datetime) -> None:
        """Make this network the active one. Raises StoreError if it does not exist."""
        query = """UPDATE networks SET accepted = ?, retired = NULL,
            acceptance = (SELECT coalesce(max(acceptance), 0) + 1 FROM networks) WHERE id = ?"""
        with self._write() as connection:
            if not connection.execute(query, (_utc(now), number)).rowcount:
                raise _no_network(number)

    def roll_back(self, now: datetime) -> FineTunedNetwork | None:
        """Return to the network before, None for the package's own. Raises StoreError if no network is accepted."""
        query = f"UPDATE networks SET retired = ? WHERE id = (SELECT id {ACCEPTED} LIMIT 1)"  # noqa: S608  # a constant
        with self._write() as connection:
            if not connection.execute(query, (_utc(now),)).rowcount:
                raise StoreError("expected an accepted network to roll back, found none; the package's own is active")
        return self.active_network()

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        """A connection for one call. SQLite's errors are raised as StoreError or Failure."""
        try:
            connecting = sqlite3.connect(self._uri, uri=True, timeout=self._lock_timeout, isolation_level=None)
            with closing(connecting) as connection:
                connection.row_factory = sqlite3.Row
                for pragma in PRAGMAS:
                    connection.execute(f"PRAGMA {pragma}")
                yield connection
        except sqlite3.IntegrityError as error:
            expected = "expected labels from 0 to 9, crops of 28x28 and numbers that fit their strips"
            raise StoreError(f"{expected}, received others: {reason_of(error)}") from None
        except sqlite3.Error as error:
            raise Failure(f"cannot use the store {self.path}: {reason_of(error)}; nothing was stored") from error

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction, which is rolled back if anything is raised."""
        if not self._writer.acquire(timeout=LOCK_TIMEOUT):  # this process's own threads end in time
            raise Failure(f"cannot use the store {self.path}: others are writing to it; nothing was stored")
        try:
            with self._connect() as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.commit()
            self._is_writable = True
        except Failure:
            self._is_writable = False
            raise
        finally:
            self._writer.release()


def _value(connection: sqlite3.Connection, query: str) -> Any:
    return connection.execute(query).fetchone()[0]


def _insert(connection: sqlite3.Connection, item: Correction | NumberCorrection) -> int:
    """Insert a correction in place of an earlier one of the same crop or strip. Returns its id."""
    if isinstance(item, Correction):
        texts = ["" if label is None else str(label) for label in (item.label, item.predicted)]
        values = ["digit", item.crop.tobytes(), *texts]
    else:
        values = ["number", item.strip.tobytes(), item.text, item.predicted]
    query = """INSERT OR REPLACE INTO corrections (kind, pixels, text, predicted, digest, source, network, created)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
    cursor = connection.execute(query, (*values, item.digest, item.source, item.network, _utc(item.created)))
    return int(cursor.lastrowid or 0)


def _to_correction(row: sqlite3.Row) -> Correction | NumberCorrection:
    pixels = np.frombuffer(row["pixels"], np.uint8)
    others = row["source"], row["network"], datetime.fromisoformat(row["created"]), row["id"]
    if row["kind"] == "number":
        return NumberCorrection(pixels.reshape(HEIGHT, -1), row["text"], row["predicted"], *others)
    label, predicted = (int(text) if text else None for text in (row["text"], row["predicted"]))
    return Correction(pixels.reshape(28, 28), label, predicted, *others)


def _to_network(row: sqlite3.Row) -> FineTunedNetwork:
    times = {name: row[name] and datetime.fromisoformat(row[name]) for name in ("created", "accepted", "retired")}
    return FineTunedNetwork(**{**dict(row), **times, "report": json.loads(row["report"])})


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def _no_network(number: int) -> StoreError:
    return StoreError(f"expected the number of a fine-tuned network, received {number}; there is no such network")
