"""Real numbers on paper, for measuring only: a folder of folders, each with a labels.csv (path,label).

A label's rows are parted by `|`, the cells of a row by `;`; an empty cell has nothing, `?` isn't scored. A folder whose
labels are all empty has pictures with nothing to read.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from reading_sets import DIGITS, Set

KEPT = {"sudoku_times": DIGITS + ":"}
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
        yield Set(name, kind, truth, files, KEPT.get(name, DIGITS))


def kind_of(labels: list[str]) -> str:
    """The kind of a set with these labels."""
    if not any(labels):
        return "nothing"
    return "grid" if any("|" in label for label in labels) else "line"


def cells(label: str) -> list[str]:
    """The numbers of a grid, row by row, without empty cells and those that aren't scored."""
    return [cell for row in label.split("|") for cell in row.split(";") if cell not in ("", "?")]
