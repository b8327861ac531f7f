import contextlib
import gzip
import hashlib
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from samples import idx_bytes, write_idx
from tendigits.data import formats
from tendigits.data.formats import ARRAYS, has_idx, idx_bytes_digest, read_idx, read_idx_folder
from tendigits.errors import DataError


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("separator", ["-", "."])
def test_reads_all_four_spellings(tmp_path, small, ending, separator):
    write_idx(tmp_path, small, separator=separator, ending=ending)
    assert has_idx(tmp_path)
    read = read_idx_folder(tmp_path)
    assert tuple(read) == ARRAYS
    assert all(np.array_equal(read[key], small[key]) and read[key].dtype == np.uint8 for key in ARRAYS)


@given(
    st.sampled_from([1, 3]).flatmap(lambda d: arrays("u1", array_shapes(min_dims=d, max_dims=d, min_side=0))),
    st.booleans(),
)
def test_round_trip(array, packed):
    data = idx_bytes(array)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.gz" if packed else "a")
        path.write_bytes(gzip.compress(data) if packed else data)
        np.testing.assert_array_equal(read_idx(path, n_dimensions=array.ndim), array)
    assert idx_bytes_digest(array) == idx_bytes_digest(np.asfortranarray(array)) == hashlib.sha256(data).hexdigest()


def test_a_missing_file_and_labels_in_place_of_images_are_named(tmp_path, small):
    write_idx(tmp_path, small)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    assert has_idx(tmp_path)
    with pytest.raises(DataError, match=r"expected t10k-labels-idx1-ubyte or .*\.gz"):
        read_idx_folder(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(small["y_train"]))
    with pytest.raises(DataError, match=r"magic number 2051 in .*train-images.*received 2049"):
        read_idx(tmp_path / "train-images-idx3-ubyte", n_dimensions=3)


DATA = idx_bytes(np.zeros((2, 28, 28), np.uint8))
PACKED = gzip.compress(DATA)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a", struct.pack(">4I", 2051, *[2**32 - 1] * 3), f"at most {formats.MAX_DATA_BYTES:,} bytes"),
        ("a", DATA[:-1], "expected 1,568 bytes after the header .*found only 1,567"),
        ("a", DATA + b"x", "expected 1,568 bytes after the header .*found more"),
        ("a.gz", gzip.compress(DATA + b"x"), "found more"),
        ("a.gz", PACKED[:-9], "EOFError"),
        ("a.gz", PACKED[:-5] + bytes([PACKED[-5] ^ 1]) + PACKED[-4:], "CRC"),
    ],
    ids=["too large", "short", "long", "long once unpacked", "cut", "checksum"],
)
def test_a_damaged_file_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(tmp_path / name, n_dimensions=3)


@given(st.binary(max_size=60), st.booleans(), st.sampled_from([1, 3]), st.booleans())
def test_any_bytes_give_an_array_or_a_data_error(data, with_magic, n_dimensions, packed):
    data = struct.pack(">I", 0x0800 + n_dimensions) + data if with_magic else data
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.gz" if packed or not with_magic else "a")
        path.write_bytes(gzip.compress(data) if packed else data)
        with contextlib.suppress(DataError):
            assert read_idx(path, n_dimensions=n_dimensions).ndim == n_dimensions
