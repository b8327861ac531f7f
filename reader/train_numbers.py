"""Train the networks that find numbers on a page, and that read lines.

python reader/train_numbers.py finder --minutes 25        # goes on from its last checkpoint
python reader/train_numbers.py numbers_1 --minutes 60       # one of the two networks that are averaged
python reader/train_numbers.py numbers_1 --strings FOLDER   # the same, and it learns from real writing, too
python reader/train_numbers.py numbers_1 --teacher FILE       # ... and from what an .onnx file of both says
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fetch_fonts import file_of, read_list
from pool import HELD_OUT
from real.lines import REAL, RealLines, load_papers
from real.people import load_people
from synthesis.fonts import load_fonts
from synthesis.hands import Shapes
from synthesis.lines import WIDTH, Line, LineWriter
from synthesis.pages import LOWEST, PageWriter
from synthesis.patterns import Patterns
from tendigits.data.mnist import load_data
from tendigits.data.preprocess import standardize
from tendigits.numbers.decode import HEIGHT, NONE, STRIDE
from tendigits.numbers.finder import even_contrast
from tendigits.numbers.network import NumberNetwork
from training import ROOT, Samples, Task, save_weights, train, workers

SEED = 7

GAP = 16
"""Pixels between two lines of a strip."""


@cache
def _shapes(strings: Path | None = None, displays: bool = True) -> Shapes:
    cv2.setNumThreads(1)
    (x, y), _ = load_data()
    fonts = []
    for kind in ("written", "printed", "display")[: 3 if displays else 2]:
        paths = [file_of(row["name"]) for row in read_list() if row["kind"] == kind]
        fonts += load_fonts(paths, kind == "written", kind == "display")
    x, y = x[:-HELD_OUT], y[:-HELD_OUT]
    people = load_people(strings, x, y, SEED) if strings else ()
    return Shapes(x, y, fonts, np.random.default_rng(SEED), people)


@cache
def line_writer(strings: Path | None = None, displays: bool = True) -> LineWriter:
    """Writes lines with all shapes and fonts, and in the hands of the people in a folder of real writing."""
    papers = load_papers(strings) if strings else ()
    return LineWriter(_shapes(strings, displays), Patterns(np.random.default_rng(SEED), papers=papers))


@cache
def real_lines(strings: Path) -> RealLines:
    """The lines in a folder of real writing."""
    return RealLines(strings, line_writer(strings).patterns)


def lines(rng: np.random.Generator, n: int, good: bool, strings: Path | None) -> Iterator[Line]:
    """Lines to learn from: generated, and some real ones if there is a folder of them."""
    for line in line_writer(strings).lines(rng, n, good):
        while strings and rng.random() < REAL:
            yield real_lines(strings).line(rng, good)
        yield line


@cache
def page_writer(lowest: float = LOWEST, displays: bool = True) -> PageWriter:
    """Writes pages in the same way, with digits of at least this height in pixels."""
    return PageWriter(_shapes(displays=displays), Patterns(np.random.default_rng(SEED), shape=(800, 800), n=80), lowest)


@cache
def teacher(path: Path) -> NumberNetwork:
    """The network that a new one learns from."""
    return NumberNetwork(path.read_bytes(), 1)


def write_lines(
    seed: int, part: int, n: int, good: bool, strings: Path | None = None, taught_by: Path | None = None
) -> Samples:
    """Write lines and put them side by side in n strips: float16 (n, 40, 256, 1), and the targets for them.

    The targets are float16 (n, 128, 6), and with a teacher (n, 128, 6 + classes + 1); see number_network.py.
    """
    from number_network import soft_targets, targets

    x = np.zeros((n, HEIGHT, WIDTH, 1), np.float16)
    y = np.zeros((n, WIDTH // STRIDE, 6 + (NONE + 1 if taught_by else 0)), np.float16)
    y[..., 0] = NONE
    y[..., 6 + NONE :] = 1
    strip, left = 0, 0
    for line in lines(np.random.default_rng((seed, part)), 8 * n, good, strings):
        width = line.picture.shape[1]
        if left + width > WIDTH:
            strip, left = strip + 1, 0
            if strip == n:
                break
        x[strip, :, left : left + width, 0] = standardize(line.picture)
        place = y[strip, left // STRIDE : (left + width) // STRIDE]
        place[:, :6] = targets(line)
        if taught_by:
            place[:, 6:] = soft_targets(teacher(taught_by), line.picture, place[:, 0].astype(np.int64))
        left += width + GAP
    return x, y


def write_pages(seed: int, part: int, n: int, good: bool) -> Samples:
    """Write n pages: float16 (n, 320, 320, 1), and what the network should say, float16 (n, 80, 80, 3)."""
    from finder_network import targets

    pages = [*page_writer().pages(np.random.default_rng((seed, part)), n, good)]
    x = np.stack([standardize(even_contrast(page.picture)) for page in pages])[..., None]
    return x.astype(np.float16), np.stack([targets(page) for page in pages]).astype(np.float16)


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=("finder", "numbers_1", "numbers_2"))
    parser.add_argument("--minutes", type=float, default=100)
    parser.add_argument("--chunks", type=int, help="Chunks of the whole schedule.")
    parser.add_argument("--start", type=Path, help="Weights to begin with.")
    parser.add_argument("--rate", type=float, help="Peak of the learning rate.")
    parser.add_argument("--strings", type=Path, help="Folder of real writing to learn from.")
    parser.add_argument("--teacher", type=Path, help="File of another network, whose probabilities are learned, too.")
    parser.add_argument("--seed", type=int, default=SEED, help="Another one writes other samples.")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    os.environ["KERAS_BACKEND"] = "torch"  # on CPUs it multiplies bfloat16, more than twice as fast as XLA

    # isort: split
    import keras

    keras.config.set_dtype_policy("mixed_bfloat16")
    import finder_network
    import number_network

    if given.which == "finder":
        write: Any = partial(write_pages, given.seed)
        task = Task(
            "finder", write, finder_network.build, finder_network.loss, chunk=512, part=64, batch=8, good_from=0.5
        )
    else:
        write = partial(write_lines, given.seed, strings=given.strings, taught_by=given.teacher)
        task = Task(given.which, write, number_network.build, number_network.loss)
    task = replace(task, rate=given.rate or task.rate)
    chunks = given.chunks or (130 if given.which == "finder" else 110)
    with workers(given.workers) as pool:
        model = train(task, pool, given.minutes, chunks, given.start)
    save_weights(model, ROOT / "reader" / f"{task.name}.npz")


if __name__ == "__main__":
    main()
