"""Your own digits: pictures in a folder with one sub-folder for each digit.

mine/0/*.png ... mine/9/*.jpg                      split at random into 80% and 20% of each digit
mine/train/0 ... mine/train/9, mine/test/0 ...     already split
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tendigits.data.dataset import Dataset, Pixels, make_dataset, make_test_set
from tendigits.data.preprocess import FIELD, to_mnist
from tendigits.errors import DataError
from tendigits.pictures.image import MIN_CONTRAST, open_image

CLASSES = tuple("0123456789")
SUFFIXES = (".png", ".jpg", ".jpeg")
_LAYOUT = "one sub-folder for each digit, 0 to 9, or train and test with such sub-folders"


def read_folder(folder: Path, *, test_only: bool = False) -> Dataset:
    """Read all PNG and JPEG pictures of a folder as training and test digits.

    With `test_only`, its `test` folder is read as test digits, or all pictures if it is not split.

    Raises:
        DataError: an unexpected sub-folder, no picture at all, a damaged picture, or too few to split.
        OSError: the folder cannot be read.
    """
    is_split = {child.name for child in _sub_folders(folder)} == {"train", "test"}
    if is_split and not test_only:
        train, test = _read_part(folder / "train"), _read_part(folder / "test")
        notes = _notes({" to train on": train, " to test on": test}, _loose_files(folder))
        return make_dataset(train.x, train.y, test.x, test.y, source=str(folder), notes=notes)
    part = _read_part(folder / "test" if is_split else folder)
    make = make_test_set if test_only else make_dataset
    return make(part.x, part.y, source=str(folder), notes=_notes({"": part}))


@dataclass(frozen=True, eq=False)
class _Part:
    """The pictures in the sub-folders 0 to 9, in the order of their names."""

    x: Pixels
    y: Pixels
    inverted: int
    skipped: int


def _read_part(folder: Path) -> _Part:
    images, labels, inverted, skipped = [], [], 0, _loose_files(folder)
    for sub in _sub_folders(folder):
        if sub.name not in CLASSES:
            raise DataError(f"expected in {folder} {_LAYOUT}, found {sub.name!r}; rename it or move it away")
        if inner := _sub_folders(sub):
            raise DataError(f"expected only pictures in {sub}, found the folder {inner[0].name!r}; move its files up")
        for path in sorted(sub.iterdir()):
            if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES:
                skipped += 1
                continue
            image, was_inverted = _read_image(path)
            images.append(image)
            labels.append(int(sub.name))
            inverted += was_inverted
    if not images:
        raise DataError(f"expected in {folder} {_LAYOUT}, with PNG or JPEG pictures, found no picture; add some")
    return _Part(np.stack(images), np.array(labels, np.uint8), inverted, skipped)


def _read_image(path: Path) -> tuple[Pixels, bool]:
    """A picture of one digit as uint8 (28, 28), white on black, and whether it was inverted."""
    grey = open_image(path).grey
    background = float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    inverted = background > 127
    if inverted:
        grey, background = 255 - grey, 255 - background
    if grey.shape != (FIELD, FIELD):
        # Make the background black and the brightest pixel white, as in MNIST.
        foreground = np.clip(grey.astype(np.float32) - background, 0, None)
        brightest = float(foreground.max())
        scale = 255 / brightest if brightest >= MIN_CONTRAST else 0
        grey = to_mnist((foreground * scale).round().astype(np.uint8))
    return grey, inverted


def _sub_folders(folder: Path) -> list[Path]:
    """All sub-folders except hidden ones and those that macOS adds to archives."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__MACOSX")))


def _loose_files(folder: Path) -> int:
    return sum(not path.is_dir() for path in folder.iterdir())


def _notes(parts: dict[str, _Part], n_loose: int = 0) -> list[str]:
    """Notes to print: digits without an image, by the purpose of the part; and numbers of pictures and files."""
    notes = []
    for purpose, part in parts.items():
        if absent := [str(digit) for digit in range(10) if digit not in part.y]:
            notes.append(f"no image of {', '.join(absent)}{purpose}")
    if inverted := sum(part.inverted for part in parts.values()):
        notes.append(f"{_count(inverted, 'image')} inverted: dark on light, and MNIST is light on dark")
    if blank := sum(int((~part.x.any(axis=(1, 2))).sum()) for part in parts.values()):
        notes.append(f"{_count(blank, 'image')} blank")
    if skipped := n_loose + sum(part.skipped for part in parts.values()):
        notes.append(f"{_count(skipped, 'file')} skipped: not a PNG or JPEG")
    return notes


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun} was" if n == 1 else f"{n:,} {noun}s were"
