"""The crops that the reader network learns from: MNIST's digits by many hands, and what is none, as the reader sees.

python reader/pool.py --data mnist.npz --variants 6        # .reader/pool.npz, ten minutes on two cores

Each picture is drawn from its own seed, goes through the reader's own eyes (ink, segment, prepare), and is kept as the
28x28 crop that the network would see.
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

from tendigits.data.hands import NOT_A_DIGIT, Hands
from tendigits.data.load import load
from tendigits.data.nondigits import draw_sign, is_stroke_or_ring
from tendigits.data.pairs import HEIGHT, tight, touching
from tendigits.data.preprocess import to_mnist
from tendigits.read.find import find_digit
from tendigits.read.split import between, pieces_of, seams_of

ROOT = Path(__file__).parent.parent
POOL = ROOT / ".reader" / "pool.npz"
HELD_OUT = 5000
"""The last so many training digits are never learned from: the temperature and the threshold come from them."""

NONDIGITS = 0.25
"""As many as this share of the digits."""

CLEAN = {"train": 0.1, "held": 0.5}
"""Share of the digits that are MNIST's own, only seen by the reader. What is learned from is harder than life."""

CUT = 0.3
"""As many rows of touching digits as this share of the digits, to be cut."""

THREE, ONES, BAD = 0.3, 0.15, 0.6
"""Share of these rows that have three digits, of the digits beside the first that are 1s for certain, and of the rows
that give a bad piece as well."""

CUT_SIGNS = 0.08
"""As many pieces of letters and signs as this share of the digits."""

NEAR_BEST = 0.05
"""A piece that has so much less of a digit than the best one is as good to learn from."""

RIGHT, WRONG = 0.85, 0.5
"""Share of a digit's own ink from which on it is still itself, and below which it is a part."""


@dataclass(frozen=True)
class Task:
    """Some rows of a part, in one variant."""

    path: str
    part: str
    """train or held."""
    first: int
    end: int
    variant: int


@cache
def hands(path: str, part: str) -> Hands:
    """The digits of one part."""
    data = load(path)
    rows = slice(None, -HELD_OUT) if part == "train" else slice(-HELD_OUT, None)
    return Hands(data.x_train[rows], data.y_train[rows])


def crops(task: Task) -> tuple[Any, Any]:
    """The crops of some digits, each in one variant, and of as many non-digits as belong to them."""
    made = hands(task.path, task.part)
    x, y = [], []
    for i in range(task.first, min(task.end, len(made.y))):
        rng = np.random.default_rng((task.part == "train", task.variant, i))
        if rng.random() < CLEAN[task.part]:
            x.append(find_digit(made.x[i]).crop)
            y.append(int(made.y[i]))
        else:
            picture, label = made.picture(i, rng)
            x.append(find_digit(picture).crop)
            y.append(label)
        if rng.random() < CUT:
            for crop, label in cut_row(made, i, rng):
                x.append(crop)
                y.append(label)
        if rng.random() < NONDIGITS:
            x.append(find_digit(made.nondigit(rng)).crop)
            y.append(NOT_A_DIGIT)
        rng = np.random.default_rng((task.part == "train", task.variant, i, 1))
        if rng.random() < CUT_SIGNS and (crop := cut_sign(rng)) is not None:
            x.append(crop)
            y.append(NOT_A_DIGIT)
    return np.array(x, np.uint8), np.array(y, np.uint8)


def cut_row(made: Hands, i: int, rng: np.random.Generator) -> Iterator[tuple[Any, int]]:
    """The i-th digit and one or two others that touch, cut as the reader would.

    Of each digit a piece that has most of it and little of the others, and a piece that has none so.
    """
    rows = [i, *(_another(made, rng) for _ in range(1 + (rng.random() < THREE)))]
    rng.shuffle(rows)
    digits, labels = zip(*(made.digit(row, rng) for row in rows), strict=True)
    inks = touching(digits, rng)
    row = cv2.GaussianBlur(np.maximum.reduce(inks), (0, 0), rng.uniform(0.3, 1.5))
    seams = seams_of(row, HEIGHT)
    pieces = pieces_of(seams, HEIGHT)
    shares = np.array([_shares(inks, seams, piece) for piece in pieces])  # (pieces, digits)
    others = np.array([np.delete(shares, k, axis=1).max(axis=1) for k in range(len(inks))]).T
    purity = np.minimum(shares, 1 - others)
    for k, label in enumerate(labels):
        good = np.flatnonzero(purity[:, k] >= max(RIGHT, purity[:, k].max() - NEAR_BEST))
        if len(good):
            yield to_mnist(between(row, seams, pieces[int(rng.choice(good))])), label
    bad = np.flatnonzero(purity.max(axis=1) < WRONG)
    if len(bad) and rng.random() < BAD:
        chosen = int(rng.choice(bad))
        part = between(row, seams, pieces[chosen])
        if np.sort(shares[chosen])[-2] > RIGHT or not is_stroke_or_ring(part):  # a part may be as good as a 1 or a 0
            yield to_mnist(part), NOT_A_DIGIT


def cut_sign(rng: np.random.Generator) -> Any:
    """A piece of a letter or sign, cut as if it were digits that touch; None where it may be taken for a digit."""
    ink = tight(draw_sign(rng))
    scale = HEIGHT * rng.uniform(0.8, 1.2) / max(ink.shape)
    size = max(2, round(ink.shape[1] * scale)), max(2, round(ink.shape[0] * scale))
    sign = cv2.GaussianBlur(cv2.resize(ink, size), (0, 0), rng.uniform(0.3, 1.5))
    seams = seams_of(sign, HEIGHT)
    pieces = pieces_of(seams, HEIGHT)
    part = between(sign, seams, pieces[int(rng.integers(len(pieces)))])
    return None if is_stroke_or_ring(part, narrow=0.3) else to_mnist(part)


def _another(made: Hands, rng: np.random.Generator) -> int:
    """The row of a digit to touch another, now and then a 1 for certain, which is the easiest to overlook."""
    rows = np.flatnonzero(made.y == 1) if rng.random() < ONES else np.arange(len(made.y))
    return int(rng.choice(rows))


def _shares(inks: list[Any], seams: list[Any], piece: tuple[int, int]) -> list[float]:
    """How much of each digit's ink a piece has, 0 to 1."""
    columns = np.arange(inks[0].shape[1])
    inside = (columns >= seams[piece[0]][:, None]) & (columns < seams[piece[1]][:, None])
    return [float(ink[inside].sum() / max(1, ink.sum())) for ink in inks]


def make_pool(path: str, part: str, variants: int, workers: int) -> tuple[Any, Any]:
    """All crops of a part: uint8 (n, 28, 28) and uint8 (n,), 10 for what is no digit; blank ones are left out."""
    n = len(hands(path, part).y)
    tasks = [Task(path, part, first, first + 1000, v) for v in range(variants) for first in range(0, n, 1000)]
    with ProcessPoolExecutor(workers) as pool:
        parts = list(pool.map(crops, tasks))
    x, y = (np.concatenate([part[k] for part in parts]) for k in range(2))
    seen = x.any(axis=(1, 2))
    return x[seen], y[seen]


def main() -> None:
    """Make and keep the pool."""
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
