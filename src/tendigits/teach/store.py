"""Corrections and the networks taught with them, in SQLite, or for a team in PostgreSQL.

store = open_store("corrections.db")            # serve/opening.py
store.add([Correction(crop, label=3, ...)])    # returns when it is on the disk
store.corrections()
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tendigits.errors import Failure, StoreError
from tendigits.teach.schema import corrections, networks

SIDE = 28

LEAST_TO_LEARN = 5
"""Corrections that there must be to teach a network."""

MAX_CORRECTIONS = 100_000
"""In a store: a hand is learned from hundreds."""


@dataclass(frozen=True, eq=False)
class Correction:
    """A crop and what it is, as a person said."""

    crop: NDArray[np.uint8]
    """uint8 (28, 28), white ink on black."""
    label: int | None
    """0 to 9; None is no digit."""
    said: int | None
    """What the network had said: 0 to 9, or None for no digit."""
    source: str
    """draw, picture, api or import."""
    network: str
    """SHA-256 of the network that had said it."""
    created: datetime
    """With its time zone."""
    id: int | None = None
    """Of the row; None before it is stored."""

    @property
    def digest(self) -> str:
        """SHA-256 of the crop: by it the same crop, corrected twice, is known."""
        return hashlib.sha256(self.crop.tobytes()).hexdigest()


@dataclass(frozen=True)
class Taught:
    """A network that was taught, and what it was worth."""

    id: int
    sha256: str
    base: str
    """SHA-256 of the network that it was made from."""
    created: datetime
    accepted: datetime | None
    retired: datetime | None
    report: dict[str, Any]
    """Before and after, as train/teach.py says it."""


class Store:
    """Corrections and taught networks. Every method is one transaction; what it returns is on the disk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = threading.Lock()  # SQLite has one writer; here they queue, and none has to time out

    @property
    def place(self) -> str:
        """Its URL, without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    def add(self, items: Sequence[Correction]) -> list[Correction]:
        """Keep corrections; of the same crop only the last is kept. Returns them with their ids.

        Raises:
            StoreError: a value is out of its range, or there are too many.
            Failure: the disk is full, or the database is gone; nothing was kept.
        """
        with self._write() as connection:
            kept = connection.scalar(select(func.count()).select_from(corrections)) or 0
            if kept + len(items) > MAX_CORRECTIONS:
                raise StoreError(
                    f"expected at most {MAX_CORRECTIONS:,} corrections, received {kept + len(items):,}; export and "
                    "delete some"
                )
            return [_stored(connection, item) for item in items]

    def corrections(self, first: int = 0, n: int = MAX_CORRECTIONS) -> list[Correction]:
        """The newest first, `n` of them after the first `first`."""
        with self._read() as connection:
            rows = connection.execute(select(corrections).order_by(corrections.c.id.desc()).offset(first).limit(n))
            return [_correction(row) for row in rows]

    def count(self) -> int:
        """How many corrections there are."""
        with self._read() as connection:
            return connection.scalar(select(func.count()).select_from(corrections)) or 0

    def remove(self, number: int) -> bool:
        """Undo a correction. Returns whether it was there."""
        with self._write() as connection:
            return bool(connection.execute(delete(corrections).where(corrections.c.id == number)).rowcount)

    def add_network(self, data: bytes, base: str, report: dict[str, Any], now: datetime) -> Taught:
        """Keep a taught network; it is not used before it is accepted."""
        sha256 = hashlib.sha256(data).hexdigest()
        values = {"sha256": sha256, "base": base, "data": data, "report": report, "created": _utc(now)}
        with self._write() as connection:
            number = connection.execute(insert(networks).values(values).returning(networks.c.id)).scalar_one()
        return Taught(number, sha256, base, now, None, None, report)

    def networks(self) -> list[Taught]:
        """The newest first."""
        with self._read() as connection:
            return [_taught(row) for row in connection.execute(_networks().order_by(networks.c.id.desc()))]

    def network(self, number: int) -> Taught | None:
        """One of them."""
        with self._read() as connection:
            row = connection.execute(_networks().where(networks.c.id == number)).first()
        return None if row is None else _taught(row)

    def network_data(self, number: int) -> bytes:
        """Its file. Raises StoreError where there is none, or it is not what was stored."""
        with self._read() as connection:
            row = connection.execute(select(networks.c.data, networks.c.sha256).where(networks.c.id == number)).first()
        if row is None:
            raise StoreError(f"expected a taught network with the number {number}, there is none")
        if hashlib.sha256(row.data).hexdigest() != row.sha256:
            raise StoreError(f"the taught network {number} is damaged; teach anew")
        return bytes(row.data)

    def accept(self, number: int, now: datetime) -> None:
        """From now on this network reads. Raises StoreError where there is none with this number."""
        with self._write() as connection:
            accepted = update(networks).where(networks.c.id == number).values(accepted=_utc(now), retired=None)
            if not connection.execute(accepted).rowcount:
                raise StoreError(f"expected a taught network with the number {number}, there is none")

    def roll_back(self, now: datetime) -> Taught | None:
        """Retire the network that reads; the one that read before it does again. Returns that, None for the package's.

        Raises:
            StoreError: the package's own is the one that reads.
        """
        with self._write() as connection:
            if (reading := connection.execute(_reading()).first()) is None:
                raise StoreError("expected an accepted network to roll back, the package's own reads; nothing to do")
            connection.execute(update(networks).where(networks.c.id == reading.id).values(retired=_utc(now)))
        return self.reading()

    def reading(self) -> Taught | None:
        """The network that was accepted last and not rolled back; None is the package's own."""
        with self._read() as connection:
            row = connection.execute(_reading()).first()
        return None if row is None else _taught(row)

    def back_up(self, path: Path) -> None:
        """Copy a SQLite store while it is in use, by SQLite's own backup."""
        with self._read() as connection, closing(sqlite3.connect(path)) as copy:
            own: Any = connection.connection.driver_connection
            own.backup(copy)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._writing, explaining(self.place), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with explaining(self.place), self._engine.connect() as connection:
            yield connection


@contextmanager
def explaining(place: str) -> Iterator[None]:
    """Turn the databases' errors into ours: what was wrong with a value, or that the store does not answer."""
    try:
        yield
    except IntegrityError as error:
        raise StoreError(f"expected labels from 0 to 9 and crops of 28x28, received other: {error.orig}") from None
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())[:200]
        raise Failure(f"cannot use the store {place}: {reason}; nothing of this was kept") from error


def _stored(connection: Connection, item: Correction) -> Correction:
    """Insert one, in place of what was said of the same crop before."""
    connection.execute(delete(corrections).where(corrections.c.digest == item.digest))
    values = {
        "digest": item.digest,
        "crop": item.crop.tobytes(),
        "label": item.label,
        "said": item.said,
        "source": item.source,
        "network": item.network,
        "created": _utc(item.created),
    }
    number = connection.execute(insert(corrections).values(values).returning(corrections.c.id)).scalar_one()
    return replace(item, id=number)


def _correction(row: Row[Any]) -> Correction:
    crop = np.frombuffer(row.crop, np.uint8).reshape(SIDE, SIDE)
    created = row.created.replace(tzinfo=UTC)
    return Correction(crop, row.label, row.said, row.source, row.network, created, row.id)


def _networks() -> Any:
    """All columns but the file."""
    return select(*(column for column in networks.c if column.name != "data"))


def _reading() -> Any:
    accepted = _networks().where(networks.c.accepted.is_not(None), networks.c.retired.is_(None))
    return accepted.order_by(networks.c.accepted.desc(), networks.c.id.desc()).limit(1)


def _taught(row: Row[Any]) -> Taught:
    def aware(time: datetime | None) -> datetime | None:
        return None if time is None else time.replace(tzinfo=UTC)

    created = row.created.replace(tzinfo=UTC)
    return Taught(row.id, row.sha256, row.base, created, aware(row.accepted), aware(row.retired), row.report)


def _utc(time: datetime) -> datetime:
    """Both databases keep it without a zone."""
    return time.astimezone(UTC).replace(tzinfo=None)
