"""The store of corrections and fine-tuned networks: what it holds, refuses and survives."""

import sqlite3
import stat
from contextlib import closing
from datetime import timedelta

import numpy as np
import pytest

from drawing import strip_of
from samples import NOW, correction, full_disk, number
from tendigits.errors import Failure, StoreError
from tendigits.teach.store import VERSION, Store

CROPS = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)


def change(place, statement):
    """Run SQL as another program may."""
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute(statement)


def test_corrections_are_listed_newest_first_counted_and_deleted(store):
    digits = store.add([correction(crop, label) for label, crop in zip((0, 9, None), CROPS, strict=False)])
    numbers = store.add([number(strip_of("12"), "17"), number(strip_of("4.5"), "", predicted="4.5")])
    assert [item.id for item in store.corrections()] == [item.id for item in reversed(digits)]
    (found,) = store.corrections(first=1, n=1)
    np.testing.assert_array_equal(found.crop, CROPS[1])
    assert (found.label, found.predicted, found.source, found.network, found.created) == (9, 5, "draw", "0" * 64, NOW)
    (found,) = store.numbers(n=1)
    np.testing.assert_array_equal(found.strip, strip_of("4.5"))
    assert (found.text, found.predicted, found.source, found.created) == ("", "4.5", "picture", NOW)
    assert (store.count(), store.count("digit"), store.count("number")) == (5, 3, 2)
    assert not store.remove(numbers[1].id), "it is not a digit"
    assert store.remove(numbers[1].id, "number")
    assert not store.remove(numbers[1].id, "number")
    assert (store.count("digit"), store.count("number")) == (3, 1)
    (again,) = store.add([number(strip_of("4.5"), "4.5")])
    assert again.id > numbers[1].id, "the id of a deleted correction is not used again"


def test_the_last_correction_of_a_picture_replaces_earlier_ones(store):
    store.add([correction(CROPS[0], 3)])
    stored = store.add([
        number(strip_of("12"), "17"), correction(CROPS[0], 5), correction(CROPS[1], 1), correction(CROPS[1], None),
        number(strip_of("12"), "18"),
    ])  # fmt: skip
    found = [*store.corrections(), *store.numbers()]
    assert [getattr(item, "label", None) or getattr(item, "text", None) for item in found] == [None, 5, "18"]
    assert {item.id for item in found} == {item.id for item in stored}


@pytest.mark.parametrize(
    "wrong",
    [
        correction(CROPS[0], 10), correction(CROPS[0], predicted=-1), correction(CROPS[0][1:]),
        correction(CROPS[0], source="elsewhere"), number(strip_of("34"), "12a"), number(strip_of("34"), "1" * 200),
        number(strip_of("34"), "34", source="draw"), number(np.zeros((40, 30), np.uint8), "34"),
    ],
)  # fmt: skip
def test_the_database_itself_refuses_invalid_values(store, wrong):
    with pytest.raises(StoreError, match="expected labels from 0 to 9, crops of 28x28 and numbers that fit"):
        store.add([number(strip_of("12"), "-(0.1,2/3"), wrong])
    assert store.count() == 0, "all corrections of a request are stored, or none"


def test_parts_hold_all_digits_then_all_numbers_oldest_first(store):
    crops = np.random.default_rng(1).integers(0, 256, (1500, 28, 28), dtype=np.uint8)
    numbers = store.add([number(strip_of(f"{i}"), f"{i}") for i in range(20)])
    digits = store.add([correction(crop, i % 10) for i, crop in enumerate(crops)])
    parts = [*store.parts()]
    assert max(len(part) for part in parts) == 1000
    assert [item.id for part in parts for item in part] == [item.id for item in [*digits, *numbers]]


def test_others_correct_while_a_long_import_is_read_and_nothing_is_stored_of_one_that_fails(store):
    def items():
        yield correction(CROPS[0])
        store.add([correction(CROPS[1])])
        raise ValueError("invalid line")

    with pytest.raises(ValueError, match="invalid line"):
        store.add(items())
    assert store.count() == 1


def test_networks_are_stored_accepted_and_rolled_back(store):
    one = store.add_network(b"one", "base", {"mnist": {"before": 0.99}}, NOW)
    two = store.add_network(b"two", "base", {}, NOW)
    assert store.active_network() is None, "not before it is accepted"
    assert store.networks() == [two, one]
    assert store.network(one.id) == one
    assert store.network_data(one.id) == b"one"
    store.accept(one.id, NOW)
    store.accept(two.id, NOW - timedelta(days=1))  # the clock was set back
    assert [network.id for network in store.accepted_networks()] == [two.id, one.id]
    assert store.roll_back(NOW).id == store.active_network().id == one.id
    store.accept(two.id, NOW + timedelta(seconds=2))
    assert store.active_network().id == two.id
    store.roll_back(NOW)
    assert store.network(two.id).retired == NOW
    assert store.roll_back(NOW) is None
    with pytest.raises(StoreError, match="the package's own is active"):
        store.roll_back(NOW)


def test_a_network_that_does_not_exist_or_is_damaged(store, place):
    assert store.network(7) is None
    for call in (store.network_data, lambda number: store.accept(number, NOW)):
        with pytest.raises(StoreError, match="received 7; there is no such network"):
            call(7)
    tuned = store.add_network(b"one", "base", {}, NOW)
    change(place, "UPDATE networks SET data = x'00'")
    with pytest.raises(StoreError, match="the fine-tuned network 1 is damaged; teach again"):
        store.network_data(tuned.id)


def test_a_store_that_was_changed_from_outside_is_refused(store, place):
    change(place, "CREATE TRIGGER every AFTER INSERT ON corrections BEGIN DELETE FROM corrections; END")
    with pytest.raises(StoreError, match="triggers or views"):
        Store(place)


def test_a_full_disk_loses_nothing_that_was_acknowledged(place, store):
    store.add([correction(crop) for crop in CROPS[:2]])
    for call in (lambda: store.add([correction(crop) for crop in CROPS]), store.check_writable):
        with full_disk(), pytest.raises(Failure, match="nothing was stored"):
            call()
    assert Store(place).count() == 2


def test_a_call_returns_after_its_commit_and_commits_survive_a_power_cut(store, monkeypatch):
    statements, connect = [], sqlite3.connect

    def traced(*arguments, **options):
        connection = connect(*arguments, **options)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    store.add([correction(CROPS[0])])
    assert {"PRAGMA journal_mode=DELETE", "PRAGMA synchronous=FULL"} <= set(statements)
    assert (statements.count("BEGIN IMMEDIATE"), statements[-1]) == (1, "COMMIT")


def test_a_store_is_created_for_its_owner_alone_and_opened_again(tmp_path):
    path = tmp_path / "new folder?#" / "a.db"
    with pytest.raises(StoreError, match="found no such file; make corrections: tendigits serve"):
        Store(path, create=False)
    assert not path.parent.exists()
    Store(path).add([correction(CROPS[0])])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [child.name for child in path.parent.iterdir()] == ["a.db"]
    assert Store(str(path), create=False).count() == 1
    with pytest.raises(Failure, match="cannot create the store"):
        Store(path / "a.db")
    with pytest.raises(Failure, match="cannot use the store"):
        Store(tmp_path)


def test_a_store_without_settings_gets_them(place, store):
    store.add([correction(CROPS[0])])
    change(place, "DROP TABLE settings")
    opened = Store(place)
    assert opened.threshold() is None
    opened.set_threshold(0.5)
    assert (Store(place).threshold(), opened.count()) == (0.5, 1)


@pytest.mark.parametrize("version", [0, VERSION + 1])
def test_a_store_of_another_version_is_refused(place, store, version):
    change(place, f"PRAGMA user_version={version}")
    with pytest.raises(StoreError, match=f"version {VERSION} in .*, found version {version}; open it with the tend"):
        Store(place)


@pytest.mark.parametrize("damage", ["cut", "text", "page"])
def test_a_damaged_file_is_reported_and_not_touched(place, store, damage):
    store.add([correction(crop) for crop in CROPS])
    path, data = store.path, store.path.read_bytes()
    other_page = data[: 4096 * 2] + bytes(range(256)) * 16 + data[4096 * 3 :]
    damaged = {"cut": data[: len(data) // 2], "text": b"this is no database" * 1000, "page": other_page}[damage]
    path.write_bytes(damaged)
    with pytest.raises((StoreError, Failure), match=r"damaged|not a database|malformed"):
        Store(place)
    assert path.read_bytes() == damaged
