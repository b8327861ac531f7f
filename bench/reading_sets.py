"""The pictures to read, with their truth: each as the bare file and as our reader crops it.

Lines and pages are made of digits that the reader has not learned from; see reader/measuring.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from measuring.lines import Digits, Grey, Rng, photographed, write_line
from tendigits.data.load import load
from tendigits.digits.find import find_digit
from tendigits.digits.foreground import find_foreground
from tendigits.geometry import Box
from tendigits.pictures.image import open_image
from tendigits.read.reader import Reader

Truth = str | list[str]

DIGITS = "0123456789"

CROP = 64
"""Pixels of a digit's longer side, or of a line's height, in a crop."""

MARGIN = 13
"""White margin: with it, a digit fills as much of its square as in MNIST, 20 of 28."""


TITLES = {
    "exam": "exam: boxes of exam papers, 28x28 pixels",
    "kensanata": "kensanata: scanned forms",
    "stylus": "stylus: pen paths of a tablet",
    "mnist": "MNIST's test digits, 28x28 pixels",
    "lines of MNIST": "Lines of 3 to 8 of MNIST's test digits",
    "lines of scans": "Lines of 3 to 8 of the scans' digits",
    "signed lines of MNIST": "Lines with signs, MNIST's test digits",
    "signed lines of scans": "Lines with signs, the scans' digits",
    "pages": "Pages of ten lines",
    "touching pages": "Pages of ten lines, one pair of digits in five touching",
    "photos": "Photos of eight lines on squared paper on a dark desk, aslant and shaded",
    "cheques": "Amounts on cheques",
    "sudoku_times": "Photographed times such as 1:24:05",
    "sudoku_photo": "Numbers in photographed 9x9 grids",
    "cells_gradesheet": "Cells of mark sheets",
    "lectaurep_numbers": "Strings of held-out writers: registers of 1829 to 1939",
    "line_numbers": "Strings of held-out writers: numbers in letters and notebooks",
    "spaced pages": "Pages of five numbers whose digits stand up to 1.5 heights apart",
    "column sums": "Sums and differences written below each other",
    "marks": "Check marks, boxes, question marks",
    "words": "Words in joined handwriting",
    "signatures": "Signatures",
    "letters": "Letters of other fonts",
    "scribbles": "Scribbles of another generator",
    "timed line": "a line with signs",
    "timed page": "a page of ten lines",
    "timed photo": "a JPEG of 12 megapixels, nine lines",
}
"""The sets' names in tables."""


@dataclass(frozen=True)
class Set:
    """Pictures of one kind."""

    name: str
    kind: str
    """digit, line, page, grid (a page of numbers in cells) or nothing (there is no number in it)."""
    truth: list[Truth]
    """The truth of each picture: a string, for a page a list of lines, for a grid its numbers."""
    files: dict[str, list[list[Path]]] = field(default_factory=dict)
    """Setting (bare or cropped) -> the files of each picture: one, or for a cropped page one per line."""
    keep: str = DIGITS
    """Characters that the truth may have; of what is read, others are left out."""

    def first(self, n: int | None) -> "Set":
        """The first `n` pictures."""
        return replace(self, truth=self.truth[:n], files={given: all_[:n] for given, all_ in self.files.items()})


def scans(folder: Path, limit: int | None) -> Set:
    """The pictures of a folder with a labels.csv, unchanged."""
    with (folder / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))[:limit]
    return Set(folder.name, "digit", [row["label"] for row in rows], {"bare": [[folder / row["path"]] for row in rows]})


def pictures(name: str, kind: str, made: Iterable[tuple[Grey, Truth]], folder: Path, keep: str = DIGITS) -> Set:
    """Generated pictures, written to a folder as PNG."""
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    files, truth = [], []
    for number, (picture, value) in enumerate(made):
        path = target / f"{number:05d}.png"
        cv2.imwrite(str(path), picture)
        files.append([path])
        truth.append(value)
    return Set(name, kind, truth, {"bare": files}, keep)


def drawn(draw: Callable[[Rng], tuple[Grey, Truth]], n: int, seed: int) -> Iterator[tuple[Grey, Truth]]:
    """Draw `n` pictures, each with its truth."""
    rng = np.random.default_rng(seed)
    return (draw(rng) for _ in range(n))


def mnist_digits(path: Path) -> Digits:
    """MNIST's test digits, to write lines with."""
    data = load(path)
    return Digits([*data.x_test], data.y_test.tolist())


def photo(digits: Digits, rng: Rng, lines: int = 10) -> tuple[Grey, list[str]]:
    """Lines as a phone photographs them: uint8 (3000, 4000), 12 megapixels."""
    sheet, values = np.zeros((3000, 4000), np.float32), []
    for number in range(lines):
        strength, value = write_line(digits, rng, int(rng.integers(3, 9)), touching=0.0)
        strength = cv2.resize(strength, None, fx=2.6, fy=2.6, interpolation=cv2.INTER_LINEAR)
        y, x = 150 + 275 * number, int(rng.integers(200, 3800 - strength.shape[1]))
        sheet[y : y + strength.shape[0], x : x + strength.shape[1]] = strength
        values.append(value)
    return photographed(sheet, rng), values


def ink_of(sets: Sequence[Set]) -> Digits:
    """The foreground of the digits in some sets, to write lines with."""
    kept: list[tuple[Grey, int]] = []
    for own in sets:
        for (path,), label in zip(own.files["bare"], own.truth, strict=True):
            foreground = find_foreground(open_image(path).grey)
            if foreground is not None and (foreground > 100).any():
                kept.append((foreground, int(str(label))))
    return Digits([foreground for foreground, _ in kept], [label for _, label in kept])


def with_crops(own: Set, n: int, folder: Path) -> Set:
    """The set with crops of its first `n` pictures, as our reader makes them for its network."""
    target = folder / f"{own.name}-cropped"
    target.mkdir(parents=True, exist_ok=True)
    files = []
    for number, (path,) in enumerate(own.files["bare"][:n]):
        crops = [digit_crop(path)] if own.kind == "digit" else line_crops(path, join=own.kind == "line")
        files.append([target / f"{number:05d}-{part:02d}.png" for part in range(len(crops))])
        for where, crop in zip(files[-1], crops, strict=True):
            cv2.imwrite(str(where), crop)
    return replace(own, files={**own.files, "cropped": files})


def digit_crop(path: Path) -> Grey:
    """The crop of a picture of one digit: dark on white, in a square whose sides have CROP pixels and a margin."""
    box = find_digit(path).box
    grey = open_image(path).grey
    times = -(-CROP // max(grey.shape))  # a tiny picture is made larger, as the reader does
    if times > 1:
        grey = cv2.resize(grey, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
        box = Box(*(edge * times for edge in box))
    foreground = find_foreground(grey)
    paper = grey if foreground is None else 255 - foreground
    cut = paper[box.top : box.bottom, box.left : box.right]
    scale = CROP / max(cut.shape)
    size = max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale))
    cut = cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    across, down = CROP - size[0], CROP - size[1]
    crop: Any = cv2.copyMakeBorder(
        cut, MARGIN + down // 2, MARGIN + down - down // 2, MARGIN + across // 2, MARGIN + across - across // 2,
        cv2.BORDER_CONSTANT, value=255,
    )  # fmt: skip
    return np.asarray(crop, np.uint8)


def line_crops(path: Path, join: bool) -> list[Grey]:
    """What our reader finds in a picture of lines, cut out of it.

    Args:
        join: it is known to be one line, so all that was found goes into one crop.
    """
    grey = open_image(path).grey
    boxes = [line.box for line in Reader().read(path).numbers]
    if join or not boxes:
        whole = Box(0, 0, grey.shape[1], grey.shape[0])
        boxes = [reduce(Box.join, boxes) if boxes else whole]
    crops = []
    for box in boxes:
        room = round(0.25 * box.height)
        rows, columns = (
            slice(max(0, first - room), last + room) for first, last in ((box.top, box.bottom), (box.left, box.right))
        )
        crops.append(np.ascontiguousarray(grey[rows, columns]))
    return crops


CHARACTERS_OF = {"sudoku_times": DIGITS + ":"}
"""Characters that the labels of a set have; of what is read, others are left out. Default: digits."""


def number_sets(folder: Path, limit: int | None) -> Iterator[Set]:
    """The folders with a labels.csv, as lines, as grids where labels have cells, or as pictures of nothing."""
    for labels in sorted(folder.glob("*/labels.csv")):
        with labels.open() as file:
            rows = list(csv.DictReader(file))[:limit]
        kind = kind_of([row["label"] for row in rows])
        truth = [cells(row["label"]) if kind == "grid" else row["label"] for row in rows]
        name = labels.parent.name
        files = {"bare": [[labels.parent / row["path"]] for row in rows]}
        yield Set(name, kind, truth, files, CHARACTERS_OF.get(name, DIGITS))


def kind_of(labels: list[str]) -> str:
    """The kind of a set with these labels."""
    if not any(labels):
        return "nothing"
    return "grid" if any("|" in label for label in labels) else "line"


def digits_in(label: str) -> str:
    """The digits of a label."""
    return "".join(filter(str.isdigit, label))


def cells(label: str) -> list[str]:
    """The numbers of a grid, row by row, without empty cells and those that aren't scored."""
    return [cell for row in label.split("|") for cell in row.split(";") if cell not in ("", "?")]
