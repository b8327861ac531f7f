"""Open a store: create it if it is missing, check it, and migrate it if it is older.

store = open_store("corrections.db")            # or "postgresql://user@host/name"

SQLite runs with a rollback journal and synchronous=FULL: before 3.51.3 its write-ahead log can lose data
(https://sqlite.org/wal.html#walresetbug), and acknowledged corrections must survive a power cut.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, func, insert, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from tendigits.errors import Failure, StoreError, reason_of
from tendigits.teach.schema import SCHEMA, metadata, numbers, version
from tendigits.teach.store import LOCK_TIMEOUT, Store, translated_errors, without_secrets

STATEMENT_TIMEOUT = 60.0
"""Seconds after which PostgreSQL ends a statement, unless its caller has less time: an ill server, or a slow disk."""

CONNECT_TIMEOUT = 5
"""Seconds, whole ones, in which PostgreSQL must take a connection."""


def _rename_columns(connection: Connection) -> None:
    for old, new in (("patch", "crop"), ("said", "predicted")):
        connection.exec_driver_sql(f"ALTER TABLE corrections RENAME COLUMN {old} TO {new}")


def _add_numbers(connection: Connection) -> None:
    numbers.create(connection)


def _count_acceptances(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE networks ADD COLUMN acceptance INTEGER")
    older = "(other.accepted < networks.accepted OR (other.accepted = networks.accepted AND other.id <= networks.id))"
    connection.exec_driver_sql(
        f"UPDATE networks SET acceptance = (SELECT count(*) FROM networks AS other WHERE {older})"  # noqa: S608
        " WHERE accepted IS NOT NULL"
    )


MIGRATIONS: dict[int, Callable[[Connection], None]] = {1: _rename_columns, 2: _add_numbers, 3: _count_acceptances}
"""From each older version of the schema to the next."""


def open_store(
    location: str | Path,
    *,
    create: bool = True,
    lock_timeout: float = LOCK_TIMEOUT,
    statement_timeout: float = STATEMENT_TIMEOUT,
) -> Store:
    """Open a store.

    Args:
        location: a file for SQLite, or a URL such as postgresql://user@host/name.
        create: create the SQLite file if it is missing.
        lock_timeout: seconds that a call waits for another process that has locked the database.
        statement_timeout: seconds that one statement may take in PostgreSQL.

    Raises:
        StoreError: it is missing, damaged, or was made by a newer tendigits.
        Failure: it cannot be reached.
    """
    url = _url(location)
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite and url.database:
        if not create and not Path(url.database).exists():
            raise StoreError(f"expected a store in {location}, found no such file; make corrections: tendigits serve")
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = create_engine(url, pool_pre_ping=not is_sqlite, **({} if is_sqlite else _postgresql_options(url)))
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(
            f"expected a file or a URL such as postgresql://..., received {without_secrets(url)}: {reason_of(error)}"
        ) from None
    prepare = (
        partial(_set_pragmas, lock_timeout) if is_sqlite else partial(_set_timeouts, lock_timeout, statement_timeout)
    )
    event.listen(engine, "connect", prepare)
    store = Store(engine, lock_timeout)
    try:
        with translated_errors(store.url), engine.begin() as connection:
            _check(connection, store)
    except (StoreError, Failure):
        engine.dispose()
        raise
    return store


def _url(location: str | Path) -> URL:
    if isinstance(location, str) and "://" in location:
        try:
            url = make_url(location)
        except (ArgumentError, ValueError):  # whose messages may hold the password
            raise StoreError(
                f"expected a URL such as postgresql://user@host/name, received another {location.partition('://')[0]}://"
            ) from None
        return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
    return URL.create("sqlite", database=str(location))


def _set_pragmas(lock_timeout: float, connection: Any, _: Any) -> None:
    wait = f"busy_timeout={lock_timeout * 1000:.0f}"  # first: the next one may wait already
    for pragma in (wait, "journal_mode=DELETE", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")  # a damaged row is no damaged table


def _set_timeouts(lock_timeout: float, statement_timeout: float, connection: Any, _: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {lock_timeout * 1000:.0f}")
        cursor.execute(f"SET statement_timeout = {statement_timeout * 1000:.0f}")
    connection.commit()


def _postgresql_options(url: URL) -> dict[str, Any]:
    """An address that nobody answers at is given up, unless the URL itself says when."""
    return {} if "connect_timeout" in url.query else {"connect_args": {"connect_timeout": CONNECT_TIMEOUT}}


def _check(connection: Connection, store: Store) -> None:
    """Check that the store is intact, and bring it to the current schema in the transaction of `connection`."""
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        if (result := connection.scalar(text("PRAGMA quick_check"))) != "ok":
            raise StoreError(f"{store.url} is damaged: {result}; restore a backup, or import an export")
    else:  # two servers of a team may start at the same time
        connection.execute(text("SELECT pg_advisory_xact_lock(784512)"))
    version.create(connection, checkfirst=True)
    newest = select(func.max(version.c.number))
    found = connection.scalar(newest)
    if found is None:
        metadata.create_all(connection)
        connection.execute(insert(version).values(number=SCHEMA))
        return
    if type(found) is not int or found < 1:  # SQLite keeps any type in any column
        raise StoreError(f"{store.url} is damaged: its format is {found!r}; restore a backup, or import an export")
    if found > SCHEMA:
        raise StoreError(f"{store.url}: expected format {SCHEMA}, received {found}; use the tendigits that wrote it")
    if found == SCHEMA:
        return
    if is_sqlite:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # sqlite3 opens no transaction for ALTER TABLE by itself
        found = connection.scalar(newest)  # another process may have migrated it meanwhile
        if found < SCHEMA and (path := connection.engine.url.database):
            store.back_up(Path(f"{path}.{found}"))
    for number in range(found, SCHEMA):
        MIGRATIONS[number](connection)
        connection.execute(insert(version).values(number=number + 1))
