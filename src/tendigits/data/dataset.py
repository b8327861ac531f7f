"""A Dataset: checked training and test digits, and where they come from.

dataset = make_dataset(x_train, y_train, x_test, y_test, source="mine.npz")
dataset.name, dataset.counts, dataset.digests
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tendigits.data.formats import ARRAYS, idx_bytes_digest
from tendigits.errors import DataError, printable

Pixels = NDArray[np.uint8]

# SHA-256 of MNIST's four original IDX files, uncompressed.
MNIST_DIGESTS = {
    "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
TEST_FRACTION = 0.2  # of the digits, for the test set if it is missing
SPLIT_SEED = 0


@dataclass(frozen=True, eq=False)
class Dataset:
    """Digits, white on black, checked by `make_dataset` and similar functions."""

    x_train: Pixels  # uint8 (n, 28, 28), 0 to 255
    y_train: Pixels  # uint8 (n,), 0 to 9
    x_test: Pixels
    y_test: Pixels
    source: str  # where the digits come from, in one line
    notes: tuple[str, ...] = ()  # lines to print about images that were skipped, inverted or split off
    path: str | None = None  # absolute; None for the package's MNIST
    own_digits: "Dataset | None" = None  # a person's own digits, which are learned and tested too

    @functools.cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each array as an IDX file, by the array's name."""
        return {key: idx_bytes_digest(getattr(self, key)) for key in ARRAYS}

    @property
    def name(self) -> str:
        """ "MNIST" if the arrays are exactly MNIST's, in its order, else "own data"."""
        return "MNIST" if self.digests == MNIST_DIGESTS else "own data"

    @property
    def counts(self) -> dict[str, list[int]]:
        """Number of each digit 0 to 9: {"train": ten numbers, "test": ten numbers}."""
        parts = {"train": self.y_train, "test": self.y_test}
        return {part: np.bincount(labels, minlength=10).tolist() for part, labels in parts.items()}


def make_dataset(
    x_train: NDArray[Any],
    y_train: NDArray[Any],
    x_test: NDArray[Any] | None = None,
    y_test: NDArray[Any] | None = None,
    *,
    source: str,
    notes: Sequence[str] = (),
    test_fraction: float = TEST_FRACTION,
) -> Dataset:
    """Check all rows, and choose a test set at random, the same one each time, if it is missing.

    Raises:
        DataError: a row, class or array cannot be trained on.
    """
    x_train, y_train = check_digits(x_train, y_train, "train")
    if x_test is None or y_test is None:
        x_train, y_train, x_test, y_test = stratified_split(x_train, y_train, test_fraction, SPLIT_SEED)
        sizes = f"{len(y_train):,} images to train on, {len(y_test):,} to test on"
        notes = [*notes, f"no test set, so split at random (seed {SPLIT_SEED}): {sizes}"]
    x_test, y_test = check_digits(x_test, y_test, "test")
    for part, labels, purpose in (("train", y_train, "learn from"), ("test", y_test, "test on")):
        if len(labels) == 0:
            raise DataError(f"expected at least 1 image in x_{part}, received none; give some digits to {purpose}")
    return Dataset(x_train, y_train, x_test, y_test, printable(source), tuple(notes))


def make_test_set(x: NDArray[Any], y: NDArray[Any], *, source: str, notes: Sequence[str] = ()) -> Dataset:
    """Check digits and make a Dataset with only a test set. Raises DataError."""
    images, labels = check_digits(x, y, "test")
    if len(labels) == 0:
        raise DataError("expected at least 1 image to evaluate on, received none; give some digits")
    return Dataset(images[:0], labels[:0], images, labels, printable(source), tuple(notes))


def check_digits(x: NDArray[Any], y: NDArray[Any], part: str) -> tuple[Pixels, Pixels]:
    """Check images and labels row by row.

    Args:
        x: whole numbers 0 to 255 of shape (n, 28, 28), (n, 28, 28, 1) or (n, 784).
        y: whole numbers 0 to 9 of shape (n,).

    Returns:
        uint8 (n, 28, 28) and uint8 (n,); not copied if they are that already.

    Raises:
        DataError: naming the array and its first bad row.
    """
    if x.ndim == 0 or x.shape[1:] not in ((28, 28), (28, 28, 1), (784,)):
        raise DataError(f"expected x_{part} of shape (n, 28, 28), received {x.shape}; resize the images to 28x28")
    if y.ndim != 1:
        raise DataError(f"expected y_{part} of shape (n,), one number for each image, received {y.shape}; not one-hot")
    if len(x) != len(y):
        raise DataError(
            f"expected one label for each image, received {len(x):,} images in x_{part} and "
            f"{len(y):,} labels in y_{part}; make them match"
        )
    images = _whole_numbers(x, f"x_{part}", 255, "where the pixels are 0 to 1, multiply by 255; use uint8")
    return images.reshape(-1, 28, 28), _whole_numbers(y, f"y_{part}", 9, "correct the labels; use uint8")


def stratified_split(x: Pixels, y: Pixels, fraction: float, seed: int) -> tuple[Pixels, Pixels, Pixels, Pixels]:
    """Split checked digits at random into two parts with nearly the same proportion, and at least one, of each digit.

    Args:
        x, y: uint8 (n, 28, 28) and (n,).
        fraction: of the rows in the second part.

    Returns:
        x_rest, y_rest, x_held_out, y_held_out, both parts shuffled.

    Raises:
        DataError: a digit occurs only once.
    """
    counts = np.bincount(y, minlength=10)
    if (counts == 1).any():
        rare = ", ".join(map(str, np.flatnonzero(counts == 1)))
        raise DataError(
            f"expected at least 2 images of each digit, one to learn from and one held out, received 1 of {rare}; "
            "add another of each, or leave it out"
        )
    rng = np.random.default_rng(seed)
    is_held_out = np.zeros(len(y), bool)
    apportioned = _apportion(counts, round(len(y) * fraction)) if len(y) else counts
    for digit, n in enumerate(np.clip(apportioned, np.minimum(counts, 1), np.maximum(counts - 1, 0))):
        is_held_out[rng.choice(np.flatnonzero(y == digit), n, replace=False)] = True
    rest, held_out = (rng.permutation(np.flatnonzero(part)) for part in (~is_held_out, is_held_out))
    return x[rest], y[rest], x[held_out], y[held_out]


def _apportion(counts: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Divide `total` in proportion to `counts`, in whole numbers: the largest remainders are rounded up."""
    quotas = counts * total / counts.sum()
    whole: NDArray[np.int64] = np.floor(quotas).astype(np.int64)
    largest = np.argsort(whole - quotas, kind="stable")[: total - whole.sum()]
    whole[largest] += 1
    return whole


def _whole_numbers(array: NDArray[Any], name: str, highest: int, advice: str) -> Pixels:
    expected = f"expected {name} to hold whole numbers 0 to {highest}"
    if array.dtype.kind not in "iu":
        raise DataError(f"{expected}, received dtype {array.dtype}; {advice}")
    bad = (array < 0) | (array > highest)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(f"{expected}, received {array[index]} in row {index[0]}; {advice}")
    return array.astype(np.uint8, copy=False)
