"""Damaged rows of a store are named and left out. SQLite keeps any value in any column."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from helpers import NOW, correction, number, strip_of
from tendigits.errors import StoreError
from tendigits.teach.schema import _warn

CROPS = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)

DAMAGE = {
    "a label out of range": "corrections SET label = 12",
    "a label that is no whole number": "corrections SET label = 3.5",
    "a text for a number": "corrections SET predicted = 'three'",
    "no time": "corrections SET created = 'yesterday'",
    "a number for a time": "corrections SET created = 5",
    "a text for a crop": "corrections SET crop = 'x'",
    "a number for a crop": "corrections SET crop = 784",
    "a short crop": "corrections SET crop = x'00ff'",
    "bytes for a text": "corrections SET network = x'00ff'",
    "a short strip": "numbers SET strip = x'00ff'",
    "a foreign sign": "numbers SET text = '12a'",
    "bytes for a number": "numbers SET text = x''",
    "a text that is no UTF-8": "numbers SET predicted = CAST(x'ff' AS TEXT)",
    "no time of a number": "numbers SET created = ''",
    "no JSON": "networks SET report = '{'",
    "other JSON": "networks SET report = '[]'",
    "bytes for a name": "networks SET base = x'00'",
    "no time of a network": "networks SET created = ''",
}


def damage(place, change):
    """As another program may, or a disk: without the table's constraints."""
    with closing(sqlite3.connect(place)) as other, other:
        other.execute("PRAGMA ignore_check_constraints=ON")
        assert other.execute(f"UPDATE {change} WHERE id = 2").rowcount == 1


@pytest.fixture
def filled(store):
    _warn.cache_clear()
    store.add([correction(crop) for crop in CROPS])
    store.add([number(strip_of(text), text) for text in ("12", "34", "56")])
    for data in (b"one", b"two", b"three"):
        store.accept(store.add_network(data, "base", {"learned": 5}, NOW).id, NOW)
    return store


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_row_is_named_and_the_others_are_read(filled, place, change, caplog):
    damage(place, change)
    table = change.split()[0]
    for _ in range(2):
        ids = {
            "corrections": [item.id for item in filled.corrections()],
            "numbers": [item.id for item in filled.numbers()],
            "networks": [network.id for network in filled.accepted_networks()],
        }
        assert ids.pop(table) == [3, 1]
        assert list(ids.values()) == [[3, 2, 1]] * 2
        assert sum(len(part) for part in filled.parts()) == 6 - (table != "networks")
    (record,) = caplog.records  # once
    assert " 2 is damaged and left out: " in record.getMessage()


def test_a_damaged_row_can_be_deleted_or_replaced(filled, place):
    damage(place, "corrections SET created = 'yesterday'")
    damage(place, "numbers SET created = 'yesterday'")
    filled.add([correction(CROPS[1], 8)])
    assert [item.label for item in filled.corrections()] == [8, 3, 3]
    assert filled.remove_number(2)
    assert filled.count() == 5


def test_the_file_of_a_network_may_be_damaged_in_any_way(filled, place):
    damage(place, "networks SET data = 5")
    with pytest.raises(StoreError, match="the fine-tuned network 2 is damaged; teach again"):
        filled.network_data(2)
