"""The active network, and another that replaces it."""

import sqlite3
from contextlib import closing

from samples import NOW, changed
from tendigits.serve.networks import ActiveModel, from_reader
from tendigits.teach.verify import bundled_sha256


def test_the_accepted_network_reads_and_is_rolled_back_also_by_another_process(store):
    tuned = store.add_network(changed(1.01), "base", {}, NOW)
    active = ActiveModel(store)
    before = active.current
    assert before.sha256 == bundled_sha256() == from_reader(before.reader).sha256  # not before it is accepted
    active.refresh()
    assert active.current is before
    store.accept(tuned.id, NOW)
    active.refresh()
    assert active.current.sha256 == tuned.sha256 == ActiveModel(store).current.sha256
    accepted = active.current
    active.refresh()
    assert active.current is accepted  # not loaded again
    store.roll_back(NOW)
    active.refresh()
    assert active.current.sha256 == bundled_sha256()


def test_a_threshold_in_the_store_holds_for_every_network_and_can_be_taken_back(store):
    tuned, active = store.add_network(changed(1.01), "base", {}, NOW), ActiveModel(store)
    by_default = active.current.reader.number_threshold
    store.set_threshold(0.25)
    active.refresh()
    assert (active.current.reader.number_threshold, active.current.reader.threshold) == (0.25, 0.25)
    active.accept(tuned, NOW)
    for network in (active.current, ActiveModel(store).current):
        assert network.reader.number_threshold == network.source.options.threshold == 0.25
    store.set_threshold(None)
    active.refresh()
    assert active.current.number == tuned.id
    assert active.current.reader.number_threshold == by_default


def damage(place, number):
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("UPDATE networks SET data = x'00' WHERE id = ?", (number,))


def test_a_damaged_accepted_network_gives_way_to_the_one_before_and_is_logged_once(store, place, caplog):
    first, second = (store.add_network(changed(factor), "base", {}, NOW) for factor in (1.01, 1.02))
    for tuned in (first, second):
        store.accept(tuned.id, NOW)
    damage(place, second.id)
    active = ActiveModel(store)
    assert (active.current.number, active.current.sha256) == (first.id, first.sha256)
    active.refresh()
    (record,) = caplog.records
    assert record.message == "the fine-tuned network 2 is damaged; teach again; the one accepted before it reads"
    damage(place, first.id)
    assert ActiveModel(store).current.sha256 == bundled_sha256()
