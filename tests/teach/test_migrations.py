"""Stores that are created, opened again, migrated, damaged or unreachable."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from sqlalchemy import create_engine

from conftest import POSTGRESQL, drop_tables
from helpers import NOW, correction, number, strip_of
from tendigits.errors import Failure, StoreError
from tendigits.teach import migrations as module
from tendigits.teach.migrations import open_store
from tendigits.teach.schema import SCHEMA

CROPS = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)

OLD_COLUMNS = """
CREATE TABLE version (number INTEGER NOT NULL PRIMARY KEY);
CREATE TABLE corrections (
    id {id} PRIMARY KEY {autoincrement}, digest VARCHAR(64) NOT NULL UNIQUE,
    patch {bytes} NOT NULL CHECK (length(patch) = 784), label INTEGER CHECK (label BETWEEN 0 AND 9),
    said INTEGER CHECK (said BETWEEN 0 AND 9), source VARCHAR(16) NOT NULL, network VARCHAR(64) NOT NULL,
    created TIMESTAMP NOT NULL
);
CREATE TABLE networks (
    id {id} PRIMARY KEY {autoincrement}, sha256 VARCHAR(64) NOT NULL, base VARCHAR(64) NOT NULL, data {bytes} NOT NULL,
    report JSON NOT NULL, created TIMESTAMP NOT NULL, accepted TIMESTAMP, retired TIMESTAMP
);
INSERT INTO version VALUES (1);
"""
"""The tables of schema 1, as the first versions of tendigits made them."""


@pytest.fixture(params=["sqlite", "postgresql"])
def old_store(request, tmp_path) -> str:
    """Where a store of schema 1 with one correction is."""
    if request.param == "sqlite":
        location, url = str(tmp_path / "a.db"), f"sqlite:///{tmp_path / 'a.db'}"
        types = {"id": "INTEGER", "autoincrement": "AUTOINCREMENT", "bytes": "BLOB"}
    else:
        drop_tables()
        location, url = POSTGRESQL, POSTGRESQL.replace("postgresql:", "postgresql+psycopg:", 1)
        types = {"id": "SERIAL", "autoincrement": "", "bytes": "BYTEA"}
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in OLD_COLUMNS.format(**types).split(";\n"):
            connection.exec_driver_sql(statement)
        old = module.text(
            "INSERT INTO corrections (digest, patch, label, said, source, network, created)"
            " VALUES (:digest, :patch, 3, 5, 'draw', :network, '2026-11-25 12:00:00')"
        )
        item = correction(CROPS[0])
        connection.execute(old, {"digest": item.digest, "patch": CROPS[0].tobytes(), "network": item.network})
        for accepted in ("2026-11-27 12:00:00", None, "2026-11-26 12:00:00"):
            network = module.text(
                "INSERT INTO networks (sha256, base, data, report, created, accepted)"
                " VALUES (:digest, :digest, :data, '{}', '2026-11-25 12:00:00', :accepted)"
            )
            connection.execute(network, {"digest": item.digest, "data": b"network", "accepted": accepted})
    engine.dispose()
    return location


def columns_of(location: str) -> set[str]:
    with closing(sqlite3.connect(location)) as connection:
        return {row[1] for row in connection.execute("PRAGMA table_info(corrections)")}


def test_an_older_store_is_migrated_when_it_is_opened(old_store):
    for _ in range(2):  # the second time there is nothing to do
        store = open_store(old_store)
        (item,) = store.corrections()
        np.testing.assert_array_equal(item.crop, CROPS[0])
        assert (item.label, item.predicted, item.source, item.created) == (3, 5, "draw", NOW)
        with pytest.raises(StoreError, match="expected labels from 0 to 9"):  # the constraints moved with the columns
            store.add([correction(np.zeros((28, 27)))])
        store.close()
    store = open_store(old_store)
    assert len(store.add([correction(CROPS[1]), correction(CROPS[0], 7)])) == 2
    assert store.count() == 2
    store.add([number(strip_of("12"), "17")])
    assert [item.text for item in store.numbers()] == ["17"]
    assert [network.id for network in store.accepted_networks()] == [1, 3]
    store.accept(3, NOW)
    assert [network.id for network in store.accepted_networks()] == [3, 1]
    store.close()


@pytest.mark.parametrize("old_store", ["sqlite"], indirect=True)
def test_a_migration_that_fails_changes_nothing_and_one_that_ends_keeps_a_copy(old_store, monkeypatch):
    def fail(connection):
        connection.exec_driver_sql("ALTER TABLE corrections RENAME COLUMN patch TO crop")
        raise StoreError("half way")

    monkeypatch.setitem(module.MIGRATIONS, 1, fail)
    with pytest.raises(StoreError, match="half way"):
        open_store(old_store)
    assert "patch" in columns_of(old_store)
    monkeypatch.undo()
    open_store(old_store).close()
    assert {"crop", "predicted"} < columns_of(old_store)
    assert {"patch", "said"} < columns_of(f"{old_store}.1")


def test_sqlite_keeps_its_promises_by_its_settings(store):
    with store._read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "delete", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10000}


def test_a_store_is_created_in_a_new_folder_unless_it_must_exist(tmp_path):
    path = tmp_path / "new" / "a.db"
    with pytest.raises(StoreError, match="found no such file; make corrections: tendigits serve"):
        open_store(path, create=False)
    assert not path.parent.exists()
    store = open_store(path)
    store.add([correction(CROPS[0])])
    store.close()
    again = open_store(str(path), create=False)
    assert again.count() == 1
    again.close()


def test_a_call_waits_for_a_lock_as_long_as_it_is_told(tmp_path):
    store = open_store(tmp_path / "a.db", lock_timeout=0.1)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for call in (store.count, store.check_writable, lambda: store.add([correction(CROPS[0])])):
            with pytest.raises(Failure, match="database is locked; nothing was stored"):
                call()
    store.check_writable()
    store.close()


def test_so_it_does_in_postgresql():
    drop_tables()
    store, other = open_store(POSTGRESQL, lock_timeout=0.1), open_store(POSTGRESQL)
    with other._engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE version, corrections, numbers IN ACCESS EXCLUSIVE MODE")
        for call in (store.count, store.check_writable, lambda: store.add([correction(CROPS[0])])):
            with pytest.raises(Failure, match=r"lock timeout .*nothing was stored"):
                call()
    store.check_writable()
    store.close()
    other.close()


def test_a_store_of_a_newer_tendigits_is_refused(place, store):
    store.close()
    with closing(sqlite3.connect(place)) as connection:
        connection.execute(f"INSERT INTO version VALUES ({SCHEMA + 1})")
        connection.commit()
    with pytest.raises(StoreError, match=f"expected format {SCHEMA}, received {SCHEMA + 1}; use the tendigits that"):
        open_store(place)


@pytest.mark.parametrize("damage", ["cut", "text", "page"])
def test_a_damaged_file_is_reported_and_not_touched(place, store, tmp_path, damage):
    store.add([correction(crop) for crop in CROPS])
    store.close()
    path = tmp_path / "corrections.db"
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "text":
        data = bytearray(b"this is no database" * 1000)
    else:
        data[4096 * 2 : 4096 * 3] = bytes(range(256)) * 16
    path.write_bytes(data)
    with pytest.raises((StoreError, Failure), match=r"damaged|not a database|malformed"):
        open_store(place)
    assert path.read_bytes() == bytes(data)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("postgresql://me:secret@127.0.0.1:1/none?connect_timeout=1", "cannot use the store"),
        ("oracle9://me:secret@a/b?password=secret", r"expected a file or a URL .*, received oracle9://me:\*\*\*@a/b"),
        ("mssql+none://me:secret@a/b", "expected a file or a URL"),
        ("postgresql://me:secret@host:port/b", "expected a URL such as"),
        ("://", "expected a URL"),
    ],
)
def test_a_location_that_cannot_be_reached(location, message):
    with pytest.raises((StoreError, Failure), match=message) as caught:
        open_store(location)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("number", ["'x'", "-3", "1.5", "x'00ff'"])
def test_a_store_whose_format_is_no_format_is_damaged(place, store, number):
    store.close()
    with closing(sqlite3.connect(place)) as connection:
        connection.executescript(
            f"DROP TABLE version; CREATE TABLE version (number); INSERT INTO version VALUES ({number})"
        )
    with pytest.raises(StoreError, match="is damaged: its format is"):
        open_store(place)
