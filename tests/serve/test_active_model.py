"""The active network, and another that replaces it."""

import base64

import pytest

from helpers import NOW, changed, changed_lines
from tendigits.errors import ModelFileError
from tendigits.lines.network import bundled_file
from tendigits.model.onnx import with_metadata
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


def test_an_accepted_pair_reads_numbers_with_its_own_line_network_and_a_bad_one_is_refused(store):
    good, bad = (
        with_metadata(changed(1.01), {"lines": base64.b64encode(lines).decode()})
        for lines in (bundled_file(), changed_lines(-1.0))
    )
    active = ActiveModel.load(store)
    with pytest.raises(ModelFileError, match=r"expected at least 90% of \d+ known lines read correctly, received \d+%"):
        active.switch(store.add_network(bad, "base", {}, NOW), store)
    assert active.sha256 == bundled_sha256()
    before = active.reader.lines.lines
    active.switch(store.add_network(good, "base", {}, NOW), store)
    assert active.reader.lines.lines is not before
    assert active.reader.lines.untaught is not None
    assert not active.reader.lines.own
