"""Open a store: made where there is none, checked, and migrated where it is older.

store = open_store("corrections.db")            # or "postgresql://user@host/name"

SQLite is kept in a rollback journal with synchronous=FULL: below 3.51.3 its other journal can lose data
(https://sqlite.org/wal.html#walresetbug), and what was acknowledged must survive a power cut.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from tendigits.errors import Failure, StoreError
from tendigits.teach.schema import SCHEMA, metadata, version
from tendigits.teach.store import Store, explaining

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
        with explaining(store.place):
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
