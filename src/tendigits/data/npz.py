"""Keras' layout of MNIST: an .npz with the arrays x_train, y_train, x_test and y_test, read without trusting it.

An .npz is a zip of .npy files. numpy.load would believe its sizes and unpack whatever is there; here the directory of
the zip and the header of each array must agree and stay under a cap before memory is taken, and no pickle is opened.
"""

import math
import struct
import warnings
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from tendigits.errors import DataError

MAX_BYTES = 1 << 30
"""Most that the file, and the arrays in it together, may take: 1 GiB is 20 times MNIST."""

MAX_DIRECTORY_BYTES = 1 << 16
"""Most that the zip's directory may take: four arrays need some 250 bytes, a million members would fill the memory."""

_TRAIN, _TEST = ("x_train", "y_train"), ("x_test", "y_test")
_END = struct.Struct("<4s4H2LH")  # the record that ends every zip: signature, counts, directory's size, ...
_ZIP64_LOCATOR_BYTES = 20
_CHUNK = 1 << 20


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays x_train, y_train, x_test and y_test; others are not touched.

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
        with path.open("rb") as file:
            _check_container(file, path)
            with zipfile.ZipFile(file) as archive:
                members = _members(archive, path)
                return {key: _read_array(archive, info, path) for key, info in members.items()}
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise a dozen classes on damage
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"expected a whole .npz at {path}, received {type(error).__name__} ({reason}); copy or make it again"
        ) from error


def _check_container(file: IO[bytes], path: Path) -> None:
    size = file.seek(0, 2)
    if size > MAX_BYTES:
        raise DataError(f"expected at most {MAX_BYTES:,} bytes in {path}, found {size:,}; use fewer digits")
    file.seek(max(0, size - _END.size - _ZIP64_LOCATOR_BYTES))
    tail = file.read()
    end = tail[-_END.size :]
    if len(end) < _END.size or not end.startswith(b"PK\x05\x06") or end[-2:] != b"\0\0":
        raise DataError(
            f"expected a whole .npz (a zip, as numpy.savez writes it) at {path}, found {size:,} bytes without its end; "
            "copy or make it again"
        )
    directory_bytes = _END.unpack(end)[5]
    # Zip64 directories are for over 65,535 members or 4 GiB: neither is ours, and they would hide the size.
    if directory_bytes > MAX_DIRECTORY_BYTES or tail.startswith(b"PK\x06\x07"):
        raise DataError(f"expected a zip of about four arrays at {path}, found far too many members; make it again")


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    present = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    wanted = _TRAIN if present.keys().isdisjoint(_TEST) else _TRAIN + _TEST
    for key in wanted:
        if key not in present:
            found = ", ".join(sorted(name[:40] for name in present)[:8]) or "no array"
            raise DataError(f"expected the array {key} in {path}, found {found}; save it under Keras' names")
    members = {key: present[key] for key in wanted}
    total = sum(info.file_size for info in members.values())
    if total > MAX_BYTES:
        raise DataError(f"expected arrays of at most {MAX_BYTES:,} bytes in {path}, found {total:,}; use fewer digits")
    for key, info in members.items():
        # The other methods may ask for gigabytes of dictionary before the first byte comes out.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"expected {key} in {path} stored or deflated, as numpy writes it; make it again")
    return members


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> NDArray[Any]:
    with archive.open(info) as member:
        shape, fortran, dtype = _read_header(member)
        if dtype.kind not in "biuf":  # objects would be a pickle
            raise DataError(
                f"expected numbers in {info.filename} of {path}, received dtype {dtype}; save whole numbers"
            )
        promised, there = math.prod(shape) * dtype.itemsize, info.file_size - member.tell()
        if promised != there:
            raise DataError(
                f"expected {promised:,} bytes for {info.filename} of shape {shape} in {path}, found {there:,}; "
                "make it again"
            )
        data = _read_exactly(member, promised)
    return data.view(dtype).reshape(shape, order="F" if fortran else "C")


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(member)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version} of the .npy format")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a header that Python 2 wrote is read all the same
        shape, fortran, dtype = read(member, max_header_size=10_000)
    return shape, fortran, dtype


def _read_exactly(member: IO[bytes], n_bytes: int) -> NDArray[np.uint8]:
    # The memory is only touched as data comes, so a header that promises too much costs nothing.
    array = np.empty(n_bytes, np.uint8)
    done = 0
    while chunk := member.read(min(_CHUNK, n_bytes - done)):
        array[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
        done += len(chunk)
    if done < n_bytes:
        raise EOFError(f"{done:,} of {n_bytes:,} bytes")
    if member.read(1):  # at its end zipfile compares the checksum
        raise ValueError("more bytes than the header says")
    return array
