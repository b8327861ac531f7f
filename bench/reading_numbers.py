"""Real numbers on paper, for measuring only: what our reader reads, what it accepts, and what of that is wrong.

    python bench/reading_numbers.py FOLDER      # of folders, each with a labels.csv: path,label

A label's rows are parted by `|`, the cells of a row by `;`; an empty cell has nothing, `?` isn't scored.
"""

import argparse
import csv
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from reading_sets import Set
from tendigits.read.reader import Reader
from tendigits.read.results import Page

DIGITS = "0123456789"

KEPT = {"sudoku_times": DIGITS + ":"}
"""Characters that the labels of a set have; of what is read, others are left out. Default: digits."""

COVERAGES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of the right numbers, for which the wrong ones among the accepted are told."""


def number_sets(folder: Path, limit: int | None) -> Iterator[Set]:
    """The folders with a labels.csv, as lines or, where labels have cells, as grids."""
    for labels in sorted(folder.glob("*/labels.csv")):
        with labels.open() as file:
            rows = list(csv.DictReader(file))[:limit]
        grid = any("|" in row["label"] for row in rows)
        name = labels.parent.name
        yield Set(
            name, "grid" if grid else "line", [cells(row["label"]) if grid else row["label"] for row in rows],
            {"bare": [[labels.parent / row["path"]] for row in rows]}, KEPT.get(name, DIGITS),
        )  # fmt: skip


def cells(label: str) -> list[str]:
    """The numbers of a grid, row by row, without empty cells and those that aren't scored."""
    return [cell for row in label.split("|") for cell in row.split(";") if cell not in ("", "?")]


def in_order(read: list[str], true: list[str]) -> list[int]:
    """Which of the numbers that were read are right, where both stand in the same order."""
    blocks = SequenceMatcher(a=true, b=read, autojunk=False).get_matching_blocks()
    return [i for block in blocks for i in range(block.b, block.b + block.size)]


def measure_trust(sets: list[Set]) -> list[dict[str, Any]]:
    """What our reader accepts, and how much of it is wrong: at its threshold, and where others would be."""
    reader = Reader()
    return [
        trust_of(own, [reader.read(path) for (path,) in own.files["bare"]], reader.number_threshold) for own in sets
    ]


def trust_of(own: Set, pages: list[Page], threshold: float) -> dict[str, Any]:
    """The same for one set. In a set of lines each picture counts once, by the least certain of what was read in it."""
    scored: list[tuple[float, bool]] = []
    n_right = 0
    for page, true in zip(pages, own.truth, strict=True):
        if isinstance(true, list):
            found = set(in_order([line.value for line in page.lines], true))
            scored += [(line.confidence, i in found) for i, line in enumerate(page.lines)]
            n_right += len(found)
        else:
            value = "".join(each for line in page.lines for each in line.value if each in own.keep)
            confidence = min((line.confidence for line in page.lines), default=0.0)
            n_right += value == true
            if page.lines:
                scored.append((confidence, value == true))
    n = sum(len(true) if isinstance(true, list) else 1 for true in own.truth)
    scored.sort(reverse=True)
    accepted = [right for confidence, right in scored if confidence >= threshold]
    curve = []
    for coverage in COVERAGES:
        taken = 0
        for count, (_, right) in enumerate(scored, 1):
            taken += right
            if right and taken >= coverage * n_right:
                curve.append([coverage, round(1 - taken / count, 4)])
                break
    return {
        "set": own.name, "n": n, "right": n_right, "accepted": len(accepted), "wrong_accepted": accepted.count(False),
        "curve": curve,
    }  # fmt: skip


def main() -> None:
    """Read all sets, and print what was read exactly, what was accepted, and what of that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="Folder of folders, each with a labels.csv.")
    parser.add_argument("--limit", type=int, help="Maximum number of pictures of each set, as a trial.")
    given = parser.parse_args()
    print("| set | n | read exactly | accepted | of these wrong | wrong share at coverage |")
    print("| :--- | ---: | ---: | ---: | ---: | :--- |")
    for own in measure_trust([*number_sets(given.folder, given.limit)]):
        curve = ", ".join(f"{coverage:.0%}: {wrong:.1%}" for coverage, wrong in own["curve"])
        print(f"| {own['set']} | {own['n']} | {own['right']} | {own['accepted']} | {own['wrong_accepted']} | {curve} |")


if __name__ == "__main__":
    main()
