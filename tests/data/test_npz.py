import contextlib
import io
import os
import pickle
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from helpers import peak_while_refusing
from tendigits.data import npz
from tendigits.data.dataset import ARRAYS
from tendigits.data.npz import read_npz
from tendigits.errors import DataError


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npy_header(shape, dtype="|u1"):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def with_x_train(path, data):
    """An .npz in which `data` stands for the array x_train."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_train.npy", data)
        archive.writestr("y_train.npy", npy(np.zeros(3, np.uint8)))
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.npz"


def test_reads_what_numpy_saves(path, small):
    np.savez_compressed(path, **small, more=np.array([{"never": "opened"}], dtype=object))
    read = read_npz(path)
    assert tuple(read) == ARRAYS
    for key in ARRAYS:
        np.testing.assert_array_equal(read[key], small[key])
        assert (read[key].dtype, read[key].flags.writeable) == (np.uint8, True)


@given(st.sampled_from(["u1", ">i4", "f4", "?"]).flatmap(lambda t: arrays(t, array_shapes(max_dims=4, max_side=5))))
def test_round_trip(array):
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/a.npz", x_train=array, y_train=np.asfortranarray(array))
        read = read_npz(Path(folder) / "a.npz")
    for back in read.values():
        np.testing.assert_array_equal(back, array)
        assert back.dtype == array.dtype


def test_a_missing_array_is_named_and_others_are_shown(path, small):
    small["other"] = small.pop("y_test")
    np.savez(path, **small)
    with pytest.raises(DataError, match=r"expected the array y_test in .*mine\.npz, found other, "):
        read_npz(path)


def test_no_file_a_folder_and_a_pipe_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    for path in (tmp_path / "a.npz", tmp_path, tmp_path / "pipe.npz"):
        with pytest.raises(DataError, match=r"found (none|a folder)"):
            read_npz(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_flipped_or_missing_byte_gives_the_arrays_or_a_data_error(path, save):
    tiny = {key: np.arange(6, dtype=np.uint8) for key in ARRAYS[:2]}
    save(path, **tiny)
    data = path.read_bytes()
    for at in range(0, len(data), 2):
        path.write_bytes(data[:at])
        with pytest.raises(DataError, match=r"mine\.npz"):
            read_npz(path)
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        with contextlib.suppress(DataError):
            read = read_npz(path)
            assert all(np.array_equal(read[key], tiny[key]) for key in read)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_data_error(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        path.write_bytes(data)
        with pytest.raises(DataError):
            read_npz(path)


@given(
    st.one_of(st.text("(),0123456789-TrueL' ", max_size=30), st.sampled_from(["(3,)", "(0,)", "(-3,)", "(-1, -3)"])),
    st.sampled_from(["|u1", "|O", "<U9", "|V0", "<m8", "<c16", "u1,u1", "|b1", "nonsense", "<f4"]),
)
def test_any_header_gives_an_array_or_a_data_error(shape, dtype):
    with tempfile.TemporaryDirectory() as folder:
        path = with_x_train(Path(folder) / "a.npz", npy_header(shape, dtype) + b"abc")
        with contextlib.suppress(DataError):
            assert read_npz(path)["x_train"].nbytes == 3


class Hostile:
    """Unpickling this makes a file."""

    def __reduce__(self):
        return (Path.touch, (Path("unpickled"),))


def test_pickles_are_refused_and_never_run(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="magic string"):
        read_npz(with_x_train(path, pickle.dumps(Hostile())))
    with pytest.raises(DataError, match=r"expected numbers in x_train\.npy .*received dtype object"):
        read_npz(with_x_train(path, npy(np.array([Hostile()], dtype=object))))
    assert not Path("unpickled").exists()


def test_a_bomb_that_tells_its_size_is_refused_before_it_is_read(path, monkeypatch):
    monkeypatch.setattr(npz, "MAX_BYTES", 15 << 20)
    with_x_train(path, npy_header((16 << 20,)) + bytes(16 << 20))
    peak, message = peak_while_refusing(lambda: read_npz(path))
    assert peak < 1_000_000
    assert "expected at most 15,728,640 bytes unpacked" in message


def test_a_bomb_whose_directory_lies_is_stopped_at_what_it_says(path):
    """16 MB of zeros come out of a member that says it has 1,000."""
    bomb = npy_header((1000 - len(npy_header((900,))),)) + bytes(16 << 20)
    with_x_train(path, bomb)
    data = path.read_bytes()
    true, lie = struct.pack("<L", len(bomb)), struct.pack("<L", 1000)
    assert data.count(true) == 2
    path.write_bytes(data.replace(true, lie))
    peak, message = peak_while_refusing(lambda: read_npz(path))
    assert peak < 5_000_000
    assert "CRC" in message


def test_a_header_that_promises_more_than_there_is_or_is_deeply_nested(path):
    peak, message = peak_while_refusing(lambda: read_npz(with_x_train(path, npy_header((10**12,)) + b"abc")))
    assert peak < 5_000_000
    assert "expected 1,000,000,000,000 bytes for x_train.npy" in message
    with pytest.raises(DataError, match=r"mine\.npz"):
        read_npz(with_x_train(path, npy_header("(" * 5000 + ")" * 5000)))
