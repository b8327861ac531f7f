"""IDX, the file format of the original MNIST: a big-endian header, then the bytes of one array.

images, labels = read_idx(folder / "train-images-idx3-ubyte"), ...    # plain or .gz
arrays = read_idx_folder(folder)                                      # all four, under Keras' names
"""

import gzip
import hashlib
import io
import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tendigits.errors import DataError, reason_of
from tendigits.untrusted import open_file

MAX_BYTES = 1 << 30  # pixels or labels in one file: 20 times MNIST
UNSIGNED_BYTES = 0x0800  # the magic number of a file, without its number of dimensions
# The beginning of each file's name, and the number of dimensions of its array.
_FILES = {
    "x_train": ("train-images", 3),
    "y_train": ("train-labels", 1),
    "x_test": ("t10k-images", 3),
    "y_test": ("t10k-labels", 1),
}


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
    try:
        with open_file(path, MAX_BYTES) as raw, gzip.open(raw) if path.suffix == ".gz" else raw as file:
            return _read(file, path, n_dimensions)
    except DataError:
        raise
    except Exception as error:  # gzip and zlib raise several classes for damaged files
        reason = f"{type(error).__name__} ({reason_of(error)})"
        raise DataError(f"expected a whole IDX file at {path}, received {reason}; fetch it again") from error


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


def _read(file: io.BufferedIOBase, path: Path, n_dimensions: int) -> NDArray[np.uint8]:
    header = file.read(4 + 4 * n_dimensions)
    if len(header) < 4 + 4 * n_dimensions:
        raise DataError(f"expected an IDX header at {path}, received {len(header)} bytes; fetch the file again")
    magic, *shape = struct.unpack(f">{1 + n_dimensions}I", header)
    if magic != (expected := UNSIGNED_BYTES + n_dimensions):
        raise DataError(f"expected the IDX magic number {expected} in {path}, received {magic}; fetch it again")
    n_bytes = math.prod(shape)
    if n_bytes > MAX_BYTES:
        raise DataError(f"expected at most {MAX_BYTES:,} bytes of data in {path}, received {n_bytes:,}; use fewer")
    # The system provides the memory only as it is filled, whatever the header claims.
    array = np.empty(n_bytes, np.uint8)
    done = file.readinto(array.data)
    # Reading beyond the end also makes gzip compare its checksum.
    if done < n_bytes or file.read(1):
        amount = f"only {done:,}" if done < n_bytes else "more"
        raise DataError(f"expected {n_bytes:,} bytes after the header of {path}, found {amount}; fetch the file again")
    return array.reshape(shape)
