"""Corrections and the networks fine-tuned on them, in SQLite or, for a team, in PostgreSQL.

store = open_store("corrections.db")            # migrations.py
store.add([Correction(crop, label=3, ...)])     # returns when it is on the disk
store.corrections(), store.numbers()            # of single digits, and of whole numbers
"""

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Connection, Engine, Row, Select, Table, delete, func, insert, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError

from tendigits.errors import Failure, StoreError, reason_of
from tendigits.lines.decode import HEIGHT
from tendigits.teach.corrections import Correction, NumberCorrection
from tendigits.teach.schema import corrections, networks, numbers, version

LOCK_TIMEOUT = 10.0
"""Seconds that a call waits for another process that has locked the database, unless its caller has less time."""

MIN_CORRECTIONS = 5
"""Fewest corrections to fine-tune on."""

MAX_CORRECTIONS = 100_000
"""Most corrections in a store; a few hundred are enough for one handwriting."""

Item = TypeVar("Item", bound=Correction | NumberCorrection)


@dataclass(frozen=True)
class FineTunedNetwork:
    """A network fine-tuned on corrections, and how well it reads."""

    id: int
    sha256: str
    base: str
    """SHA-256 of the network that it started from."""
    created: datetime
    accepted: datetime | None
    retired: datetime | None
    report: dict[str, Any]
    """Its accuracy before and after, as pipeline.py writes it."""


class Store:
    """Corrections and fine-tuned networks. Every method is one transaction; when it returns, the disk has it."""

    def __init__(self, engine: Engine, lock_timeout: float = LOCK_TIMEOUT) -> None:
        """Use an engine whose connections wait at most `lock_timeout` seconds for another process."""
        self._engine, self._lock_timeout = engine, lock_timeout
        self.url = without_secrets(engine.url)
        self._writing = threading.Lock()  # SQLite allows one writer; queueing here avoids its time-out

    def check_writable(self) -> None:
        """Write, and take it back: finds a lock, a full disk and a file that is read-only. Raises Failure."""
        with self._write() as connection:
            connection.execute(update(version).values(number=version.c.number))
            connection.rollback()

    def add(self, items: Iterable[Item]) -> list[Item]:
        """Store corrections; the last one of a crop or strip replaces earlier ones. Returns them with their ids.

        All are stored or, if something is raised, also by `items` itself, none.

        Raises:
            StoreError: a value is out of range, or there are too many corrections.
            Failure: the disk is full, or the database cannot be reached; nothing was stored.
        """
        with self._write() as connection:
            room = MAX_CORRECTIONS - _count(connection, corrections, numbers)
            stored = [_replace(connection, item) for item in islice(items, max(room, 0) + 1)]
            if len(stored) > room:
                received = f"{MAX_CORRECTIONS + 1:,} or more"
                raise StoreError(f"expected at most {MAX_CORRECTIONS:,} corrections, received {received}; delete some")
            return stored

    def parts(self) -> Iterator[list[Correction] | list[NumberCorrection]]:
        """All corrections, digits before numbers, oldest first: lists of a MB or two, each read when asked for."""
        yield from self._parts(corrections, _correction, 1000)
        yield from self._parts(numbers, _number, 16)

    def _parts(self, table: Table, convert: Callable[[Row[Any]], Item], n: int) -> Iterator[list[Item]]:
        last = 0
        while rows := self._rows(select(table).where(table.c.id > last).order_by(table.c.id).limit(n)):
            yield [convert(row) for row in rows]
            last = rows[-1].id

    def corrections(self, first: int = 0, n: int = MAX_CORRECTIONS) -> list[Correction]:
        """At most `n` corrections of single digits, newest first, without the first `first`."""
        return [_correction(row) for row in self._newest(corrections, first, n)]

    def numbers(self, first: int = 0, n: int = MAX_CORRECTIONS) -> list[NumberCorrection]:
        """At most `n` corrections of numbers, newest first, without the first `first`."""
        return [_number(row) for row in self._newest(numbers, first, n)]

    def _newest(self, table: Table, first: int, n: int) -> Sequence[Row[Any]]:
        return self._rows(select(table).order_by(table.c.id.desc()).offset(first).limit(n))

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with self._read() as connection:
            return connection.execute(query).all()

    def count(self) -> int:
        """How many corrections there are, of digits and of numbers."""
        with self._read() as connection:
            return _count(connection, corrections, numbers)

    def count_digits(self) -> int:
        """How many corrections of single digits there are."""
        with self._read() as connection:
            return _count(connection, corrections)

    def count_numbers(self) -> int:
        """How many corrections of numbers there are."""
        with self._read() as connection:
            return _count(connection, numbers)

    def remove(self, number: int) -> bool:
        """Delete a correction of a single digit. Returns whether there was one."""
        return self._remove(corrections, number)

    def remove_number(self, number: int) -> bool:
        """Delete a correction of a number. Returns whether there was one."""
        return self._remove(numbers, number)

    def _remove(self, table: Table, number: int) -> bool:
        with self._write() as connection:
            return bool(connection.execute(delete(table).where(table.c.id == number)).rowcount)

    def add_network(self, data: bytes, base: str, report: dict[str, Any], now: datetime) -> FineTunedNetwork:
        """Store a fine-tuned network. It reads only after it was accepted."""
        sha256 = hashlib.sha256(data).hexdigest()
        values = {"sha256": sha256, "base": base, "data": data, "report": report, "created": now}
        with self._write() as connection:
            number = connection.execute(insert(networks).values(values).returning(networks.c.id)).scalar_one()
        return FineTunedNetwork(number, sha256, base, now, None, None, report)

    def networks(self) -> list[FineTunedNetwork]:
        """All fine-tuned networks, newest first."""
        return self._find(_networks().order_by(networks.c.id.desc()))

    def network(self, number: int) -> FineTunedNetwork | None:
        """One fine-tuned network."""
        return next(iter(self._find(_networks().where(networks.c.id == number))), None)

    def network_data(self, number: int) -> bytes:
        """A network's ONNX file. Raises StoreError if it is missing or damaged."""
        with self._read() as connection:
            row = connection.execute(select(networks.c.data, networks.c.sha256).where(networks.c.id == number)).first()
        if row is None:
            raise StoreError(f"expected the number of a fine-tuned network, received {number}; there is none")
        if hashlib.sha256(row.data).hexdigest() != row.sha256:
            raise StoreError(f"the fine-tuned network {number} is damaged; teach again")
        return bytes(row.data)

    def accept(self, number: int, now: datetime) -> None:
        """Make this network the active one. Raises StoreError if it does not exist."""
        with self._write() as connection:
            last = select(func.coalesce(func.max(networks.c.acceptance), 0) + 1).scalar_subquery()
            values = {"accepted": now, "acceptance": last, "retired": None}
            if not connection.execute(update(networks).where(networks.c.id == number).values(values)).rowcount:
                raise StoreError(f"expected the number of a fine-tuned network, received {number}; there is none")

    def roll_back(self, now: datetime) -> FineTunedNetwork | None:
        """Return to the network before, None for the package's own. Raises StoreError where none is accepted."""
        with self._write() as connection:
            if (active := connection.execute(_accepted().limit(1)).first()) is None:
                raise StoreError("expected an accepted network to roll back, found none; the package's own is active")
            connection.execute(update(networks).where(networks.c.id == active.id).values(retired=now))
        return self.active_network()

    def active_network(self) -> FineTunedNetwork | None:
        """The last accepted network that was not rolled back; None is the package's own."""
        return next(iter(self.accepted_networks()), None)

    def accepted_networks(self) -> list[FineTunedNetwork]:
        """The accepted networks that were not rolled back, the last accepted one first."""
        return self._find(_accepted())

    def _find(self, query: Select[Any]) -> list[FineTunedNetwork]:
        with self._read() as connection:
            return [FineTunedNetwork(**row._mapping) for row in connection.execute(query)]

    def back_up(self, path: Path) -> None:
        """Copy a SQLite store while it is in use."""
        with self._read() as connection, closing(sqlite3.connect(path)) as copy:
            source: Any = connection.connection.driver_connection
            source.backup(copy)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        if not self._writing.acquire(timeout=self._lock_timeout):
            raise Failure(f"cannot use the store {self.url}: others are writing to it; nothing was stored")
        try:
            with translated_errors(self.url), self._engine.connect() as connection:
                yield connection
                connection.commit()
        finally:
            self._writing.release()

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with translated_errors(self.url), self._engine.connect() as connection:
            yield connection


def without_secrets(url: URL) -> str:
    """A URL for people: without a password, and without options, which may hold one."""
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def translated_errors(url: str) -> Iterator[None]:
    """Turn a database's errors into ours: an invalid value, or a store that does not answer."""
    try:
        yield
    except IntegrityError as error:
        raise StoreError(f"expected labels from 0 to 9 and crops of 28x28, received others: {error.orig}") from None
    except DBAPIError as error:
        raise Failure(f"cannot use the store {url}: {reason_of(error.orig)}; nothing was stored") from error


def _replace(connection: Connection, item: Item) -> Item:
    """Insert a correction in place of an earlier one of the same picture."""
    table, picture = (corrections, "crop") if isinstance(item, Correction) else (numbers, "strip")
    connection.execute(delete(table).where(table.c.digest == item.digest))
    values = {column.name: getattr(item, column.name) for column in table.c if column.name != "id"}
    values[picture] = values[picture].tobytes()
    number = connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one()
    return replace(item, id=number)


def _correction(row: Row[Any]) -> Correction:
    crop = np.frombuffer(row.crop, np.uint8).reshape(28, 28)
    return Correction(crop, row.label, row.predicted, row.source, row.network, row.created, row.id)


def _number(row: Row[Any]) -> NumberCorrection:
    strip = np.frombuffer(row.strip, np.uint8).reshape(HEIGHT, -1)
    return NumberCorrection(strip, row.text, row.predicted, row.source, row.network, row.created, row.id)


def _count(connection: Connection, *tables: Table) -> int:
    return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def _networks() -> Select[Any]:
    """All columns but the file itself, and what only orders."""
    return select(*(column for column in networks.c if column.name not in ("data", "acceptance")))


def _accepted() -> Select[Any]:
    accepted = _networks().where(networks.c.acceptance.is_not(None), networks.c.retired.is_(None))
    return accepted.order_by(networks.c.acceptance.desc(), networks.c.id.desc())
