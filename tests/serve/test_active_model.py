"""The network that reads, and another that takes its place, or is refused."""

import numpy as np
import pytest

from helpers import NOW, changed, png
from tendigits.errors import DataError, ModelFileError
from tendigits.read.network import bundled, from_onnx
from tendigits.read.reader import Reader
from tendigits.serve.active_model import Reading, judge_found, sha256_of
from tendigits.serve.finding import find_all
from tendigits.teach.verify import bundled_sha256, known_digits, verify_network


def test_the_known_digits_are_known():
    crops, labels = known_digits()
    assert crops.shape == (200, 28, 28)
    assert (bundled()(crops).digits.argmax(axis=1) == labels).mean() > 0.97
    verify_network(bundled())


def test_the_packages_reads_where_nothing_was_accepted(store):
    store.add_network(changed(1.01), "base", {}, NOW)
    reading = Reading.of(store)
    assert reading.sha256 == bundled_sha256() == sha256_of(reading.reader)


def test_an_accepted_network_reads_and_goes_again(store):
    taught = store.add_network(changed(1.01), "base", {}, NOW)
    store.accept(taught.id, NOW)
    reading = Reading.of(store)
    assert reading.sha256 == taught.sha256 != bundled_sha256()
    reading.use(None, store)
    assert reading.sha256 == bundled_sha256()


def test_it_keeps_up_with_what_another_process_does(store):
    reading = Reading.of(store)
    taught = store.add_network(changed(1.01), "base", {}, NOW)
    before = reading.reader
    reading.keep_up(store)
    assert reading.reader is before  # nothing has changed
    store.accept(taught.id, NOW)
    reading.keep_up(store)
    assert reading.sha256 == taught.sha256
    store.roll_back(NOW)
    reading.keep_up(store)
    assert reading.sha256 == bundled_sha256()


@pytest.mark.parametrize(
    ("data", "said"),
    [(changed(-1.0), "known digits read right"), (changed(np.nan), "known digits"), (b"no file", "not a complete")],
    ids=["wrong", "not finite", "broken"],
)
def test_a_bad_network_never_reads_and_the_old_one_goes_on(store, data, said):
    reading = Reading.of(store)
    before = reading.reader
    taught = store.add_network(data, "base", {}, NOW)
    with pytest.raises(ModelFileError, match=said):
        reading.use(taught, store)
    assert reading.reader is before
    assert reading.sha256 == bundled_sha256()


def test_a_persons_own_network_has_a_name_of_its_own():
    reader = Reader(from_onnx(changed(1.01), "mine"))
    assert sha256_of(reader) != bundled_sha256()
    assert len(sha256_of(reader)) == 64


def test_of_what_was_found_together_an_error_stays_in_its_place(digits):
    found = find_all([png(digits.x_test[0]), b"no picture", png(digits.x_test[1])])
    first, bad, last = judge_found(Reader(bundled()), found)
    assert bad is found[1]
    assert isinstance(bad, DataError)
    assert [first[0].label, last[0].label] == digits.y_test[:2].tolist()
    assert first[1].size == (112, 112)
    assert judge_found(Reader(bundled()), []) == []
