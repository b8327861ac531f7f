"""Keras' layout of MNIST: an .npz file with the arrays x_train, y_train, x_test and y_test."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.data.dataset import ARRAYS
from tendigits.errors import DataError, reason_of
from tendigits.untrusted import check_zip, open_file

MAX_BYTES = 1 << 30  # of the file, and of its arrays together: 20 times MNIST


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
                expected = ARRAYS[:2] if {*arrays}.isdisjoint(ARRAYS[2:]) else ARRAYS
                if missing := [name for name in expected if name not in arrays]:
                    names = ", ".join(sorted(name[:40] for name in arrays)[:8]) or "no array"
                    raise DataError(f"expected the array {missing[0]} in {path}, found {names}; use Keras' names")
                found = {name: arrays[name] for name in expected}
        for name, array in found.items():
            if not isinstance(array, np.ndarray):  # NumPy returns the bytes of what is not an array
                raise ValueError(f"{name} is not an array")
        return found
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise a dozen classes for damaged files
        reason = f"{type(error).__name__} ({reason_of(error)})"
        raise DataError(f"expected a whole .npz at {path}, received {reason}; copy or make it again") from error
