"""The crops that the reader network learns from: digits by synthetic writers and non-digits.

python reader/pool.py --variants 6        # .reader/pool.npz, ten minutes on two cores

Each picture has its own seed. The reader itself finds the digit in it, and the 28x28 crop that its network would see
is kept.
"""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from split import between, pieces_of, seams_of
from synthesis.nondigits import draw_sign, is_stroke_or_ring
from synthesis.pairs import HEIGHT, tight, touching
from synthesis.writers import NOT_A_DIGIT, SyntheticWriter
from tendigits.data.load import load
from tendigits.data.preprocess import to_mnist
from tendigits.digits.find import find_digit

ROOT = Path(__file__).parent.parent
POOL = ROOT / ".reader" / "pool.npz"
HELD_OUT = 5000
"""Training digits at the end that are held out, for the temperature and the threshold."""

NONDIGITS = 0.25
"""Non-digits per digit."""

CLEAN = {"train": 0.1, "held": 0.5}
"""Share of the digits that are MNIST's own. The training digits are harder than real ones."""

CUT = 0.3
"""Rows of touching digits, to be cut, per digit."""

THREE, ONES, BAD = 0.3, 0.15, 0.6
"""Share of these rows that have three digits, of the further digits that are always a 1, and of the rows that also
yield a wrong piece."""

CUT_SIGNS = 0.08
"""Pieces of letters and signs per digit."""

NEAR_BEST = 0.05
"""A piece may hold this much less of a digit than the best piece."""

RIGHT, WRONG = 0.85, 0.5
"""A piece with at least the share RIGHT of a digit is that digit; with less than WRONG of each it is a non-digit."""


@dataclass(frozen=True)
class Task:
    """Some rows of a part, in one variant."""

    path: str | None
    """Digits; None is MNIST."""
    part: str
    """"train" or "held"."""
    first: int
    end: int
    variant: int


@cache
def writer_of(path: str | None, part: str) -> SyntheticWriter:
    """Writes the digits of one part."""
    data = load(path)
    rows = slice(None, -HELD_OUT) if part == "train" else slice(-HELD_OUT, None)
    return SyntheticWriter(data.x_train[rows], data.y_train[rows])


def crops(task: Task) -> tuple[Any, Any]:
    """Make the crops of some digits, each in one variant, and of the non-digits that go with them."""
    writer = writer_of(task.path, task.part)
    x, y = [], []
    for i in range(task.first, min(task.end, len(writer.y))):
        rng = np.random.default_rng((task.part == "train", task.variant, i))
        if rng.random() < CLEAN[task.part]:
            x.append(find_digit(writer.x[i]).crop)
            y.append(int(writer.y[i]))
        else:
            picture, label = writer.picture(i, rng)
            x.append(find_digit(picture).crop)
            y.append(label)
        if rng.random() < CUT:
            for crop, label in cut_row(writer, i, rng):
                x.append(crop)
                y.append(label)
        if rng.random() < NONDIGITS:
            x.append(find_digit(writer.nondigit(rng)).crop)
            y.append(NOT_A_DIGIT)
        rng = np.random.default_rng((task.part == "train", task.variant, i, 1))
        if rng.random() < CUT_SIGNS and (crop := cut_sign(rng)) is not None:
            x.append(crop)
            y.append(NOT_A_DIGIT)
    return np.array(x, np.uint8), np.array(y, np.uint8)


def cut_row(writer: SyntheticWriter, i: int, rng: np.random.Generator) -> Iterator[tuple[Any, int]]:
    """Cut the i-th digit and one or two that touch it as the reader would.

    Yields for each digit a piece that holds most of it and little of the others, and sometimes a wrong piece.
    """
    rows = [i, *(_another(writer, rng) for _ in range(1 + (rng.random() < THREE)))]
    rng.shuffle(rows)
    digits, labels = zip(*(writer.digit(row, rng) for row in rows), strict=True)
    drawings = touching(digits, rng)
    row = cv2.GaussianBlur(np.maximum.reduce(drawings), (0, 0), rng.uniform(0.3, 1.5))
    seams = seams_of(row, HEIGHT)
    pieces = pieces_of(seams, HEIGHT)
    fractions = np.array([_fractions(drawings, seams, piece) for piece in pieces])  # (pieces, digits)
    others = np.array([np.delete(fractions, k, axis=1).max(axis=1) for k in range(len(drawings))]).T
    purity = np.minimum(fractions, 1 - others)
    for k, label in enumerate(labels):
        good = np.flatnonzero(purity[:, k] >= max(RIGHT, purity[:, k].max() - NEAR_BEST))
        if len(good):
            yield to_mnist(between(row, seams, pieces[int(rng.choice(good))])), label
    bad = np.flatnonzero(purity.max(axis=1) < WRONG)
    if len(bad) and rng.random() < BAD:
        chosen = int(rng.choice(bad))
        part = between(row, seams, pieces[chosen])
        if np.sort(fractions[chosen])[-2] > RIGHT or not is_stroke_or_ring(part):  # a part may look like a 1 or a 0
            yield to_mnist(part), NOT_A_DIGIT


def cut_sign(rng: np.random.Generator) -> Any:
    """Cut a letter or sign as if it were touching digits; returns a piece, or None if it looks like a digit."""
    drawing = tight(draw_sign(rng))
    scale = HEIGHT * rng.uniform(0.8, 1.2) / max(drawing.shape)
    size = max(2, round(drawing.shape[1] * scale)), max(2, round(drawing.shape[0] * scale))
    sign = cv2.GaussianBlur(cv2.resize(drawing, size), (0, 0), rng.uniform(0.3, 1.5))
    seams = seams_of(sign, HEIGHT)
    pieces = pieces_of(seams, HEIGHT)
    part = between(sign, seams, pieces[int(rng.integers(len(pieces)))])
    return None if is_stroke_or_ring(part, narrow=0.3) else to_mnist(part)


def _another(writer: SyntheticWriter, rng: np.random.Generator) -> int:
    """Choose a digit to touch another; often a 1, which is the easiest to overlook."""
    rows = np.flatnonzero(writer.y == 1) if rng.random() < ONES else np.arange(len(writer.y))
    return int(rng.choice(rows))


def _fractions(drawings: list[Any], seams: list[Any], piece: tuple[int, int]) -> list[float]:
    """Share of each digit, 0 to 1, that a piece holds."""
    columns = np.arange(drawings[0].shape[1])
    inside = (columns >= seams[piece[0]][:, None]) & (columns < seams[piece[1]][:, None])
    return [float(drawing[inside].sum() / max(1, drawing.sum())) for drawing in drawings]


def make_pool(path: str | None, part: str, variants: int, workers: int) -> tuple[Any, Any]:
    """Make all crops of a part: uint8 (n, 28, 28) and labels uint8 (n,), 10 for non-digits. Blank ones are left out."""
    n = len(writer_of(path, part).y)
    tasks = [Task(path, part, first, first + 1000, v) for v in range(variants) for first in range(0, n, 1000)]
    with ProcessPoolExecutor(workers) as pool:
        parts = list(pool.map(crops, tasks))
    x, y = (np.concatenate([part[k] for part in parts]) for k in range(2))
    seen = x.any(axis=(1, 2))
    return x[seen], y[seen]


def main() -> None:
    """Make the pool and save it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="MNIST; default: the package's")
    parser.add_argument("--variants", type=int, default=6)
    given = parser.parse_args()
    workers = os.cpu_count() or 1
    x, y = make_pool(given.data, "train", given.variants, workers)
    x_held, y_held = make_pool(given.data, "held", 2, workers)
    POOL.parent.mkdir(exist_ok=True)
    np.savez(POOL, x=x, y=y, x_held=x_held, y_held=y_held)
    print(f"{len(y):,} crops to learn from, {len(y_held):,} held out, in {POOL.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
