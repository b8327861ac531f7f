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
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Connection, Engine, Row, Select, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError

from tendigits.errors import Failure, StoreError, reason_of
from tendigits.teach.corrections import Correction, NumberCorrection
from tendigits.teach.schema import (
    FineTunedNetwork,
    corrections,
    intact,
    networks,
    numbers,
    to_correction,
    to_network,
    to_number,
    version,
)

LOCK_TIMEOUT = 10.0
"""Seconds that a call waits for another process that has locked the database, unless its caller has less time."""

MIN_CORRECTIONS = 5
"""Fewest corrections to fine-tune on."""

MAX_CORRECTIONS = 100_000
"""Most corrections in a store; a few hundred are enough for one handwriting."""

Item = TypeVar("Item", bound=Correction | NumberCorrection)


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
        """Store corrections; the last one of a crop or strip replaces earlier ones.

        All are stored or, if something is raised, also by `items` itself, none. Others can write until `items` has
        ended; what follows takes some tenths of a second for 10,000.

        Returns:
            They with their ids, digits before numbers.

        Raises:
            StoreError: a value is out of range, or there are too many corrections.
            Failure: the disk is full, or the database cannot be reached; nothing was stored.
        """
        received = list(islice(items, MAX_CORRECTIONS + 1))
        last = {(type(item), item.digest): item for item in received}.values()
        digits = [item for item in last if isinstance(item, Correction)]
        strips = [item for item in last if isinstance(item, NumberCorrection)]
        rows = [_row(corrections, item) for item in digits], [_row(numbers, item) for item in strips]
        with self._write() as connection:
            ids = _replace(connection, corrections, rows[0]) + _replace(connection, numbers, rows[1])
            if (n := max(len(received), _count(connection, corrections, numbers))) > MAX_CORRECTIONS:
                raise StoreError(f"expected at most {MAX_CORRECTIONS:,} corrections, received {n:,}; delete some")
        stored: list[Any] = [*digits, *strips]
        return [replace(item, id=n) for item, n in zip(stored, ids, strict=True)]

    def parts(self) -> Iterator[list[Correction] | list[NumberCorrection]]:
        """All corrections, digits before numbers, oldest first: lists of a MB or two, each read when asked for."""
        yield from self._parts(corrections, to_correction, 1000)
        yield from self._parts(numbers, to_number, 16)

    def _parts(self, table: Table, convert: Callable[[Row[Any]], Item], n: int) -> Iterator[list[Item]]:
        last = 0
        while rows := self._rows(select(table).where(table.c.id > last).order_by(table.c.id).limit(n)):
            if part := intact(rows, convert):
                yield part
            last = rows[-1].id

    def corrections(self, first: int = 0, n: int = MAX_CORRECTIONS) -> list[Correction]:
        """At most `n` corrections of single digits, newest first, without the first `first` and damaged ones."""
        return intact(self._newest(corrections, first, n), to_correction)

    def numbers(self, first: int = 0, n: int = MAX_CORRECTIONS) -> list[NumberCorrection]:
        """At most `n` corrections of numbers, newest first, without the first `first` and damaged ones."""
        return intact(self._newest(numbers, first, n), to_number)

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
        if not isinstance(row.data, bytes) or hashlib.sha256(row.data).hexdigest() != row.sha256:
            raise StoreError(f"the fine-tuned network {number} is damaged; teach again")
        return row.data

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
        return intact(self._rows(query), to_network)

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


def _row(table: Table, item: Item) -> dict[str, Any]:
    values = {column.name: getattr(item, column.name) for column in table.c if column.name != "id"}
    return {name: value.tobytes() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def _replace(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert corrections in place of earlier ones of the same pictures. Returns their ids."""
    if not rows:
        return []
    connection.execute(
        delete(table).where(table.c.digest == bindparam("old")), [{"old": row["digest"]} for row in rows]
    )
    query = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(connection.execute(query, rows).scalars())


def _count(connection: Connection, *tables: Table) -> int:
    return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def _networks() -> Select[Any]:
    """All columns but the file itself, and what only orders."""
    return select(*(column for column in networks.c if column.name not in ("data", "acceptance")))


def _accepted() -> Select[Any]:
    accepted = _networks().where(networks.c.acceptance.is_not(None), networks.c.retired.is_(None))
    return accepted.order_by(networks.c.acceptance.desc(), networks.c.id.desc())
