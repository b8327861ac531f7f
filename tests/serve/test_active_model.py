"""The active network, and another that replaces it or is refused."""

import numpy as np
import pytest

from helpers import NOW, changed, png
from tendigits.errors import DataError, ModelFileError
from tendigits.read.network import bundled, from_onnx
from tendigits.read.reader import Reader
from tendigits.serve.active_model import ActiveModel, classify_found, sha256_of
from tendigits.serve.locator import locate_all
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


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (changed(-1.0), "expected at least 90% of 200 known digits read correctly, received"),
        (changed(np.nan), "known digits"),
        (b"no file", "not a complete"),
    ],
    ids=["wrong", "not finite", "broken"],
)
def test_a_bad_network_is_refused_and_the_old_one_stays(store, data, message):
    active = ActiveModel.load(store)
    before = active.reader
    with pytest.raises(ModelFileError, match=message):
        active.switch(store.add_network(data, "base", {}, NOW), store)
    assert active.reader is before
    assert active.sha256 == bundled_sha256()


def test_another_network_has_an_id_of_its_own():
    reader = Reader(from_onnx(changed(1.01), "mine"))
    assert sha256_of(reader) != bundled_sha256()
    assert len(sha256_of(reader)) == 64


def test_an_error_in_a_batch_stays_in_its_place(digits):
    found = locate_all([png(digits.x_test[0]), b"no picture", png(digits.x_test[1])])
    first, bad, last = classify_found(Reader(bundled()), found)
    assert bad is found[1]
    assert isinstance(bad, DataError)
    assert [first[0].label, last[0].label] == digits.y_test[:2].tolist()
    assert first[1].size == (112, 112)
    assert classify_found(Reader(bundled()), []) == []
