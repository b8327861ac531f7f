"""MNIST's two file formats: Keras' .npz file of four arrays, and the original IDX files.

arrays = read_npz(Path("mine.npz"))           # x_train, y_train and, unless they are absent, x_test, y_test
arrays = read_idx_folder(Path("mine"))        # the same from four files, plain or .gz

An IDX file is a big-endian header, then the bytes of one array.
"""

import gzip
import hashlib
import math
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.errors import DataError, reason_of
from tendigits.untrusted import check_zip, open_file

MAX_DATA_BYTES = 1 << 30  # of a file, and of the arrays in it together: 20 times MNIST
UNSIGNED_BYTES = 0x0800  # the magic number of a file, without its number of dimensions
# The beginning of each file's name, and the number of dimensions of its array.
_FILES = {
    "x_train": ("train-images", 3),
    "y_train": ("train-labels", 1),
    "x_test": ("t10k-images", 3),
    "y_test": ("t10k-labels", 1),
}
ARRAYS = tuple(_FILES)  # the arrays, in the order of `make_dataset`'s arguments


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays x_train, y_train, x_test and y_test; others are not read.

    Returns:
        The four arrays as stored, of any dtype and shape; x_test and y_test may both be absent.

    Raises:
        DataError: not a whole .npz, an array is missing or holds Python objects, or the arrays are too large.
    """
    with _expecting_whole(".npz", path), open_file(path, MAX_DATA_BYTES) as file:
        check_zip(file, MAX_DATA_BYTES, deflated=True)
        # Headers that Python 2 has written cause a warning.
        with np.load(file, allow_pickle=False) as arrays, warnings.catch_warnings(action="ignore"):
            expected = ARRAYS[:2] if {*arrays}.isdisjoint(ARRAYS[2:]) else ARRAYS
            if missing := [name for name in expected if name not in arrays]:
                names = ", ".join(sorted(name[:40] for name in arrays)[:8]) or "no array"
                raise DataError(f"expected the array {missing[0]} in {path}, found {names}; use Keras' names")
            found = {name: arrays[name] for name in expected}
        for name, array in found.items():
            if not isinstance(array, np.ndarray):  # NumPy returns the bytes of what is not an array
                raise ValueError(f"{name} is not an array")
        return found


def has_idx(folder: Path) -> bool:
    """Whether `folder` holds one of MNIST's four IDX files, plain or .gz."""
    return any(_find(folder, key) is not None for key in _FILES)


def read_idx_folder(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Read MNIST's four IDX files as stored. Raises DataError if one is missing, cut, too large or not IDX."""
    arrays = {}
    for key, (stem, n_dimensions) in _FILES.items():
        path = _find(folder, key)
        if path is None:
            name = f"{stem}-idx{n_dimensions}-ubyte"
            raise DataError(f"expected {name} or {name}.gz in {folder}, found neither; add the file")
        arrays[key] = read_idx(path, n_dimensions=n_dimensions)
    return arrays


def read_idx(path: Path, *, n_dimensions: int) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes, plain or .gz: images have 3 dimensions, labels 1. Raises DataError."""
    unpack = gzip.open if path.suffix == ".gz" else nullcontext
    with _expecting_whole("IDX file", path), open_file(path, MAX_DATA_BYTES) as raw, unpack(raw) as file:
        magic, *shape = struct.unpack(f">{1 + n_dimensions}I", file.read(4 + 4 * n_dimensions))
        if magic != (expected := UNSIGNED_BYTES + n_dimensions):
            raise DataError(f"expected the IDX magic number {expected} in {path}, received {magic}; fetch it again")
        n_bytes = math.prod(shape)
        if n_bytes > MAX_DATA_BYTES:
            raise DataError(
                f"expected at most {MAX_DATA_BYTES:,} bytes of data in {path}, received {n_bytes:,}; use fewer"
            )
        # The system provides the memory only as it is filled, whatever the header claims.
        array = np.empty(n_bytes, np.uint8)
        done = file.readinto(array.data)
        # Reading beyond the end also makes gzip compare its checksum.
        if done < n_bytes or file.read(1):
            amount = f"only {done:,}" if done < n_bytes else "more"
            raise DataError(f"expected {n_bytes:,} bytes after the header of {path}, found {amount}; fetch it again")
        return array.reshape(shape)


def idx_bytes_digest(array: NDArray[np.uint8]) -> str:
    """Compute the SHA-256 of an array, uint8 with 1 or 3 dimensions, as an IDX file; the array is not copied."""
    digest = hashlib.sha256(struct.pack(f">{1 + array.ndim}I", UNSIGNED_BYTES + array.ndim, *array.shape))
    for start in range(0, len(array), 4096):
        digest.update(np.ascontiguousarray(array[start : start + 4096]).data)
    return digest.hexdigest()


def _find(folder: Path, key: str) -> Path | None:
    stem, n_dimensions = _FILES[key]
    # The original names have a hyphen; in some archives it is a dot.
    names = [f"{stem}{separator}idx{n_dimensions}-ubyte{ending}" for ending in ("", ".gz") for separator in "-."]
    return next((folder / name for name in names if (folder / name).is_file()), None)


@contextmanager
def _expecting_whole(kind: str, path: Path) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # damaged files raise a dozen classes, from zipfile and gzip to NumPy
        reason = f"{type(error).__name__} ({reason_of(error)})"
        raise DataError(f"expected a whole {kind} at {path}, received {reason}; copy or make it again") from error
