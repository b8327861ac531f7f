import contextlib
import pickle
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import peak_while_refusing
from tendigits.data import formats
from tendigits.data.formats import ARRAYS, read_npz
from tendigits.errors import DataError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.npz"


def save_as_x_train(path, data):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_train.npy", data)
        archive.writestr("y_train.npy", data)


def test_a_missing_array_is_named_and_others_are_shown(path, small):
    small["other"] = small.pop("y_test")
    np.savez(path, **small)
    with pytest.raises(DataError, match=r"expected the array y_test in .*mine\.npz, found other, "):
        read_npz(path)


@given(st.integers(0, 2**16), st.binary(max_size=40), st.booleans())
def test_any_damage_gives_the_arrays_or_a_data_error(at, more, is_cut):
    tiny = {key: np.arange(6, dtype=np.uint8) for key in ARRAYS[:2]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        np.savez_compressed(path, **tiny)
        data = path.read_bytes()
        at %= len(data)
        path.write_bytes(data[:at] + more + (b"" if is_cut else data[at + len(more) :]))
        with contextlib.suppress(DataError):
            read = read_npz(path)
            assert all(np.array_equal(read[key], tiny[key]) for key in read)


class Hostile:
    """Unpickling this makes a file."""

    def __reduce__(self):
        return (Path.touch, (Path("unpickled"),))


def test_pickles_are_refused_and_never_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    objects = np.array([Hostile()], dtype=object)
    save_as_x_train(path, pickle.dumps(Hostile()))
    with pytest.raises(DataError, match="x_train is not an array"):
        read_npz(path)
    np.savez(path, x_train=objects, y_train=objects)
    with pytest.raises(DataError, match="Object arrays cannot be loaded"):
        read_npz(path)
    assert not Path("unpickled").exists()


def test_arrays_that_are_too_large_once_unpacked_are_refused_before_they_are_read(path, monkeypatch):
    monkeypatch.setattr(formats, "MAX_DATA_BYTES", 15 << 20)
    np.savez_compressed(path, x_train=np.zeros(16 << 20, np.uint8), y_train=np.zeros(3, np.uint8))
    peak, message = peak_while_refusing(lambda: read_npz(path))
    assert peak < 1_000_000
    assert "expected at most 15,728,640 bytes unpacked" in message
