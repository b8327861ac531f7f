import gzip
import os
import shutil
import struct

import numpy as np
import pytest
from PIL import Image

from tendigits.data import mnist
from tendigits.data.dataset import ARRAYS, MNIST_DIGESTS
from tendigits.data.load import load
from tendigits.errors import DataError

ACCEPTED = (
    "expected an .npz with x_train, y_train, x_test and y_test, a folder with MNIST's four IDX files, or a folder"
)


def same(dataset, small):
    return all(np.array_equal(getattr(dataset, key), small[key]) for key in ARRAYS)


def write_idx(folder, small):
    folder.mkdir()
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    for key, name in zip(ARRAYS, names, strict=True):
        array = small[key]
        header = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
        (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))


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


def test_mnist_is_recognised_in_any_file(tmp_path):
    copy = tmp_path / "other.npz"
    shutil.copy(mnist.FILE, copy)
    dataset = load(copy)
    assert (dataset.name, dataset.source) == ("MNIST", str(copy))


def test_an_npz_without_a_test_set_is_split_and_says_so(tmp_path, small):
    path = tmp_path / "train.npz"
    np.savez(path, x_train=np.concatenate([small["x_train"]] * 2), y_train=np.tile(small["y_train"], 2))
    dataset = load(path)
    assert [len(getattr(dataset, key)) for key in ARRAYS] == [64, 64, 16, 16]
    assert dataset.notes == ("no x_test in the file", "split at random (seed 0): 64 images to train on, 16 to test on")
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


def test_other_things_are_refused(tmp_path):
    (tmp_path / "digits.csv").write_text("1,2,3\n")
    os.mkfifo(tmp_path / "pipe")  # reading it would wait
    for name in ("none.npz", "none", "x" * 5000, "digits.csv", "pipe"):
        with pytest.raises(DataError, match=rf"{ACCEPTED}.*{name}"):
            load(tmp_path / name)


def test_without_a_path_it_is_mnist():
    dataset = load()
    assert (dataset.name, dataset.source, dataset.notes) == ("MNIST", "the tendigits package", ())
    assert dataset.digests == MNIST_DIGESTS
