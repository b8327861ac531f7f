"""Keras' layout of MNIST: an .npz file with the arrays x_train, y_train, x_test and y_test."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.errors import DataError
from tendigits.untrusted import check_zip, open_file

MAX_BYTES = 1 << 30
"""Of the file, and of its arrays together: 20 times MNIST."""

_TRAIN, _TEST = ("x_train", "y_train"), ("x_test", "y_test")


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays x_train, y_train, x_test and y_test; others are not read.

    Returns:
        The four arrays as stored, of any dtype and shape; x_test and y_test may both be absent.

    Raises:
        DataError: not a whole .npz, an array is missing or holds Python objects, or the arrays are too large.
    """
    try:
        with open_file(path, MAX_BYTES) as file:
            check_zip(file, MAX_BYTES, deflated=True)
            # Headers that Python 2 has written cause a warning.
            with np.load(file, allow_pickle=False) as arrays, warnings.catch_warnings(action="ignore"):
                return _select(arrays, path)
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise a dozen classes for damaged files
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"expected a whole .npz at {path}, received {type(error).__name__} ({reason}); copy or make it again"
        ) from error


def _select(arrays: Any, path: Path) -> dict[str, NDArray[Any]]:
    found = {}
    for key in _TRAIN if {*arrays}.isdisjoint(_TEST) else _TRAIN + _TEST:
        if key not in arrays:
            names = ", ".join(sorted(name[:40] for name in arrays)[:8]) or "no array"
            raise DataError(f"expected the array {key} in {path}, found {names}; save it under Keras' names")
        found[key] = arrays[key]
        if not isinstance(found[key], np.ndarray):  # NumPy returns the bytes of what is not an array
            raise ValueError(f"{key} is not an array")
    return found
