import contextlib
import io
import os
import struct
import tempfile
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tendigits.data import npz
from tendigits.data.npz import read_npz
from tendigits.errors import DataError

KEYS = ("x_train", "y_train", "x_test", "y_test")


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def write_zip(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def four(small):
    return {f"{key}.npy": npy(small[key]) for key in KEYS}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_numpy_saves(path, small, save):
    save(path, **small, more=np.array([{"never": "opened"}], dtype=object))
    read = read_npz(path)
    assert list(read) == list(KEYS)
    for key in KEYS:
        np.testing.assert_array_equal(read[key], small[key])
        assert read[key].dtype == np.uint8
        assert read[key].flags.c_contiguous
        assert read[key].flags.writeable


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["u1", "<i8", ">i4", "f4", "?"]).flatmap(lambda t: arrays(t, array_shapes(max_dims=4, max_side=5)))
)
def test_round_trip(array):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        np.savez(path, x_train=array, y_train=np.asfortranarray(array))
        read = read_npz(path)
    for back in read.values():
        np.testing.assert_array_equal(back, array)
        assert back.dtype == array.dtype


def test_a_test_set_may_be_missing(path, small):
    np.savez(path, x_train=small["x_train"], y_train=small["y_train"])
    assert list(read_npz(path)) == ["x_train", "y_train"]


@pytest.mark.parametrize("missing", KEYS)
def test_a_missing_array_is_named(path, small, missing):
    del small[missing]
    np.savez(path, **small)
    with pytest.raises(DataError, match=f"expected the array {missing} in .*mine.npz"):
        read_npz(path)


def test_other_names_are_shown(path, small):
    np.savez(path, small["x_train"], small["y_train"])
    with pytest.raises(DataError, match=r"x_train.*found arr_0, arr_1"):
        read_npz(path)


def test_no_file_and_a_folder_are_refused(path, tmp_path):
    with pytest.raises(DataError, match="found none"):
        read_npz(path)
    with pytest.raises(DataError, match="found a folder"):
        read_npz(tmp_path)


def test_a_pipe_is_refused_without_waiting(path):
    os.mkfifo(path)
    with pytest.raises(DataError):
        read_npz(path)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_truncated(path, small, share):
    np.savez(path, **small)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(DataError, match=r"expected a whole \.npz .*mine.npz"):
        read_npz(path)


def test_one_flipped_bit_in_the_pixels(path, small):
    np.savez(path, **small)
    data = bytearray(path.read_bytes())
    data[data.index(small["x_train"].tobytes()) + 1000] ^= 4
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"mine\.npz.*BadZipFile.*CRC"):
        read_npz(path)


def test_every_flipped_byte_gives_the_arrays_or_a_data_error(path):
    tiny = {key: np.arange(6, dtype=np.uint8) for key in KEYS}
    np.savez_compressed(path, **tiny)
    data = path.read_bytes()
    refused = 0
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            read = read_npz(path)
        except DataError:
            refused += 1
        else:
            assert all(np.array_equal(read[key], tiny[key]) for key in read)
    assert refused > len(data) / 2


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_a_data_error(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        path.write_bytes(data)
        with pytest.raises(DataError):
            read_npz(path)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_as_an_array_give_an_array_or_a_data_error(data, with_magic):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        member = b"\x93NUMPY\x01\x00" + data if with_magic else data
        write_zip(path, {"x_train.npy": member, "y_train.npy": npy(np.zeros(3, np.uint8))})
        with pytest.raises(DataError):
            read_npz(path)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.text("(),0123456789-TrueL' ", max_size=30), st.sampled_from(["(3,)", "(0,)", "(-3,)", "(-1, -3)"])),
    st.sampled_from(["|u1", "|O", "<U9", "|V0", "<m8", "<c16", "u1,u1", "|b1", "nonsense", "<f4"]),
)
def test_any_shape_in_the_header_gives_an_array_or_a_data_error(shape, dtype):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"abc"
    with tempfile.TemporaryDirectory() as folder:
        path = write_zip(Path(folder) / "a.npz", {"x_train.npy": member, "y_train.npy": npy(np.zeros(3, np.uint8))})
        with contextlib.suppress(DataError):
            assert read_npz(path)["x_train"].nbytes == 3


def test_pickled(path, small):
    members = four(small)
    members["y_train.npy"] = npy(small["y_train"].astype(object))
    write_zip(path, members)
    with pytest.raises(DataError, match=r"expected numbers in y_train\.npy .*received dtype object"):
        read_npz(path)


class Bomb:
    """Unpickling this writes a file."""

    def __reduce__(self):
        return (Path.touch, (Path("unpickled"),))


def test_a_pickle_in_place_of_an_array_is_never_run(path, small, tmp_path, monkeypatch):
    import pickle

    monkeypatch.chdir(tmp_path)
    write_zip(path, {**four(small), "x_train.npy": pickle.dumps(Bomb())})
    with pytest.raises(DataError):
        read_npz(path)
    write_zip(path, {**four(small), "x_train.npy": npy(np.array([Bomb()], dtype=object))})
    with pytest.raises(DataError):
        read_npz(path)
    assert not Path("unpickled").exists()


def peak_while_refusing(path):
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read_npz(path)
        return tracemalloc.get_traced_memory()[1], str(caught.value)
    finally:
        tracemalloc.stop()


def header(n):
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({n},), }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def test_a_bomb_that_says_its_size_is_refused_before_it_is_read(path, small):
    members = four(small)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("x_train.npy", "w", force_zip64=True) as member:
            member.write(header(npz.MAX_BYTES))
            zeros = bytes(1 << 24)
            for _ in range(npz.MAX_BYTES // len(zeros)):
                member.write(zeros)
        for key in KEYS[1:]:
            archive.writestr(f"{key}.npy", members[f"{key}.npy"])
    assert path.stat().st_size < 8_000_000
    peak, message = peak_while_refusing(path)
    assert peak < 10_000_000
    assert "at most 1,073,741,824 bytes" in message


def test_a_bomb_whose_directory_lies_is_stopped_at_what_it_says(path, small):
    """64 MB of zeros come out of a member that says it has 1,000."""
    bomb = header(1000 - len(header(1000))) + bytes(64 << 20)
    write_zip(path, {"x_train.npy": bomb, "y_train.npy": npy(small["y_train"])})
    data = path.read_bytes()
    true, lie = struct.pack("<L", len(bomb)), struct.pack("<L", 1000)
    assert data.count(true) == 2
    path.write_bytes(data.replace(true, lie))
    peak, message = peak_while_refusing(path)
    assert peak < 10_000_000
    assert "CRC" in message


def test_a_header_that_promises_more_than_there_is(path, small):
    members = {**four(small), "x_train.npy": header(10**12) + b"abc"}
    peak, message = peak_while_refusing(write_zip(path, members))
    assert peak < 10_000_000
    assert "expected 1,000,000,000,000 bytes for x_train.npy" in message


def test_thousands_of_members_are_refused_before_they_are_listed(path):
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(4_000):
            archive.writestr(str(i), b"")
    peak, message = peak_while_refusing(path)
    assert peak < 1_000_000
    assert "far too many members" in message


def test_a_zip64_directory_that_would_hide_its_size_is_refused(path, small):
    np.savez(path, **small)
    data = path.read_bytes()
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    path.write_bytes(data[:-22] + locator + data[-22:])
    with pytest.raises(DataError, match="far too many members"):
        read_npz(path)


def test_other_compressions_are_refused(path, small):
    write_zip(path, four(small), zipfile.ZIP_LZMA)
    with pytest.raises(DataError, match="stored or deflated"):
        read_npz(path)


def test_a_deeply_nested_header_is_refused(path, small):
    text = b"{'descr': '|u1', 'fortran_order': False, 'shape': " + b"(" * 5000 + b")" * 5000
    member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
    write_zip(path, {**four(small), "x_train.npy": member})
    with pytest.raises(DataError, match=r"mine\.npz"):
        read_npz(path)


def test_damaged_deflate_is_refused(path, small):
    write_zip(path, four(small))
    data = bytearray(path.read_bytes())
    start = data.index(b"x_train.npy") + len(b"x_train.npy")
    data[start : start + 4] = b"\xff" * 4
    path.write_bytes(data)
    with pytest.raises(DataError, match=zlib.error.__name__):
        read_npz(path)
