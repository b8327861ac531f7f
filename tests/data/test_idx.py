import contextlib
import gzip
import hashlib
import struct
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tendigits.data import idx
from tendigits.data.idx import has_idx, idx_bytes_digest, read_idx, read_idx_folder
from tendigits.errors import DataError

FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def raw(array):
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def write(folder, small, *, ending="", dot=False):
    for key, name in FILES.items():
        name = name.replace("-idx", ".idx") if dot else name
        data = raw(small[key])
        (folder / f"{name}{ending}").write_bytes(gzip.compress(data) if ending else data)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("dot", [False, True])
def test_reads_all_four_spellings(tmp_path, small, ending, dot):
    write(tmp_path, small, ending=ending, dot=dot)
    assert has_idx(tmp_path)
    read = read_idx_folder(tmp_path)
    assert list(read) == list(FILES)
    assert all(np.array_equal(read[key], small[key]) and read[key].dtype == np.uint8 for key in FILES)


@given(
    st.sampled_from([1, 3]).flatmap(lambda d: arrays("u1", array_shapes(min_dims=d, max_dims=d, min_side=0))),
    st.booleans(),
)
def test_round_trip(array, packed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.gz" if packed else "a")
        path.write_bytes(gzip.compress(raw(array)) if packed else raw(array))
        np.testing.assert_array_equal(read_idx(path, n_dimensions=array.ndim), array)
    assert idx_bytes_digest(array) == hashlib.sha256(raw(array)).hexdigest()


def test_a_digest_does_not_depend_on_the_layout_in_memory(digits):
    images = digits.x_test[::2]
    expected = hashlib.sha256(raw(images)).hexdigest()
    assert idx_bytes_digest(images) == idx_bytes_digest(np.asfortranarray(images)) == expected


def test_a_folder_without_idx(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").mkdir()
    (tmp_path / "other.gz").touch()
    assert not has_idx(tmp_path)


def test_a_missing_file_is_named(tmp_path, small):
    missing = FILES["y_test"]
    write(tmp_path, small)
    (tmp_path / missing).unlink()
    assert has_idx(tmp_path)
    with pytest.raises(DataError, match=f"expected {missing} or {missing}.gz"):
        read_idx_folder(tmp_path)


def test_labels_in_place_of_images(tmp_path, small):
    write(tmp_path, small)
    (tmp_path / FILES["x_train"]).write_bytes(raw(small["y_train"]))
    with pytest.raises(DataError, match=r"magic number 2051 in .*train-images.*received 2049"):
        read_idx_folder(tmp_path)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_another_length_than_the_header_says_is_refused(tmp_path, small, suffix):
    path, data = tmp_path / f"a{suffix}", raw(small["x_train"])
    for content, found in ((data[:-1], "only 31,359"), (data + b"x", "more")):
        path.write_bytes(gzip.compress(content) if suffix else content)
        with pytest.raises(DataError, match=f"expected 31,360 bytes after the header .*found {found}"):
            read_idx(path, n_dimensions=3)


def test_a_damaged_gz_is_refused(tmp_path, small):
    path, data = tmp_path / "a.gz", gzip.compress(raw(small["y_test"]))
    for content, said in ((data[:-9], "EOFError"), (data[:-5] + bytes([data[-5] ^ 1]) + data[-4:], "CRC")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=said):
            read_idx(path, n_dimensions=1)


def peak_while_refusing(path):
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read_idx(path, n_dimensions=3)
        return tracemalloc.get_traced_memory()[1], str(caught.value)
    finally:
        tracemalloc.stop()


def test_a_header_that_promises_too_much(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(struct.pack(">4I", 2051, 2**32 - 1, 2**32 - 1, 2**32 - 1))
    peak, message = peak_while_refusing(path)
    assert peak < 1_000_000
    assert f"at most {idx.MAX_BYTES:,} bytes" in message


def test_a_gz_bomb_is_stopped_at_what_the_header_says(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(struct.pack(">4I", 2051, 1, 28, 28) + bytes(64 << 20), 1))
    peak, message = peak_while_refusing(path)
    assert peak < 5_000_000
    assert "expected 784 bytes after the header" in message


@given(st.binary(max_size=60), st.booleans(), st.sampled_from([1, 3]), st.booleans())
def test_any_bytes_give_an_array_or_a_data_error(data, with_magic, n_dimensions, packed):
    data = struct.pack(">I", 0x0800 + n_dimensions) + data if with_magic else data
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.gz" if packed or not with_magic else "a")
        path.write_bytes(gzip.compress(data) if packed else data)
        with contextlib.suppress(DataError):
            assert read_idx(path, n_dimensions=n_dimensions).ndim == n_dimensions
