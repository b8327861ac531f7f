import gzip
import os
import pickle
import zipfile

import numpy as np
import pytest

from make_mnist import MEMBER, load_arrays, read_wheel, verify

PARTS = [(3, 0), (2, 3), (2, 5)]
"""Digits in each part of the wheel, and the first one's label."""


def write_wheel(path, data):
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(MEMBER, gzip.compress(data))
    return path


def test_the_parts_become_whole_pixels_in_their_order(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 784), np.uint8)
    parts = tuple(
        ((pixels[start : start + n] / 256).astype(np.float32), np.arange(start, start + n)) for n, start in PARTS
    )
    arrays = read_wheel(write_wheel(tmp_path / "a.whl", pickle.dumps(parts, protocol=3)))
    np.testing.assert_array_equal(np.concatenate([arrays["x_train"], arrays["x_test"]]).reshape(7, 784), pixels)
    assert arrays["y_train"].tolist() == [0, 1, 2, 3, 4]
    assert arrays["y_test"].tolist() == [5, 6]
    with pytest.raises(ValueError, match="expected x_train with the SHA-256"):
        verify(arrays)


def test_pixels_between_256ths_are_refused(tmp_path):
    part = (np.full((1, 784), 0.3, np.float32), np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="whole 256ths"):
        read_wheel(write_wheel(tmp_path / "a.whl", pickle.dumps((part, part, part), protocol=3)))


class Hostile:
    """Unpickling this makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path):
    folder = tmp_path / "made"
    for data in (Hostile(folder), [np.zeros(3), Hostile(folder)], np.array([Hostile(folder)], dtype=object)):
        with pytest.raises(pickle.UnpicklingError, match="expected NumPy arrays alone, received"):
            load_arrays(pickle.dumps(data, protocol=3))
    assert not folder.exists()
