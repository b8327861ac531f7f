"""The active network, and another that replaces it."""

from helpers import NOW, changed
from tendigits.serve.active_model import ActiveModel, sha256_of
from tendigits.teach.verify import bundled_sha256


def test_the_accepted_network_reads_and_is_rolled_back_also_by_another_process(store):
    tuned = store.add_network(changed(1.01), "base", {}, NOW)
    active = ActiveModel.load(store)
    assert active.sha256 == bundled_sha256() == sha256_of(active.reader)  # not before it is accepted
    before = active.reader
    active.refresh(store)
    assert active.reader is before
    store.accept(tuned.id, NOW)
    active.refresh(store)
    assert active.sha256 == tuned.sha256 == ActiveModel.load(store).sha256
    store.roll_back(NOW)
    active.refresh(store)
    assert active.sha256 == bundled_sha256()
