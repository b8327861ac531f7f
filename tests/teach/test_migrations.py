"""Stores that are made, found again, migrated, damaged, or not to be reached."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from helpers import correction
from tendigits.errors import Failure, StoreError
from tendigits.teach import migrations as module
from tendigits.teach.migrations import open_store

CROPS = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)


def test_sqlite_keeps_its_promises_by_its_settings(store):
    with store._read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "delete", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10000}


def test_it_is_made_where_there_is_none_and_found_again(tmp_path):
    path = tmp_path / "deep" / "er" / "a.db"
    store = open_store(path)
    store.add([correction(CROPS[0])])
    store.close()
    again = open_store(str(path))
    assert again.count() == 1
    again.close()


def test_a_store_of_a_newer_tendigits_is_refused(place, store):
    store.close()
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("INSERT INTO version VALUES (2)")
        connection.commit()
    with pytest.raises(StoreError, match="expected format 1, received 2; use the tendigits that wrote it"):
        open_store(place)


def test_an_older_store_is_copied_and_migrated(place, store, monkeypatch):
    """With a migration as a next version would have one."""
    store.add([correction(CROPS[0])])
    store.close()
    monkeypatch.setattr(module, "SCHEMA", 2)
    add_column = "ALTER TABLE corrections ADD COLUMN note TEXT"
    monkeypatch.setitem(module.MIGRATIONS, 1, lambda connection: connection.exec_driver_sql(add_column))
    for _ in range(2):  # the second time there is nothing to do
        opened = open_store(place)
        assert opened.count() == 1
        opened.close()
    with closing(sqlite3.connect(place)) as connection:
        assert "note" in {row[1] for row in connection.execute("PRAGMA table_info(corrections)")}
        assert connection.execute("SELECT max(number) FROM version").fetchone() == (2,)
    with closing(sqlite3.connect(f"{place}.1")) as connection:
        assert connection.execute("SELECT count(*) FROM corrections").fetchone() == (1,)


def test_a_migration_that_fails_changes_nothing(place, store, monkeypatch):
    store.add([correction(CROPS[0])])
    store.close()

    def fail(connection):
        connection.exec_driver_sql("DELETE FROM corrections")
        raise StoreError("half way")

    monkeypatch.setattr(module, "SCHEMA", 2)
    monkeypatch.setitem(module.MIGRATIONS, 1, fail)
    with pytest.raises(StoreError, match="half way"):
        open_store(place)
    monkeypatch.undo()
    again = open_store(place)
    assert again.count() == 1
    again.close()


@pytest.mark.parametrize("damage", ["cut", "text", "page"])
def test_a_damaged_file_is_told_before_anything_is_written(place, store, tmp_path, damage):
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
    ("place", "said"),
    [
        ("postgresql://nobody@127.0.0.1:1/none?connect_timeout=1", "cannot use the store"),
        ("oracle9://a/b", "expected a file or a URL"),
        ("://", "expected a URL"),
    ],
)
def test_a_place_that_cannot_be_reached(place, said):
    with pytest.raises((StoreError, Failure), match=said):
        open_store(place)


def test_a_password_is_not_said():
    with pytest.raises(Failure) as caught:
        open_store("postgresql://me:secret@127.0.0.1:1/none?connect_timeout=1")
    assert "secret" not in str(caught.value)
