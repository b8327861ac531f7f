"""Corrections and the networks taught with them, in SQLite, or for a team in PostgreSQL.

store = open_store("corrections.db")            # or "postgresql://user@host/name"
store.add([Correction(patch, label=3, ...)])    # returns when it is on the disk
store.corrections()

SQLite is kept in a rollback journal with synchronous=FULL: below 3.51.3 its other journal can lose data
(https://sqlite.org/wal.html#walresetbug), and what was acknowledged must survive a power cut.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Row, create_engine, delete, event, func, insert, select, text, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from tendigits.errors import Failure, StoreError
from tendigits.serve.tables import SCHEMA, corrections, metadata, networks, version

SIDE = 28

LEAST_TO_LEARN = 5
"""Corrections that there must be to teach a network."""

MAX_CORRECTIONS = 100_000
"""In a store: a hand is learned from hundreds."""


@dataclass(frozen=True, eq=False)
class Correction:
    """A patch and what it is, as a person said."""

    patch: NDArray[np.uint8]
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
        """SHA-256 of the patch: by it the same patch, corrected twice, is known."""
        return hashlib.sha256(self.patch.tobytes()).hexdigest()


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
        """Keep corrections; of the same patch only the last is kept. Returns them with their ids.

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
        with self._writing, _explaining(self.place), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with _explaining(self.place), self._engine.connect() as connection:
            yield connection


Migration = Callable[[Connection], None]
MIGRATIONS: dict[int, Migration] = {}
"""From each older version of the schema to the next."""


def open_store(place: str | Path) -> Store:
    """Open a store, made or migrated where that is needed.

    Args:
        place: a file for SQLite, or a URL such as postgresql://user@host/name.

    Raises:
        StoreError: it is damaged, or was made by a newer tendigits.
        Failure: it cannot be reached.
    """
    url = _url(place)
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = create_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite")
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(f"expected a file or a URL such as postgresql://..., received {place}: {error}") from None
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _configure)
    store = Store(engine)
    try:
        with _explaining(store.place):
            _check(engine, store)
    except (StoreError, Failure):
        engine.dispose()
        raise
    return store


def _url(place: str | Path) -> URL:
    if isinstance(place, str) and "://" in place:
        try:
            url = make_url(place)
        except ArgumentError as error:
            raise StoreError(f"expected a URL such as postgresql://user@host/name: {error}") from None
        return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
    return URL.create("sqlite", database=str(place))


def _configure(connection: Any, _: Any) -> None:
    """What SQLite needs to keep its promises, on each of its connections."""
    for pragma in ("journal_mode=DELETE", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _check(engine: Engine, store: Store) -> None:
    """Whole, and of this version of the schema."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            if (said := connection.scalar(text("PRAGMA quick_check"))) != "ok":
                raise StoreError(f"{store.place} is damaged: {said}; restore a backup, or import an export")
        else:  # two servers of a team may start at once
            connection.execute(text("SELECT pg_advisory_xact_lock(784512)"))
        version.create(connection, checkfirst=True)
        found = connection.scalar(select(func.max(version.c.number)))
        if found is None:
            metadata.create_all(connection)
            connection.execute(insert(version).values(number=SCHEMA))
            return
        if found > SCHEMA:
            raise StoreError(
                f"{store.place}: expected format {SCHEMA}, received {found}; use the tendigits that wrote it"
            )
    if found < SCHEMA:
        _migrate(engine, store, found)


def _migrate(engine: Engine, store: Store, found: int) -> None:
    if engine.dialect.name == "sqlite" and engine.url.database:
        store.back_up(Path(f"{engine.url.database}.{found}"))
    with engine.begin() as connection:
        for number in range(found, SCHEMA):
            MIGRATIONS[number](connection)
            connection.execute(insert(version).values(number=number + 1))


@contextmanager
def _explaining(place: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise StoreError(f"expected labels from 0 to 9 and patches of 28x28, received other: {error.orig}") from None
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())[:200]
        raise Failure(f"cannot use the store {place}: {reason}; nothing of this was kept") from error


def _stored(connection: Connection, item: Correction) -> Correction:
    """Insert one, in place of what was said of the same patch before."""
    connection.execute(delete(corrections).where(corrections.c.digest == item.digest))
    values = {
        "digest": item.digest,
        "patch": item.patch.tobytes(),
        "label": item.label,
        "said": item.said,
        "source": item.source,
        "network": item.network,
        "created": _utc(item.created),
    }
    number = connection.execute(insert(corrections).values(values).returning(corrections.c.id)).scalar_one()
    return replace(item, id=number)


def _correction(row: Row[Any]) -> Correction:
    patch = np.frombuffer(row.patch, np.uint8).reshape(SIDE, SIDE)
    created = row.created.replace(tzinfo=UTC)
    return Correction(patch, row.label, row.said, row.source, row.network, created, row.id)


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
