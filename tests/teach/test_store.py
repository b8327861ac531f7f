"""Corrections and networks in both databases, and what must not be stored."""

import threading
from datetime import timedelta

import numpy as np
import pytest

from helpers import NOW, correction, number, strip_of
from tendigits.errors import Failure, StoreError
from tendigits.teach import store as module
from tendigits.teach.corrections import NumberCorrection
from tendigits.teach.migrations import open_store

CROPS = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)


def test_corrections_are_listed_newest_first(any_store):
    kept = any_store.add([correction(crop, label) for label, crop in zip((0, 9, None), CROPS, strict=False)])
    assert [item.label for item in any_store.corrections()] == [None, 9, 0]
    assert [item.id for item in any_store.corrections()] == [item.id for item in reversed(kept)]
    found = any_store.corrections(first=1, n=1)
    assert [item.label for item in found] == [9]
    np.testing.assert_array_equal(found[0].crop, CROPS[1])
    assert (found[0].predicted, found[0].source, found[0].network, found[0].created) == (5, "draw", "0" * 64, NOW)
    assert any_store.count() == 3


def test_the_last_correction_of_a_crop_replaces_earlier_ones(any_store):
    any_store.add([correction(CROPS[0], 3)])
    any_store.add([correction(CROPS[0], 5), correction(CROPS[1], 1), correction(CROPS[1], None)])
    assert [item.label for item in any_store.corrections()] == [None, 5]


def test_the_number_of_a_deleted_correction_is_not_used_again(any_store):
    first, second = any_store.add([correction(CROPS[0]), correction(CROPS[1])])
    assert any_store.remove(second.id)
    assert not any_store.remove(second.id)
    (third,) = any_store.add([correction(CROPS[2])])
    assert third.id not in (first.id, second.id)
    assert any_store.count() == 2


@pytest.mark.parametrize(
    "wrong",
    [{"label": 10}, {"predicted": -1}, {"source": "elsewhere"}, {"crop": np.zeros((28, 27))}],
    ids=["label", "predicted", "source", "crop"],
)
def test_the_database_itself_refuses_invalid_values(any_store, wrong):
    good = correction(CROPS[0])
    bad = correction(**({"crop": CROPS[1], "label": 3} | wrong))
    with pytest.raises(StoreError, match="expected labels from 0 to 9 and crops of 28x28"):
        any_store.add([good, bad])
    assert any_store.count() == 0  # all of a request, or nothing


def test_parts_hold_all_digits_then_all_numbers_oldest_first(any_store):
    crops = np.random.default_rng(1).integers(0, 256, (1500, 28, 28), dtype=np.uint8)
    kept = any_store.add([number(strip_of(f"{i}"), f"{i}") for i in range(20)])
    kept = any_store.add([correction(crop, i % 10) for i, crop in enumerate(crops)]) + kept
    parts = list(any_store.parts())
    assert [len(part) for part in parts] == [1000, 500, 16, 4]
    assert [item.digest for part in parts for item in part] == [item.digest for item in kept]


def test_what_is_deleted_or_added_while_parts_are_read_hinders_nobody(any_store):
    crops = np.random.default_rng(1).integers(0, 256, (1001, 28, 28), dtype=np.uint8)
    kept = any_store.add([correction(crop) for crop in crops])
    parts = any_store.parts()
    assert len(next(parts)) == 1000
    any_store.remove(kept[0].id)
    any_store.remove(kept[-1].id)
    (new,) = any_store.add([correction(CROPS[0], 8)])
    assert [item.id for item in next(parts)] == [new.id]


def test_nothing_is_stored_of_items_that_fail(any_store):
    def items():
        yield correction(CROPS[0])
        raise ValueError("of theirs")

    with pytest.raises(ValueError, match="of theirs"):
        any_store.add(items())
    assert any_store.count() == 0


def test_others_correct_while_a_long_import_is_read(any_store):
    def items():
        yield correction(CROPS[0])
        any_store.add([correction(CROPS[1])])
        yield correction(CROPS[2])

    any_store.add(items())
    assert any_store.count() == 3


def test_of_many_kinds_and_doubles_each_is_stored_once_with_its_id(any_store):
    stored = any_store.add([
        number(strip_of("12"), "17"), correction(CROPS[0], 3), correction(CROPS[1], 4), correction(CROPS[0], 5),
        number(strip_of("12"), "18"),
    ])  # fmt: skip
    digits, numbers = any_store.corrections(), any_store.numbers()
    assert {item.id: item.label for item in digits} == {item.id: item.label for item in stored[:2]} == {1: 5, 2: 4}
    assert [(item.id, item.text) for item in numbers] == [(item.id, item.text) for item in stored[2:]] == [(1, "18")]


def test_numbers_are_corrected_listed_counted_and_deleted(any_store):
    first, second = any_store.add([number(strip_of("12"), "17"), number(strip_of("4.5"), "", predicted="4.5")])
    (again,) = any_store.add([number(strip_of("12"), "12.5%", source="api")])
    any_store.add([correction(CROPS[0])])
    assert [item.id for item in any_store.numbers()] == [again.id, second.id]
    assert [item.text for item in any_store.numbers(first=1)] == [""]
    (found,) = any_store.numbers(n=1)
    np.testing.assert_array_equal(found.strip, strip_of("12"))
    assert (found.text, found.predicted, found.source, found.network) == ("12.5%", "5", "api", "0" * 64)
    assert found.created == NOW
    assert (any_store.count(), any_store.count_digits(), any_store.count_numbers()) == (3, 1, 2)
    assert not any_store.remove_number(first.id)
    assert any_store.remove_number(second.id)
    assert any_store.count_numbers() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "12a"}, {"text": "1" * 200}, {"predicted": "?"}, {"source": "draw"},
        {"strip": np.zeros((40, 30), np.uint8)}, {"strip": np.zeros((40, 8), np.uint8)},
    ],
    ids=["text", "long", "predicted", "source", "width", "narrow"],
)  # fmt: skip
def test_the_database_itself_refuses_invalid_numbers(any_store, wrong, monkeypatch):
    monkeypatch.setattr(NumberCorrection, "__post_init__", lambda _: None)
    good = number(strip_of("12"), "-(0.1,2/3:4+5)=6x7%"[:9])
    with pytest.raises(StoreError, match="expected labels from 0 to 9"):
        any_store.add([good, number(**({"strip": strip_of("34"), "text": "34"} | wrong))])
    assert any_store.count() == 0
    any_store.add([good])


def test_the_number_of_corrections_is_limited(any_store, monkeypatch):
    monkeypatch.setattr(module, "MAX_CORRECTIONS", 2)
    any_store.add([correction(CROPS[0])])
    with pytest.raises(StoreError, match="expected at most 2 corrections, received 3"):
        any_store.add([correction(CROPS[1]), correction(CROPS[2])])
    assert any_store.count() == 1


def test_networks_are_stored_accepted_and_rolled_back(any_store):
    assert any_store.active_network() is None
    one = any_store.add_network(b"one", "base", {"mnist": {"before": 0.99}}, NOW)
    two = any_store.add_network(b"two", "base", {}, NOW)
    assert any_store.active_network() is None  # not before it is accepted
    assert any_store.networks() == [two, one]
    assert any_store.network(one.id) == one
    assert any_store.network_data(one.id) == b"one"
    any_store.accept(one.id, NOW)
    any_store.accept(two.id, NOW + timedelta(seconds=1))
    assert any_store.active_network().id == two.id
    assert any_store.roll_back(NOW).id == one.id
    assert any_store.active_network().id == one.id
    any_store.accept(two.id, NOW + timedelta(seconds=2))  # accepted again
    assert any_store.active_network().id == two.id
    any_store.roll_back(NOW)
    assert any_store.roll_back(NOW) is None
    with pytest.raises(StoreError, match="the package's own is active"):
        any_store.roll_back(NOW)


def test_the_last_accepted_network_is_active_also_where_the_clock_was_set_back(any_store):
    one, two = (any_store.add_network(data, "base", {}, NOW) for data in (b"one", b"two"))
    any_store.accept(one.id, NOW)
    any_store.accept(two.id, NOW - timedelta(days=1))
    assert [network.id for network in any_store.accepted_networks()] == [two.id, one.id]
    any_store.accept(one.id, NOW - timedelta(days=2))  # accepted again
    assert any_store.active_network().id == one.id


def test_a_network_that_does_not_exist(any_store):
    assert any_store.network(7) is None
    with pytest.raises(StoreError, match="received 7; there is none"):
        any_store.network_data(7)
    with pytest.raises(StoreError, match="received 7; there is none"):
        any_store.accept(7, NOW)


@pytest.mark.parametrize("any_store", ["postgresql"], indirect=True)  # SQLite runs in this process
def test_a_statement_that_takes_too_long_is_ended(any_store):
    impatient = open_store(any_store._engine.url.render_as_string(hide_password=False), statement_timeout=0.1)
    with pytest.raises(Failure, match="statement timeout"), impatient._read() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(20)")
    assert impatient.count() == 0
    impatient.close()


def test_many_threads_lose_nothing(any_store):
    rng = np.random.default_rng(1)
    crops = rng.integers(0, 256, (8, 10, 28, 28), dtype=np.uint8)

    def write(mine):
        for crop in mine:
            any_store.add([correction(crop)])

    threads = [threading.Thread(target=write, args=(mine,)) for mine in crops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert any_store.count() == 80


def test_a_full_disk_loses_nothing_that_was_acknowledged(place, store):
    """SQLite reports a file that may not grow just like a full disk."""
    store.add([correction(crop) for crop in CROPS[:2]])
    with store._read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def limit(connection, _):
        connection.execute(f"PRAGMA max_page_count={pages}")

    from sqlalchemy import event

    store._engine.dispose()
    event.listen(store._engine, "connect", limit)
    many = np.random.default_rng(2).integers(0, 256, (50, 28, 28), dtype=np.uint8)
    with pytest.raises(Failure, match="full"):
        store.add([correction(crop) for crop in many])
    store.close()
    again = open_store(place)
    assert again.count() == 2
    again.close()
