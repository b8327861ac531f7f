import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saver import assert_same, known_checkpoint
from tendigits.errors import RunError
from tendigits.model.recipe import Recipe
from tendigits.train import checkpoint as module
from tendigits.train.checkpoint import FORMAT, load_checkpoint, load_last_checkpoint, save_checkpoint

CHECKPOINT = known_checkpoint(1, side=8)


def test_a_checkpoint_is_loaded_as_it_was_saved_to_the_last_bit(tmp_path):
    odd = np.array([2**31, 0x7FC00001, 0xFFFFFFFF, 1], np.uint32).view(np.float32)  # -0.0, NaNs with a payload, 1e-45
    recipe = Recipe(hidden=(8,), seed=7, learning_rate=0.1 + 0.2, metrics=("accuracy", "mean_squared_error"))
    checkpoint = replace(
        CHECKPOINT, recipe=recipe,
        history={"loss": [5e-324, -0.0, 0.1 + 0.2, float("inf")], "ä\n": []}, best=float("inf"), stopped=True,
        variables=[odd, np.zeros((0, 3), np.float32), np.uint32(7)], best_weights=[],
    )  # fmt: skip
    assert_same(load_checkpoint(save_checkpoint(checkpoint, tmp_path)), checkpoint)


def test_the_last_two_checkpoints_are_kept(tmp_path):
    (tmp_path / "notes.txt").touch()
    for epoch in (9997, 9998, 9999, 10_000):
        save_checkpoint(replace(CHECKPOINT, epoch=epoch), tmp_path)
    save_checkpoint(replace(CHECKPOINT, epoch=10_000, wait=2), tmp_path)  # the same epoch again replaces it
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-10000.npz", "epoch-9999.npz", "notes.txt"]
    last = load_last_checkpoint(tmp_path, pytest.fail)
    assert (last.epoch, last.wait) == (10_000, 2)


@given(st.data())
def test_any_changed_byte_is_a_run_error_or_makes_no_difference(data):
    """Zip does not need all of its own fields."""
    with tempfile.TemporaryDirectory() as folder:
        path = save_checkpoint(CHECKPOINT, Path(folder))
        content = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 300) | st.integers(1, 1500).map(lambda n: -n))
        content[at] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        try:
            assert_same(load_checkpoint(path), CHECKPOINT)
        except RunError as error:
            assert "\n" not in str(error)


def test_an_array_whose_header_says_that_it_begins_earlier_is_damaged(tmp_path):
    path = save_checkpoint(CHECKPOINT, tmp_path)
    path.write_bytes(path.read_bytes().replace(b"v\0{'descr'", b"t\0{'descr'", 1))
    with pytest.raises(RunError, match="is damaged"):
        load_checkpoint(path)


def test_another_format_and_too_large_a_checkpoint_are_refused(tmp_path, monkeypatch):
    path = save_checkpoint(CHECKPOINT, tmp_path)
    monkeypatch.setattr(module, "FORMAT", FORMAT + 1)
    with pytest.raises(RunError, match=f"expected format {FORMAT + 1}, received {FORMAT}; use the tendigits that"):
        load_checkpoint(path)
    np.savez_compressed(path, bomb=np.zeros(2**21))
    monkeypatch.setattr(module, "MAX_CHECKPOINT_BYTES", 2**20)
    with pytest.raises(RunError, match="is not a complete checkpoint: expected at most 1,048,576 bytes unpacked"):
        load_checkpoint(path)
