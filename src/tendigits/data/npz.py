"""Keras' layout of MNIST: an .npz with the arrays x_train, y_train, x_test and y_test, read without trusting it.

An .npz is a zip of .npy files. numpy.load would believe their sizes and take the memory; here the directory of the zip
and the header of each array must agree and stay within the limits first, and no pickle is opened.
"""

import math
import warnings
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from tendigits.errors import DataError
from tendigits.untrusted import check_zip, open_file

MAX_BYTES = 1 << 30
"""Largest file, and largest size of its arrays together: 1 GiB is 20 times MNIST."""

_TRAIN, _TEST = ("x_train", "y_train"), ("x_test", "y_test")
_MAX_HEADER_BYTES = 10_000


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays x_train, y_train, x_test and y_test; others are not read.

    Returns:
        The four arrays as stored, of any numeric dtype and shape; x_test and y_test may both be absent.

    Raises:
        DataError: not a whole .npz, an array is missing, holds Python objects or text, or is too large.
    """
    if not path.is_file():
        raise DataError(
            f"expected an .npz file at {path}, found {'a folder' if path.is_dir() else 'none'}; name a file"
        )
    try:
        with open_file(path, MAX_BYTES) as file:
            members = _wanted(check_zip(file, MAX_BYTES, deflated=True), path)
            with zipfile.ZipFile(file) as archive, warnings.catch_warnings(action="ignore"):  # of headers by Python 2
                return {key: _read_array(archive, info, path) for key, info in members.items()}
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise a dozen classes for damaged files
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"expected a whole .npz at {path}, received {type(error).__name__} ({reason}); copy or make it again"
        ) from error


def _wanted(members: dict[str, zipfile.ZipInfo], path: Path) -> dict[str, zipfile.ZipInfo]:
    present = {name.removesuffix(".npy"): info for name, info in members.items()}
    keys = _TRAIN if present.keys().isdisjoint(_TEST) else _TRAIN + _TEST
    for key in keys:
        if key not in present:
            found = ", ".join(sorted(name[:40] for name in present)[:8]) or "no array"
            raise DataError(f"expected the array {key} in {path}, found {found}; save it under Keras' names")
    return {key: present[key] for key in keys}


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> NDArray[Any]:
    with archive.open(info) as member:
        shape, dtype = _read_header(member)
        promised, there = math.prod(shape) * dtype.itemsize, info.file_size - member.tell()
    if dtype.kind not in "biuf":  # objects would be a pickle
        raise DataError(f"expected numbers in {info.filename} of {path}, received dtype {dtype}; save whole numbers")
    if promised != there:
        raise DataError(
            f"expected {promised:,} bytes for {info.filename} of shape {shape} in {path}, found {there:,}; "
            "make it again"
        )
    with archive.open(info) as member:  # zipfile compares the checksum
        array: NDArray[Any] = npy.read_array(member, allow_pickle=False, max_header_size=_MAX_HEADER_BYTES)
    return array


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if (version := npy.read_magic(member)) != (1, 0):  # which numpy writes for every plain array
        raise ValueError(f"version {version} of the .npy format")
    shape, _, dtype = npy.read_array_header_1_0(member, max_header_size=_MAX_HEADER_BYTES)
    return shape, dtype
