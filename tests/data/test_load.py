import os
import shutil

import numpy as np
import pytest
from PIL import Image

from samples import write_idx
from tendigits.data import mnist
from tendigits.data.dataset import ARRAYS, MNIST_DIGESTS, make_dataset
from tendigits.data.load import load
from tendigits.errors import DataError

ACCEPTED = "expected an .npz with x_train, y_train, x_test and y_test, a folder with MNIST's four IDX files, or"


def same(dataset, small):
    return all(np.array_equal(getattr(dataset, key), small[key]) for key in ARRAYS)


def test_an_npz_under_any_name_also_in_the_home_folder(tmp_path, small, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "mine.npz", **small)
    shutil.copy(tmp_path / "mine.npz", tmp_path / "mine.data")
    for name in (tmp_path / "mine.npz", "~/mine.data"):
        dataset = load(name)
        assert same(dataset, small)
        assert (dataset.name, dataset.notes) == ("own data", ())
    assert dataset.source == str(tmp_path / "mine.data")


def test_mnist_is_recognised_in_any_file_to_the_pixel(tmp_path):
    shutil.copy(mnist.FILE, tmp_path / "other.npz")
    dataset = load(tmp_path / "other.npz")
    assert (dataset.name, dataset.source) == ("MNIST", str(tmp_path / "other.npz"))
    assert dataset.digests == MNIST_DIGESTS
    x_test = dataset.x_test.copy()
    x_test[-1, -1, -1] ^= 1
    assert make_dataset(dataset.x_train, dataset.y_train, x_test, dataset.y_test, source="").name == "own data"


def test_an_npz_without_a_test_set_is_checked_split_and_says_so(tmp_path, small):
    path, x, y = tmp_path / "train.npz", small["x_train"].repeat(2, axis=0), small["y_train"].repeat(2)
    np.savez(path, x_train=x, y_train=y)
    dataset = load(path)
    assert [len(getattr(dataset, key)) for key in ARRAYS] == [64, 64, 16, 16]
    assert dataset.notes == ("no test set, so split at random (seed 0): 64 images to train on, 16 to test on",)
    assert load(path).digests == dataset.digests
    np.savez(path, x_train=x, y_train=y.astype(float))
    with pytest.raises(DataError, match="y_train to hold whole numbers"):
        load(path)


def test_a_folder_of_idx_files_or_of_pictures(tmp_path, small):
    write_idx(tmp_path, small, ending=".gz")
    dataset = load(tmp_path)
    assert same(dataset, small)
    assert dataset.source == f"{tmp_path} (IDX files)"
    for i, (pixels, label) in enumerate(zip(small["x_train"], small["y_train"], strict=True)):
        folder = tmp_path / "pictures" / str(label % 4)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    assert sum(load(tmp_path / "pictures").counts["test"]) == 8


def test_other_things_are_refused(tmp_path):
    (tmp_path / "digits.csv").write_text("1,2,3\n")
    os.mkfifo(tmp_path / "pipe")  # reading it would wait
    for name in ("none.npz", "x" * 5000, "pipe"):
        with pytest.raises(DataError, match=rf"{ACCEPTED}.*{name}"):
            load(tmp_path / name)
    with pytest.raises(DataError, match=r"expected a whole .npz at .*digits\.csv"):
        load(tmp_path / "digits.csv")


def test_names_that_a_run_cannot_record_are_refused_and_others_are_shown_in_one_line(small, tmp_path):
    path = tmp_path / "a\n\x1b[31mb.npz"
    np.savez(path, **small)
    assert load(path).source == f"{tmp_path}/a\\n\\x1b[31mb.npz"
    with pytest.raises(DataError, match=r"expected a path in UTF-8, .*/a\\xff\.npz; rename it"):
        load(tmp_path / os.fsdecode(b"a\xff.npz"))
