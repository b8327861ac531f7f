"""A person's own digits: a folder with one sub-folder of pictures for each digit.

mine/0/*.png ... mine/9/*.jpg                      split 80 to 20, at random, each digit in the same proportion
mine/train/0 ... mine/train/9, mine/test/0 ...     a ready split
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tendigits.data.dataset import Dataset, Pixels, make_dataset, make_test_set, stratified_split
from tendigits.data.digit_image import read_digit, read_image
from tendigits.errors import DataError

__all__ = ["read_image", "read_image_folder", "read_test_folder"]

TEST_SHARE = 0.2
SPLIT_SEED = 0
CLASSES = tuple("0123456789")
ENDINGS = (".png", ".jpg", ".jpeg")

_LAYOUT = "one sub-folder for each digit, 0 to 9, or train and test with such sub-folders"


@dataclass(frozen=True, eq=False)
class _Part:
    """The pictures of one folder of classes, in the order of their names."""

    x: Pixels
    y: Pixels
    inverted: int
    skipped: int


def read_image_folder(folder: Path) -> Dataset:
    """Read all PNG and JPEG pictures of a folder, to train on and to test on.

    Hidden files and files of another kind are skipped and counted in a note, as are inverted pictures, blank ones and
    digits without a picture.

    Raises:
        DataError: another sub-folder, no picture at all, a picture that cannot be read, or too few to split.
    """
    with _explained(folder):
        if _is_split(folder):
            return _read_split(folder)
        part = _read_part(folder)
    x_train, y_train, x_test, y_test = stratified_split(part.x, part.y, TEST_SHARE, SPLIT_SEED)
    split = f"split at random (seed {SPLIT_SEED}): {len(y_train):,} images to train on, {len(y_test):,} to test on"
    notes = [*_missing(part.y, ""), *_seen(part), *_skipped(0, part), split]
    return make_dataset(x_train, y_train, x_test, y_test, source=str(folder), notes=notes)


def read_test_folder(folder: Path) -> Dataset:
    """Read the pictures of a folder to judge on: its test part, or all where it is not split. Raises DataError."""
    with _explained(folder):
        part = _read_part(folder / "test" if _is_split(folder) else folder)
    notes = [*_missing(part.y, ""), *_seen(part), *_skipped(0, part)]
    return make_test_set(part.x, part.y, source=str(folder), notes=notes)


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"expected a folder that can be read at {folder}, received {error}; check its rights"
        ) from error


def _is_split(folder: Path) -> bool:
    return {child.name for child in _folders(folder)} == {"train", "test"}


def _read_split(folder: Path) -> Dataset:
    train, test = _read_part(folder / "train"), _read_part(folder / "test")
    notes = [*_missing(train.y, " to train on"), *_missing(test.y, " to test on"), *_seen(train, test)]
    notes += _skipped(_loose(folder), train, test)
    return make_dataset(train.x, train.y, test.x, test.y, source=str(folder), notes=notes)


def _read_part(folder: Path) -> _Part:
    images, labels, inverted, skipped = [], [], 0, _loose(folder)
    for sub in _folders(folder):
        if sub.name not in CLASSES:
            raise DataError(f"expected in {folder} {_LAYOUT}, found {sub.name!r}; rename it or move it away")
        if inner := _folders(sub):
            raise DataError(f"expected only pictures in {sub}, found the folder {inner[0].name!r}; move its files up")
        for path in sorted(sub.iterdir()):
            if path.name.startswith(".") or path.suffix.lower() not in ENDINGS:
                skipped += 1
                continue
            digit = read_digit(path)
            images.append(digit.pixels)
            labels.append(int(sub.name))
            inverted += digit.inverted
    if not images:
        raise DataError(f"expected in {folder} {_LAYOUT}, with PNG or JPEG pictures, found no picture; add some")
    return _Part(np.stack(images), np.array(labels, np.uint8), inverted, skipped)


def _folders(folder: Path) -> list[Path]:
    """The sub-folders that count; .git and what macOS packs along do not."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__MACOSX")))


def _loose(folder: Path) -> int:
    return sum(not path.is_dir() for path in folder.iterdir())


def _missing(labels: Pixels, purpose: str) -> list[str]:
    absent = [str(digit) for digit in range(10) if digit not in labels]
    return [f"no image of {', '.join(absent)}{purpose}"] if absent else []


def _seen(*parts: _Part) -> list[str]:
    inverted = sum(part.inverted for part in parts)
    blank = sum(int((~part.x.any(axis=(1, 2))).sum()) for part in parts)
    notes = []
    if inverted:
        notes.append(f"{_images(inverted)} had dark ink on light ground and {_were(inverted)} inverted")
    if blank:
        notes.append(f"{_images(blank)} {_were(blank)} blank: no ink was found")
    return notes


def _skipped(loose: int, *parts: _Part) -> list[str]:
    skipped = loose + sum(part.skipped for part in parts)
    files = f"{skipped:,} file{'s' if skipped > 1 else ''}"
    return [f"{files} {_were(skipped)} skipped: not a PNG or JPEG"] if skipped else []


def _images(n: int) -> str:
    return f"{n:,} image{'s' if n > 1 else ''}"


def _were(n: int) -> str:
    return "were" if n > 1 else "was"
