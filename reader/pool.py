"""The patches that the reader network learns from: MNIST's digits by many hands, and what is none, as the reader sees.

python reader/pool.py --data mnist.npz --variants 8        # .reader/pool.npz, half an hour a million

Each picture is drawn from its own seed, goes through the reader's own eyes (ink, segment, prepare), and is kept as the
28x28 patch that the network would see.
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
from tendigits.data.nondigits import is_stroke_or_ring
from tendigits.data.pairs import HEIGHT, touching
from tendigits.data.prepare import to_mnist
from tendigits.read.find import find_digit
from tendigits.read.split import between, seams_of

ROOT = Path(__file__).parent.parent
POOL = ROOT / ".reader" / "pool.npz"
HELD_OUT = 5000
"""The last so many training digits are never learned from: the temperature and the threshold come from them."""

NONDIGITS = 0.25
"""As many as this share of the digits."""

CLEAN = {"train": 0.1, "held": 0.5}
"""Share of the digits that are MNIST's own, only seen by the reader. What is learned from is harder than life."""

CUT = 0.2
"""As many cut ones as this share of the digits: what is left of a digit that touched another."""

RIGHT, WRONG = 0.85, 0.6
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
    data = load(path, offline=True)
    rows = slice(None, -HELD_OUT) if part == "train" else slice(-HELD_OUT, None)
    return Hands(data.x_train[rows], data.y_train[rows])


def patches(task: Task) -> tuple[Any, Any]:
    """The patches of some digits, each in one variant, and of as many non-digits as belong to them."""
    made = hands(task.path, task.part)
    x, y = [], []
    for i in range(task.first, min(task.end, len(made.y))):
        rng = np.random.default_rng((task.part == "train", task.variant, i))
        if rng.random() < CLEAN[task.part]:
            x.append(find_digit(made.x[i]).patch)
            y.append(int(made.y[i]))
        else:
            picture, label = made.picture(i, rng)
            x.append(find_digit(picture).patch)
            y.append(label)
        if rng.random() < CUT:
            for patch, label in cut_pair(made, i, rng):
                x.append(patch)
                y.append(label)
        if rng.random() < NONDIGITS:
            x.append(find_digit(made.nondigit(rng)).patch)
            y.append(NOT_A_DIGIT)
    return np.array(x, np.uint8), np.array(y, np.uint8)


def cut_pair(made: Hands, i: int, rng: np.random.Generator) -> Iterator[tuple[Any, int]]:
    """The i-th digit and another one that touch, cut as the reader would: the good halves, and a bad one."""
    one, label = made.digit(i, rng)
    other, other_label = made.digit(int(rng.integers(len(made.y))), rng)
    left, right = touching(one, other, rng)
    pair = cv2.GaussianBlur(np.maximum(left, right), (0, 0), rng.uniform(0.3, 1.2))
    seams = seams_of(pair, HEIGHT)
    columns, bad = np.arange(pair.shape[1]), []
    best: tuple[float, Any] = (0.0, None)
    for seam in seams[1:-1]:
        before = columns < seam[:, None]
        own = float(left[before].sum() / left.sum()), float(right[~before].sum() / right.sum())
        best = max(best, (min(own), seam), key=lambda pair: pair[0])
        if min(own) < WRONG:
            bad.append((seam, own[0] < own[1]))
    sides = seams[0], seams[-1]
    if best[0] >= RIGHT:
        yield to_mnist(between(pair, [sides[0], best[1]], (0, 1))), label
        yield to_mnist(between(pair, [best[1], sides[1]], (0, 1))), other_label
    if bad:
        seam, on_left = bad[int(rng.integers(len(bad)))]
        part = between(pair, [sides[0], seam] if on_left else [seam, sides[1]], (0, 1))
        if not is_stroke_or_ring(part):
            yield to_mnist(part), NOT_A_DIGIT


def make_pool(path: str, part: str, variants: int, workers: int) -> tuple[Any, Any]:
    """All patches of a part: uint8 (n, 28, 28) and uint8 (n,), 10 for what is no digit; blank ones are left out."""
    n = len(hands(path, part).y)
    tasks = [Task(path, part, first, first + 1000, v) for v in range(variants) for first in range(0, n, 1000)]
    with ProcessPoolExecutor(workers) as pool:
        parts = list(pool.map(patches, tasks))
    x, y = (np.concatenate([part[k] for part in parts]) for k in range(2))
    seen = x.any(axis=(1, 2))
    return x[seen], y[seen]


def main() -> None:
    """Make and keep the pool."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--variants", type=int, default=8)
    given = parser.parse_args()
    workers = os.cpu_count() or 1
    x, y = make_pool(given.data, "train", given.variants, workers)
    x_held, y_held = make_pool(given.data, "held", 2, workers)
    POOL.parent.mkdir(exist_ok=True)
    np.savez(POOL, x=x, y=y, x_held=x_held, y_held=y_held)
    print(f"{len(y):,} patches to learn from, {len(y_held):,} held out, in {POOL.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
