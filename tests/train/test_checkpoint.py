import dataclasses
import io
import json
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tendigits.errors import RunError
from tendigits.model.recipe import Recipe
from tendigits.train import checkpoint as module
from tendigits.train.checkpoint import FORMAT, Checkpoint, load_checkpoint, load_last_checkpoint, save_checkpoint


def checkpoint_of(epoch: int = 3, /, **changes) -> Checkpoint:
    """A small checkpoint whose values depend on the epoch."""
    rng = np.random.default_rng(epoch)
    weights = [rng.random((784, 8), dtype=np.float32), rng.random(8, dtype=np.float32)]
    checkpoint = Checkpoint(
        recipe=Recipe(hidden=(8,), seed=7, learning_rate=0.1 + 0.2, metrics=("accuracy", "mean_squared_error")),
        epoch=epoch,
        history={"loss": [1 / (i + 1) for i in range(epoch)], "val_loss": [0.1] * epoch},
        stopped=False,
        wait=1,
        best=0.1,
        best_epoch=0,
        variables=[*weights, np.array([epoch, 4294967295], np.uint32)],
        optimizer=[np.array(epoch * 10, np.int32), np.array(0.001, np.float32), *weights],
        best_weights=weights,
    )
    return dataclasses.replace(checkpoint, **changes)


def assert_same(one: Checkpoint, other: Checkpoint) -> None:
    for field in dataclasses.fields(Checkpoint):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name in ("variables", "optimizer", "best_weights"):
            mine, theirs = ([(a.dtype, a.shape, a.tobytes()) for a in group] for group in (mine, theirs))
        assert repr(mine) == repr(theirs), field.name  # also -0.0, NaN and the last bit


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(path: Path) -> str:
    """The error's message, which is one short line."""
    with pytest.raises(RunError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path} is not a complete checkpoint: ")
    assert "\n" not in message
    assert len(message) < 400 + len(str(path))
    return message


def same_or_refused(path: Path, expected: Checkpoint) -> str:
    try:
        assert_same(load_checkpoint(path), expected)
    except RunError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
        return "refused"
    return "same"


def read(path: Path) -> dict:
    with np.load(path) as file:
        return {name: np.array(file[name]) for name in file.files}


def rewrite(path: Path, meta: bytes) -> None:
    """Replace the metadata, with a matching digest."""
    content = read(path) | {"meta": np.frombuffer(meta, np.uint8)}
    del content["sha256"]
    np.savez(path, **content, sha256=np.frombuffer(module._digest(content), np.uint8))


@pytest.fixture
def path(tmp_path):
    """A saved checkpoint."""
    return save_checkpoint(checkpoint_of(), tmp_path)


@pytest.fixture
def two(tmp_path):
    """A folder with the checkpoints of epochs 1 and 2."""
    for epoch in (1, 2):
        save_checkpoint(checkpoint_of(epoch), tmp_path)
    return tmp_path


def assert_falls_back(folder: Path) -> None:
    warned: list[str] = []
    assert_same(load_last_checkpoint(folder, warned.append), checkpoint_of(1))
    (warning,) = warned
    assert warning.startswith(f"{folder / 'epoch-0002.npz'} is not a complete checkpoint: ")
    assert warning.endswith("; falling back to the one before")
    assert "\n" not in warning


def test_a_checkpoint_is_loaded_as_it_was_saved(path, tmp_path):
    assert names(tmp_path) == ["epoch-0003.npz"]
    assert_same(load_checkpoint(path), checkpoint_of())
    many = [np.array([i], np.uint32) for i in range(300)]
    loaded = load_checkpoint(save_checkpoint(checkpoint_of(variables=many), tmp_path))
    assert [int(a[0]) for a in loaded.variables] == list(range(300))


weights = st.lists(
    st.sampled_from([np.uint32, np.float32]).flatmap(  # floats from any bits, also NaN with a payload
        lambda dtype: arrays(np.uint32, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)).map(
            lambda array: array.view(dtype)
        )
    ),
    max_size=4,
)
numbers = st.floats(allow_nan=False) | st.sampled_from([5e-324, -0.0, 0.1 + 0.2, float("inf")])


@given(
    history=st.dictionaries(st.text(max_size=12), st.lists(numbers, max_size=5), max_size=4),
    best=numbers,
    epoch=st.integers(1, 10_000),
    wait=st.integers(0, 10_000),
    stopped=st.booleans(),
    variables=weights,
    optimizer=weights,
    best_weights=weights,
)
def test_any_checkpoint_is_loaded_as_it_was_saved(**fields):
    checkpoint = checkpoint_of(**fields)
    with tempfile.TemporaryDirectory() as folder:
        assert_same(load_checkpoint(save_checkpoint(checkpoint, Path(folder))), checkpoint)


def test_the_last_two_checkpoints_are_kept(tmp_path):
    (tmp_path / "notes.txt").touch()
    for epoch in (9997, 9998, 9999, 10_000):
        save_checkpoint(checkpoint_of(1, epoch=epoch), tmp_path)
    save_checkpoint(checkpoint_of(1, epoch=10_000, wait=2), tmp_path)  # the same epoch again replaces it
    assert names(tmp_path) == ["epoch-10000.npz", "epoch-9999.npz", "notes.txt"]
    last = load_last_checkpoint(tmp_path, pytest.fail)
    assert (last.epoch, last.wait) == (10_000, 2)


def test_a_checkpoint_that_does_not_read_back_is_not_kept(two, monkeypatch):
    savez = np.savez
    monkeypatch.setattr(
        np, "savez", lambda file, **content: savez(file, **content | {"variables/000": content["variables/000"] + 1})
    )
    with pytest.raises(RunError, match="does not match the digest"):
        save_checkpoint(checkpoint_of(3), two)
    assert names(two) == ["epoch-0001.npz", "epoch-0002.npz"]


@pytest.mark.parametrize("length", [0, 22, 10_000, -1])
def test_a_truncated_checkpoint_falls_back_to_the_one_before(two, length):
    data = (two / "epoch-0002.npz").read_bytes()
    (two / "epoch-0002.npz").write_bytes(data[:length])
    assert_falls_back(two)


def test_two_damaged_checkpoints_give_two_warnings_and_none(two):
    for path in two.iterdir():
        path.write_bytes(path.read_bytes()[:500])
    warned = []
    assert load_last_checkpoint(two, warned.append) is None
    assert load_last_checkpoint(two / "missing", pytest.fail) is None
    assert [text.split(" is not ")[0] for text in warned] == [str(two / f"epoch-000{i}.npz") for i in (2, 1)]


def test_the_digest_covers_names_shapes_types_and_values(path):
    whole = read(path)
    array = whole.pop("variables/001")
    one_off = array.copy()
    one_off[5] += 1e-6
    for changed in (
        {"variables/001": one_off},
        {"variables/009": array},
        {"variables/001": array.reshape(2, 4)},
        {"variables/001": array.view(np.uint32)},
        {"variables/001": array, "variables/009": array},
        {},
    ):
        np.savez(path, **whole, **changed)
        assert "its content does not match the digest that was saved with it" in refused(path)


def test_another_format_is_refused_and_falls_back(two):
    path = two / "epoch-0002.npz"
    meta = json.loads(read(path)["meta"].tobytes())
    rewrite(path, json.dumps(meta).encode())
    assert_same(load_checkpoint(path), checkpoint_of(2))
    rewrite(path, json.dumps(meta | {"format": FORMAT + 1}).encode())
    expected = f": expected format {FORMAT}, received {FORMAT + 1}; use the tendigits that wrote it"
    assert refused(path).endswith(expected)
    assert_falls_back(two)


def test_invalid_metadata_is_refused(path):
    meta = json.loads(read(path)["meta"].tobytes())
    changed = [meta | change for change in ({"recipe": {"epochs": -1}}, {"recipe": None}, {"more": 1})]
    for content in (b"", b"\xff", b"[" * 100_000, b"7", *(json.dumps(each).encode() for each in changed)):
        rewrite(path, content)
        refused(path)


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("key", ["variables/000", "meta", "more"])
def test_pickled_content_is_refused_without_unpickling_it(path, tmp_path, key):
    marker = tmp_path / "executed"
    np.savez(path, **(read(path) | {key: np.array([Payload(marker)], dtype=object)}))
    with np.load(path, allow_pickle=True) as file:
        _ = file[key]
    marker.unlink()  # so it would be executed
    assert "allow_pickle=False" in refused(path)
    assert not marker.exists()


@given(st.data())
def test_any_bytes_in_a_valid_zip_are_a_run_error(data):
    """With valid checksums in the zip, the bytes reach NumPy's headers, JSON and the digest."""
    with tempfile.TemporaryDirectory() as folder:
        path = save_checkpoint(checkpoint_of(1), Path(folder))
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        name = data.draw(st.sampled_from(sorted(members)))
        whole = members[name]
        at = data.draw(st.integers(0, min(len(whole), 140)))
        members[name] = whole[:at] + data.draw(st.binary(min_size=1, max_size=8)) + whole[at + 1 :]
        with zipfile.ZipFile(path, "w") as archive:
            for key, content in members.items():
                archive.writestr(key, content)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            same_or_refused(path, checkpoint_of(1))


def test_members_over_the_size_limit_are_refused(path, monkeypatch):
    np.savez_compressed(path, **read(path), bomb=np.zeros(2**21))
    monkeypatch.setattr(module, "MAX_BYTES", 2**20)
    assert refused(path).endswith(": expected at most 1,048,576 bytes unpacked")


def test_a_header_that_claims_400_terabytes_is_refused(path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**7, 10**7)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("variables/009.npy", header.getvalue())
    refused(path)


def test_a_file_over_the_size_limit_is_refused_unread(tmp_path):
    path = tmp_path / "epoch-0001.npz"
    with path.open("wb") as file:
        file.truncate(module.MAX_BYTES + 1)  # sparse
    assert refused(path).endswith(": expected at most 1,073,741,824 bytes, received 1,073,741,825")
