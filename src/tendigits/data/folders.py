"""Your own digits: pictures in a folder with one sub-folder for each digit.

mine/0/*.png ... mine/9/*.jpg                      split at random into 80% and 20% of each digit
mine/train/0 ... mine/train/9, mine/test/0 ...     already split
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tendigits.data.dataset import TEST_FRACTION, Dataset, Pixels, make_dataset, make_test_set
from tendigits.data.preprocess import FIELD, to_mnist
from tendigits.errors import DataError
from tendigits.pictures.image import MIN_CONTRAST, READABLE, open_image

CLASSES = tuple("0123456789")
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_LAYOUT = "one sub-folder for each digit, 0 to 9, or train and test with such sub-folders"


def read_folder(folder: Path, *, test_only: bool = False, test_fraction: float = TEST_FRACTION) -> Dataset:
    """Read all pictures of a folder as training and test digits.

    With `test_only`, its `test` folder is read as test digits, or all pictures if it is not split.

    Raises:
        DataError: unexpected sub-folders, no picture at all, damaged or blank pictures, or too few to split.
        OSError: the folder cannot be read.
    """
    is_split = {child.name for child in _sub_folders(folder)} == {"train", "test"}
    if is_split and not test_only:
        train, test = _read_part(folder / "train"), _read_part(folder / "test")
        notes = _notes([train, test], _loose_files(folder))
        return make_dataset(train.x, train.y, test.x, test.y, source=str(folder), notes=notes)
    part = _read_part(folder / "test" if is_split else folder)
    notes = _notes([part])
    if test_only:
        return make_test_set(part.x, part.y, source=str(folder), notes=notes)
    return make_dataset(part.x, part.y, source=str(folder), notes=notes, test_fraction=test_fraction)


@dataclass(frozen=True, eq=False)
class _Part:
    """The pictures in the sub-folders 0 to 9, in the order of their names."""

    x: Pixels
    y: Pixels
    inverted: int
    skipped: int


def _read_part(folder: Path) -> _Part:
    images, labels, blank, inverted, skipped = [], [], [], 0, _loose_files(folder)
    if others := [sub.name for sub in _sub_folders(folder) if sub.name not in CLASSES]:
        raise DataError(f"expected in {folder} {_LAYOUT}, found {', '.join(map(repr, others))}; {_renames(others)}")
    for sub in _sub_folders(folder):
        if inner := _sub_folders(sub):
            raise DataError(f"expected only pictures in {sub}, found the folder {inner[0].name!r}; move its files up")
        for path in sorted(sub.iterdir()):
            if not _is_picture(path):
                skipped += 1
                continue
            image, was_inverted = _read_image(path)
            images.append(image)
            labels.append(int(sub.name))
            inverted += was_inverted
            if not image.any():
                blank.append(str(path.relative_to(folder)))
    if blank:
        raise DataError(
            f"expected a digit in each picture of {folder}, found {len(blank):,} of {len(images):,} blank: "
            f"{', '.join(blank)}; take them away, or make them again"
        )
    loose = [path.name for path in sorted(folder.iterdir()) if _is_picture(path)]
    if loose and not images:
        raise DataError(
            f"expected in {folder} {_LAYOUT}, found loose pictures ({len(loose):,}): "
            f"{', '.join(loose)}; put each into the folder of its digit, such as {folder / '7' / loose[0]}"
        )
    if not images:
        raise DataError(f"expected in {folder} {_LAYOUT}, with pictures in it, found none; add some")
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


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in READABLE and not path.name.startswith(".") and not path.is_dir()


def _renames(names: list[str]) -> str:
    """What to do with sub-folders of these names: "rename zero to 0, digit_7 to 7, and move misc away"."""
    meant = {name: digit[1] for name in names if (digit := re.fullmatch(r"\D*0*(\d)\D*", name))}
    meant |= {name: CLASSES[WORDS.index(name.lower())] for name in names if name.lower() in WORDS}
    renames = ", ".join(f"{name} to {digit}" for name, digit in meant.items())
    others = ", ".join(name for name in names if name not in meant)
    return " and ".join([f"rename {renames}"] * bool(renames) + [f"move {others} away"] * bool(others))


def _notes(parts: list[_Part], n_loose: int = 0) -> list[str]:
    """Notes to print: how many pictures were inverted, and how many files skipped."""
    inverted = sum(part.inverted for part in parts)
    skipped = n_loose + sum(part.skipped for part in parts)
    notes = {
        f"inverted: {inverted:,}, dark on light, and MNIST is light on dark": inverted,
        f"skipped: {skipped:,} files, no pictures in the folder of a digit": skipped,
    }
    return [note for note, n in notes.items() if n]
