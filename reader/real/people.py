"""How real people write digits and operators: drawings by label, white on black, for each person or group.

people = load_people(folder, x_train, y_train)      # to be given to Shapes
"""

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from real.files import Purpose, load, purpose_of
from synthesis.glyphs import Grey, Rng
from synthesis.hands import Drawings, People

SHARES = {"pen": 0.3, "mnist": 0.22, "optdigits": 0.1, "bhmsds": 0.1}
"""Shares of the mixed hands that are people with a digital pen, people in MNIST, and people in two other sets."""

OPERATORS = {"+": "+", "x": "×", "÷": "÷"}
"""Labels of mdas_signs.npz whose drawings are taken, and what they are in CHARACTERS."""

PATH_HEIGHT, PATH_WIDTH, PATH_PEN = 36, 80, 3
"""Pixels: height of a pen's path when it is drawn, its largest width, and the pen."""

STRETCHED_HEIGHT, ONE_WIDTH, DIGIT_WIDTH = 56, (0.3, 0.55), (0.5, 0.85)
"""Pixels, and widths as fractions of the height, of digits that were stretched to squares."""


def load_people(folder: Path, x: Grey, y: NDArray[np.uint8], seed: int) -> People:
    """The people who are not held out, by their share of the mixed hands.

    Args:
        x: MNIST's training digits to learn from, uint8 (n, 28, 28).
        y: their labels, uint8 (n,).
    """
    rng = np.random.default_rng(seed)
    slashes = [255 - each.picture for each in load(folder / "bhmsds.npz") if each.label == "slash"]
    signs: Drawings = {"/": [_widened("/", drawing, rng) for drawing in slashes]}
    for picture, label, _ in load(folder / "mdas_signs.npz"):
        if label in OPERATORS:
            signs.setdefault(OPERATORS[label], []).append(255 - picture)
    groups = {
        "pen": _pen_people(folder / "pendigits_strokes.npz"),
        "mnist": _mnist_people(folder / "mnist_train_writers.npz", x, y),
        "optdigits": [_stretched_digits(folder / "optdigits_orig.npz", rng)],
        "bhmsds": [_stretched_digits(folder / "bhmsds.npz", rng)],
    }
    return [(SHARES[name], [{**person, **signs} for person in people]) for name, people in groups.items()]


def draw_path(strokes: list[NDArray[np.float32]]) -> Grey:
    """Draw a pen's path, strokes of points (n, 2), from left to right and from top to bottom."""
    points = np.concatenate(strokes)
    first, size = points.min(axis=0), np.ptp(points, axis=0)
    scale = min(PATH_HEIGHT / max(8, size[1]), PATH_WIDTH / max(8, size[0]))
    width, height = (np.ceil(size * scale).astype(int) + 3 * PATH_PEN).tolist()
    drawing = np.zeros((height, width), np.uint8)
    for stroke in strokes:
        path = np.round(((stroke - first) * scale + 1.5 * PATH_PEN) * 16).astype(np.int32)
        cv2.polylines(drawing, [path], False, 255, PATH_PEN, cv2.LINE_AA, shift=4)
    return drawing


def _pen_people(path: Path) -> list[Drawings]:
    with np.load(path) as file:
        points, sizes, first = file["points"].astype(np.float32), file["stroke_points"], file["stroke_offset"]
        labels, writers = file["label"].tolist(), file["writer"].tolist()
    strokes = np.split(points, np.cumsum(sizes)[:-1])
    people: dict[str, Drawings] = defaultdict(lambda: defaultdict(list))
    for i, (label, writer) in enumerate(zip(labels, writers, strict=True)):
        if purpose_of(writer) is Purpose.LEARN:
            people[writer][label].append(draw_path(strokes[first[i] : first[i + 1]]))
    return [*people.values()]


def _mnist_people(path: Path, x: Grey, y: NDArray[np.uint8]) -> list[Drawings]:
    with np.load(path) as file:
        writers = file["writer"].tolist()
    people: dict[int, Drawings] = defaultdict(lambda: defaultdict(list))
    for drawing, label, writer in zip(x, y.tolist(), writers, strict=False):
        if purpose_of(str(writer)) is Purpose.LEARN:
            people[writer][str(label)].append(drawing)
    return [*people.values()]


def _stretched_digits(path: Path, rng: Rng) -> Drawings:
    digits: Drawings = defaultdict(list)
    for picture, label, _ in load(path):
        if label.isdigit():
            digits[label].append(_widened(label, 255 - picture, rng))
    return digits


def _widened(label: str, drawing: Grey, rng: Rng) -> Grey:
    """Give a drawing that fills a square a width that people write."""
    width = rng.uniform(*(ONE_WIDTH if label in "1/" else DIGIT_WIDTH))
    size = round(width * STRETCHED_HEIGHT), STRETCHED_HEIGHT
    return np.asarray(cv2.resize(drawing, size, interpolation=cv2.INTER_CUBIC), np.uint8)
