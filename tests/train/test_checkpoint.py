import dataclasses
import io
import json
import tempfile
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tendigits.errors import DiskError, RunError
from tendigits.model.recipe import Recipe
from tendigits.train import checkpoint as module
from tendigits.train.checkpoint import Checkpoint, load_checkpoint, load_last_checkpoint, save_checkpoint

RECIPE = Recipe(hidden=(8,), seed=7)


def made(epoch: int = 3, /, **changes) -> Checkpoint:
    """A checkpoint as the classic network's, but small; its values tell the epoch."""
    rng = np.random.default_rng(epoch)
    weights = [rng.random((784, 8), dtype=np.float32), rng.random(8, dtype=np.float32)]
    whole = Checkpoint(
        recipe=RECIPE,
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
    return dataclasses.replace(whole, **changes)


def assert_same(one: Checkpoint, other: Checkpoint) -> None:
    for field in dataclasses.fields(Checkpoint):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name not in ("variables", "optimizer", "best_weights"):
            assert mine == theirs, field.name
            assert repr(mine) == repr(theirs), field.name  # also -0.0, NaN and the last bit
            continue
        assert len(mine) == len(theirs), field.name
        for a, b in zip(mine, theirs, strict=True):
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), field.name


def last(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The last checkpoint, and what was said on the way to it."""
    said: list[str] = []
    return load_last_checkpoint(folder, said.append), said


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(path: Path) -> str:
    with pytest.raises(RunError) as caught:
        load_checkpoint(path)
    text = str(caught.value)
    assert text.startswith(f"{path} is not a complete checkpoint: ")
    assert "\n" not in text
    assert len(text) < 400 + len(str(path))
    return text


# --- round trips


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    path = save_checkpoint(made(), tmp_path)
    assert path == tmp_path / "epoch-0003.npz"
    assert names(tmp_path) == ["epoch-0003.npz"]
    assert_same(load_checkpoint(path), made())
    checkpoint, said = last(tmp_path)
    assert_same(checkpoint, made())
    assert said == []


weights = st.lists(
    st.sampled_from([np.float32, np.uint32]).flatmap(
        lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6))
    ),
    max_size=4,
)
numbers = st.floats(allow_nan=False)  # all others: denormal, infinite, -0.0
tiny = st.sampled_from([5e-324, 2.2250738585072009e-308, -5e-324, -0.0, 0.1 + 0.2, float("inf")])


@settings(max_examples=100, deadline=None)
@given(
    history=st.dictionaries(st.text(max_size=12), st.lists(numbers | tiny, max_size=5), max_size=4),
    best=numbers | tiny,
    epoch=st.integers(1, 10_000),
    wait=st.integers(0, 10_000),
    stopped=st.booleans(),
    variables=weights,
    optimizer=weights,
    best_weights=weights,
)
def test_any_checkpoint_comes_back_as_it_was(**fields):
    checkpoint = made(**fields)
    with tempfile.TemporaryDirectory() as folder:
        assert_same(load_checkpoint(save_checkpoint(checkpoint, Path(folder))), checkpoint)


@settings(max_examples=50, deadline=None)
@given(st.lists(arrays(np.uint32, 3), min_size=1, max_size=3))
def test_bits_of_any_float_come_back(patterns):
    floats = [pattern.view(np.float32) for pattern in patterns]  # also NaN with a payload
    with tempfile.TemporaryDirectory() as folder:
        path = save_checkpoint(made(variables=floats), Path(folder))
        assert [a.tobytes() for a in load_checkpoint(path).variables] == [a.tobytes() for a in floats]


def test_the_order_of_many_arrays_is_kept(tmp_path):
    many = [np.array([i], np.uint32) for i in range(300)]
    loaded = load_checkpoint(save_checkpoint(made(variables=many), tmp_path))
    assert [int(a[0]) for a in loaded.variables] == list(range(300))


def test_a_recipe_of_other_knobs_comes_back(tmp_path):
    recipe = Recipe(hidden=(), optimizer="sgd", learning_rate=0.1 + 0.2, metrics=("accuracy", "mean_squared_error"))
    assert load_checkpoint(save_checkpoint(made(recipe=recipe), tmp_path)).recipe == recipe


# --- what is kept


def test_the_last_two_are_kept(tmp_path):
    (tmp_path / "notes.txt").touch()
    for epoch in range(1, 6):
        save_checkpoint(made(epoch), tmp_path)
    assert names(tmp_path) == ["epoch-0004.npz", "epoch-0005.npz", "notes.txt"]
    assert_same(last(tmp_path)[0], made(5))


def test_an_epoch_of_five_digits_is_the_last(tmp_path):
    for epoch in (9998, 9999, 10_000):
        save_checkpoint(made(1, epoch=epoch), tmp_path)
    assert names(tmp_path) == ["epoch-10000.npz", "epoch-9999.npz"]
    assert last(tmp_path)[0].epoch == 10_000


def test_the_same_epoch_again_replaces_it(tmp_path):
    for wait in (1, 2):
        save_checkpoint(made(3, wait=wait), tmp_path)
    assert names(tmp_path) == ["epoch-0003.npz"]
    assert last(tmp_path)[0].wait == 2


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_no_checkpoint_is_none(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    assert last(tmp_path / folder) == (None, [])


def test_a_checkpoint_that_cannot_be_written_leaves_the_ones_before(tmp_path, monkeypatch):
    for epoch in (1, 2):
        save_checkpoint(made(epoch), tmp_path)
    monkeypatch.setattr(np, "savez", lambda file, **_: file.write(b"half") and file.no_such_method)
    with pytest.raises(AttributeError):
        save_checkpoint(made(3), tmp_path)
    assert names(tmp_path) == ["epoch-0001.npz", "epoch-0002.npz"]

    def full(file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(DiskError, match=r"cannot write .*epoch-0003\.npz: .*No space left on device"):
        save_checkpoint(made(3), tmp_path)
    assert names(tmp_path) == ["epoch-0001.npz", "epoch-0002.npz"]
    assert last(tmp_path)[0].epoch == 2


def test_a_checkpoint_that_does_not_read_back_is_not_kept(tmp_path, monkeypatch):
    save_checkpoint(made(1), tmp_path)
    savez = np.savez

    def wrong(file, **kept):
        kept["variables/000"] = kept["variables/000"] + 1
        savez(file, **kept)

    monkeypatch.setattr(np, "savez", wrong)
    with pytest.raises(RunError, match="does not have the digest"):
        save_checkpoint(made(2), tmp_path)
    assert names(tmp_path) == ["epoch-0001.npz"]


# --- damage


@pytest.fixture
def two(tmp_path):
    """A folder with the checkpoints of epochs 1 and 2."""
    for epoch in (1, 2):
        save_checkpoint(made(epoch), tmp_path)
    return tmp_path


def assert_falls_back(folder: Path) -> None:
    newest = folder / "epoch-0002.npz"
    checkpoint, said = last(folder)
    assert_same(checkpoint, made(1))
    assert len(said) == 1
    assert said[0].startswith(f"{newest} is not a complete checkpoint: ")
    assert said[0].endswith("; falling back to the one before")
    assert "\n" not in said[0]


@pytest.mark.parametrize("left", [0, 1, 22, 1000, 0.5, 0.9, -100, -22, -1])
def test_a_truncated_newest_falls_back_and_says_so(two, left):
    data = (two / "epoch-0002.npz").read_bytes()
    (two / "epoch-0002.npz").write_bytes(data[: int(len(data) * left) if isinstance(left, float) else left])
    assert_falls_back(two)


def test_a_newest_that_cannot_be_read_falls_back(two):
    (two / "epoch-0002.npz").unlink()
    (two / "epoch-0002.npz").mkdir()
    assert_falls_back(two)


def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path):
    path = save_checkpoint(made(), tmp_path)
    data, rng, outcomes = path.read_bytes(), np.random.default_rng(5), set()
    directory = data.index(b"PK\1\2")
    places = [*map(int, rng.integers(len(data), size=700)), *range(directory, len(data))]
    for at in places:
        spoiled, bit = bytearray(data), int(rng.integers(8))
        spoiled[at] ^= 1 << bit
        path.write_bytes(spoiled)
        try:
            assert_same(load_checkpoint(path), made())
            outcomes.add("the same")
        except RunError as error:
            assert str(path) in str(error), (at, bit)
            assert "\n" not in str(error), (at, bit)
            outcomes.add("refused")
    assert outcomes == {"the same", "refused"}  # a date in the zip is nobody's concern


def test_a_flipped_weight_is_refused_also_where_the_zip_is_whole(tmp_path):
    path = save_checkpoint(made(), tmp_path)
    kept = read(path)
    kept["optimizer/002"][5, 5] += 1e-6
    np.savez(path, **kept)
    assert "its content does not have the digest that was saved with it" in refused(path)


@pytest.mark.parametrize("change", ["renamed", "reshaped", "retyped", "missing", "more", "swapped"])
def test_other_arrays_are_refused(tmp_path, change):
    path = save_checkpoint(made(), tmp_path)
    kept = read(path)
    array = kept.pop("variables/001")
    match change:
        case "renamed":
            kept["variables/009"] = array
        case "reshaped":
            kept["variables/001"] = array.reshape(2, 4)
        case "retyped":
            kept["variables/001"] = array.view(np.uint32)
        case "more":
            kept |= {"variables/001": array, "variables/009": array}
        case "swapped":
            kept["variables/001"], kept["optimizer/003"] = kept["optimizer/003"] + 1, array
    np.savez(path, **kept)
    assert "its content does not have the digest that was saved with it" in refused(path)


def test_where_both_are_damaged_there_is_none_and_both_are_told(two):
    for path in two.iterdir():
        path.write_bytes(path.read_bytes()[:500])
    checkpoint, said = last(two)
    assert checkpoint is None
    assert [text.split(" is not ")[0] for text in said] == [str(two / f"epoch-000{i}.npz") for i in (2, 1)]


# --- other content


def read(path):
    with np.load(path) as file:
        return {name: np.array(file[name]) for name in file.files}


def rewritten(path, change):
    """The same checkpoint with other metadata, and a digest that is right."""
    kept = read(path)
    del kept["sha256"]
    meta = json.loads(kept["meta"].tobytes())
    meta = change(meta) or meta
    kept["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    kept["sha256"] = np.frombuffer(module._digest(kept), np.uint8)
    np.savez(path, **kept)


def test_metadata_may_be_rewritten_at_all(tmp_path):
    path = save_checkpoint(made(), tmp_path)
    rewritten(path, lambda meta: None)
    assert_same(load_checkpoint(path), made())


@pytest.mark.parametrize("number", [3, 1, "2.1", None])
def test_another_format_is_refused_and_named(tmp_path, number):
    path = save_checkpoint(made(), tmp_path)
    rewritten(path, lambda meta: meta.update(format=number))
    assert refused(path).endswith(f": expected format 2, received {number}; use the tendigits that wrote it")


def test_a_newer_format_falls_back_to_the_one_before(two):
    rewritten(two / "epoch-0002.npz", lambda meta: meta.update(format=3))
    assert_falls_back(two)


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: meta["recipe"].update(colour="red"),
        lambda meta: meta["recipe"].update(epochs=-1),
        lambda meta: meta.update(recipe=None),
        lambda meta: meta.update(more=1),
        lambda meta: meta.pop("history") and None,
        lambda meta: meta.pop("format") and None,
        lambda meta: [meta],
        lambda meta: "text",
        lambda meta: 7,
    ],
    ids=["unknown knob", "impossible knob", "no recipe", "more", "no history", "no format", "list", "text", "number"],
)
def test_metadata_of_another_kind_is_refused(two, change):
    rewritten(two / "epoch-0002.npz", change)
    refused(two / "epoch-0002.npz")
    assert_falls_back(two)


@pytest.mark.parametrize("meta", [b"", b"{", b"\xff", b"[" * 100_000], ids=["empty", "cut", "no UTF-8", "deep"])
def test_metadata_that_is_no_json_is_refused(tmp_path, meta):
    path = save_checkpoint(made(), tmp_path)
    kept = read(path) | {"meta": np.frombuffer(meta, np.uint8)}
    del kept["sha256"]
    np.savez(path, **kept, sha256=np.frombuffer(module._digest(kept), np.uint8))
    refused(path)


class Payload:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("key", ["variables/000", "meta", "sha256", "more"])
def test_pickled_content_is_refused_and_not_opened(tmp_path, key):
    marker = tmp_path / "pwned"
    path = save_checkpoint(made(), tmp_path)
    np.savez(path, **(read(path) | {key: np.array([Payload(marker)], dtype=object)}))
    with np.load(path, allow_pickle=True) as file:
        _ = file[key]
    marker.unlink()  # so opening it runs it
    assert "allow_pickle=False" in refused(path)
    assert not marker.exists()


@pytest.mark.parametrize("content", ["an array", "a pickle", "text", "nothing", "an empty zip"])
def test_a_file_that_is_no_npz_is_refused(tmp_path, content):
    path = tmp_path / "epoch-0001.npz"
    with path.open("wb") as file:
        match content:
            case "an array":
                np.save(file, np.arange(3))
            case "a pickle":
                file.write(b"\x80\x04N.")
            case "text":
                file.write(b"not a checkpoint\n" * 100)
            case "an empty zip":
                zipfile.ZipFile(file, "w").close()
    refused(path)


def test_a_missing_file_is_refused(tmp_path):
    assert "No such file" in refused(tmp_path / "epoch-0001.npz")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400) | st.binary(max_size=100).map(lambda data: b"PK\3\4" + data))
def test_any_bytes_are_a_run_error(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "epoch-0001.npz"
        path.write_bytes(data)
        refused(path)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_bytes_in_a_whole_zip_are_a_run_error(data):
    """Behind the zip's checksums: NumPy's headers, JSON and the digest meet any bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = save_checkpoint(made(1), Path(folder))
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
            try:
                assert_same(load_checkpoint(path), made(1))  # such as another space in a header
            except RunError as error:
                assert str(path) in str(error)
                assert "\n" not in str(error)


# --- bombs


def peak_of_refusing(path: Path) -> tuple[str, int]:
    tracemalloc.start()
    said = refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return said, peak


def test_a_compressed_bomb_takes_no_memory(tmp_path):
    path = save_checkpoint(made(), tmp_path)
    np.savez_compressed(path, **read(path), bomb=np.zeros(2**25))
    assert path.stat().st_size < 2**20
    said, peak = peak_of_refusing(path)
    assert "expected members that are not compressed" in said
    assert peak < 5 * 2**20


def test_a_header_that_promises_400_terabytes_is_refused(tmp_path):
    path = save_checkpoint(made(), tmp_path)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**7, 10**7)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("variables/009.npy", header.getvalue())
    refused(path)


def test_a_file_over_the_cap_is_refused_unread(tmp_path):
    path = tmp_path / "epoch-0001.npz"
    with path.open("wb") as file:
        file.truncate(module.MAX_BYTES + 1)  # takes no space
    said, peak = peak_of_refusing(path)
    assert said.endswith(": expected at most 1024 MB, received 1024 MB")
    assert peak < 2**20
