"""Crops of digits in lines, as a number's second opinion sees them: neighbours touch them, and real people write them.

python reader/line_crops.py --strings FOLDER        # .reader/line_crops.npz, five minutes on two cores

Signs, and boxes half on one digit and half on the next, are non-digits.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synthesis.glyphs import Grey, Rng
from synthesis.lines import Line
from synthesis.writers import NOT_A_DIGIT
from tendigits.digits.foreground import find_foreground
from tendigits.numbers.second_opinion import crop_characters
from train_numbers import lines
from training import FOLDER

LINE_CROPS = FOLDER / "line_crops.npz"
N_LINES, PART = 50_000, 500
SEED = 8

GOOD = 0.5
"""Share of the lines that anybody can read."""

SIGNS = "+-=×÷%"
"""Non-digits; a slash, a bracket or a point alone may look like a 1."""

BETWEEN = 0.05
"""Boxes between two digits, per digit."""

JITTER = 0.04
"""Standard deviation of a box's edges, in heights of a digit: those of the line network are not exact either."""

Crops = tuple[Grey, NDArray[np.uint8]]


def crops_of(line: Line, rng: Rng) -> Crops:
    """The crops in a line, uint8 (n, 28, 28), and their labels."""
    boxes, labels = [], []
    for label, box in zip(line.labels, line.boxes, strict=True):
        if label.isdigit() or label in SIGNS:
            boxes.append(box + rng.normal(0, JITTER * (box[3] - box[1]), 4))
            labels.append(int(label) if label.isdigit() else NOT_A_DIGIT)
    for (label, box), (next_label, next_box) in pairwise(zip(line.labels, line.boxes, strict=True)):
        if (label + next_label).isdigit() and rng.random() < BETWEEN:
            boxes.append((box + next_box) / 2)
            labels.append(NOT_A_DIGIT)
    return crop_characters(find_foreground(line.picture), boxes), np.array(labels, np.uint8)


def crops_of_lines(strings: Path | None, part: int) -> Crops:
    """The crops in PART lines."""
    rng = np.random.default_rng((SEED, part))
    made = [crops_of(line, rng) for line in lines(rng, PART, bool(rng.random() < GOOD), strings)]
    x, y = (np.concatenate([each[k] for each in made]) for k in range(2))
    is_seen = x.any(axis=(1, 2))
    return x[is_seen], y[is_seen]


def main() -> None:
    """Make the crops and save them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strings", type=Path, help="Folder of real writing to learn from.")
    given = parser.parse_args()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        made = [*pool.map(partial(crops_of_lines, given.strings), range(N_LINES // PART))]
    x, y = (np.concatenate([each[k] for each in made]) for k in range(2))
    FOLDER.mkdir(exist_ok=True)
    np.savez(LINE_CROPS, x=x, y=y)
    print(f"{len(y):,} crops, {np.bincount(y).tolist()} of each digit and of non-digits")


if __name__ == "__main__":
    main()
