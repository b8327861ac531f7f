"""Load digits: MNIST, or your own."""

from dataclasses import replace
from pathlib import Path

from tendigits.data.dataset import TEST_FRACTION, Dataset, make_dataset, make_test_set
from tendigits.data.folders import read_folder
from tendigits.data.formats import has_idx, read_idx_folder, read_npz
from tendigits.data.mnist import load_data
from tendigits.errors import DataError, printable

ACCEPTED = (
    "an .npz with x_train, y_train, x_test and y_test, a folder with MNIST's four IDX files, "
    "or a folder with a sub-folder of pictures for each digit, 0 to 9"
)
OWN_TEST_FRACTION = 0.5  # of a person's own digits: there are few, and the question is how well they are read


def load(path: Path | str | None = None, also: Path | str | None = None, *, test_only: bool = False) -> Dataset:
    """Load training and test digits.

    Args:
        path: an .npz in Keras' layout, or a folder of IDX files or of pictures; None loads MNIST. If there is no test
            set, a fifth of the digits, chosen at random (seed 0), becomes it.
        also: a person's own digits, in one of the same layouts, as the dataset's `own_digits`. If there is no test set,
            half of each digit becomes it.
        test_only: load digits to evaluate on: the test set, or all of them if it is missing.

    Raises:
        DataError: the path does not exist, is of another kind or damaged, or its digits cannot be trained on.
    """
    dataset = _load(path, test_only, TEST_FRACTION)
    return dataset if also is None else replace(dataset, own_digits=_load(also, test_only, OWN_TEST_FRACTION))


def _load(path: Path | str | None, test_only: bool, test_fraction: float) -> Dataset:
    if path is None:
        (x_train, y_train), (x_test, y_test) = load_data()
        return make_dataset(x_train, y_train, x_test, y_test, source="the tendigits package")
    path = Path(path).expanduser()
    try:
        str(path.resolve()).encode()
        if path.is_dir() and not has_idx(path):
            dataset = read_folder(path, test_only=test_only, test_fraction=test_fraction)
        elif path.is_dir():
            dataset = make_dataset(*read_idx_folder(path).values(), source=f"{path} (IDX files)")
        elif not path.is_file():
            raise DataError(f"expected {ACCEPTED}; there is no file at {path}: check the name")
        else:
            arrays = read_npz(path).values()
            dataset = (
                make_test_set(*arrays, source=str(path))
                if test_only and len(arrays) < 4
                else make_dataset(*arrays, source=str(path), test_fraction=test_fraction)
            )
        return replace(dataset, path=str(path.resolve()))
    except UnicodeEncodeError:
        raise DataError(f"expected a path in UTF-8, received {printable(str(path.resolve()))}; rename it") from None
    except OSError as error:
        raise DataError(f"expected {ACCEPTED}; cannot read {path} ({error}): check name and permissions") from error
