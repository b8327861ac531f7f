"""Lines from real pictures, for the network that reads numbers: strings, words, and empty paper.

real = RealLines(folder, patterns)
line = real.line(rng)               # as synthesis/lines.py has them
"""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from real.align import align
from real.files import STRINGS, load
from synthesis.camera import coarser
from synthesis.glyphs import Grey, Rng
from synthesis.lines import HIGHEST, HIGHEST_GOOD, LOWEST, LOWEST_GOOD, WIDTH, Line
from synthesis.patterns import Patterns
from tendigits.numbers.decode import BAR, HEIGHT
from tendigits.numbers.network import bundled

REAL = 0.35
"""Share of the lines that are real."""

OF_STRINGS, OF_WORDS = 0.7, 0.1
"""Shares of the real lines with a string and a word; the others are empty paper, so that grain is not read."""

LONG, MORE_OFTEN = 3, 1.6
"""A string of at least three characters is taken 1.6 times as often as a shorter one."""

ROOM = 1.2
"""Digit heights of paper around a string, at most."""

SCALES = (0.25, 2.5)
"""Scales of empty paper, seen from far and from near."""

GRAIN = 0.3
"""Share of the empty paper that shows nothing but grain."""

RULE = 30
"""Of 255: a column of empty paper that is so much darker than the paper is a rule."""


class RealLines:
    """Writes lines from real pictures."""

    def __init__(self, folder: Path, patterns: Patterns) -> None:
        """Load a folder, and align its strings, which takes a minute."""
        network, examples = bundled(1), (example for name in STRINGS for example in load(folder / f"{name}.npz"))
        aligned = (align(network, example) for example in examples)
        self.strings = [string for string in aligned if string is not None]
        self.words = [example.picture for example in load(folder / "words_not_numbers.npz")]
        self.papers, self.patterns = load_papers(folder), patterns
        counts = Counter(string.writer for string in self.strings)
        often = [(MORE_OFTEN if len(s.labels) >= LONG else 1) / counts[s.writer] ** 0.5 for s in self.strings]
        self._until = np.cumsum(often) / sum(often)

    def line(self, rng: Rng, good: bool = False) -> Line:
        """Write one.

        Args:
            good: no very small or large digits.
        """
        chance = rng.random()
        if chance < OF_STRINGS:
            return self._string(rng, (LOWEST_GOOD, HIGHEST_GOOD) if good else (LOWEST, HIGHEST))
        return self._word(rng) if chance < OF_STRINGS + OF_WORDS else self._paper(rng)

    def _string(self, rng: Rng, heights: tuple[float, float]) -> Line:
        """A string in another size and slant, with more or less of the paper around it."""
        string = self.strings[int(np.searchsorted(self._until, rng.random()))]
        boxes = string.boxes
        down = rng.uniform(*heights) / string.height
        across, slant = down * float(np.exp(rng.normal(0, 0.12))), down * float(rng.normal(0, 0.14))
        written = boxes[[label != BAR for label in string.labels]]
        room = rng.uniform(0.1, ROOM, 2) * string.height if rng.random() < 0.7 else [WIDTH, WIDTH]
        left = max(0.0, written[:, 0].min() - room[0])
        right = min(string.picture.shape[1], written[:, 2].max() + room[1])
        width = min(WIDTH, max(24, 2 * round((right - left) * across / 2)))
        middle = float(written[:, [1, 3]].mean())
        turned = np.array([[across, -slant], [0, down]])
        shift = [0, HEIGHT / 2 + rng.normal(0, 1.6)] - turned @ [left, middle]
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2 @ turned.T + shift
        halves = (boxes[:, 2:] - boxes[:, :2]) / 2 * [across, down]
        shift += turned @ [0.5, 0.5] - 0.5  # a pixel's centre is 0, 0 for OpenCV, and 0.5, 0.5 here
        smooth = cv2.GaussianBlur(string.picture, (0, 0), 0.35 / down) if down < 0.6 else string.picture
        matrix = np.column_stack([turned, shift])
        picture = cv2.warpAffine(
            smooth, matrix, (width, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        kept = np.flatnonzero((centres[:, 0] > 0) & (centres[:, 0] < width))
        placed = np.concatenate([centres - halves, centres + halves], axis=1)[kept].astype(np.float32)
        return Line(self._photograph(picture, rng), [string.labels[i] for i in kept], placed)

    def _word(self, rng: Rng) -> Line:
        """A word that is about as high as a line."""
        picture = self.words[int(rng.integers(len(self.words)))]
        scale = HEIGHT / picture.shape[0] * float(rng.uniform(0.8, 1.25))
        width = min(WIDTH, max(24, 2 * round(picture.shape[1] * scale / 2)))
        matrix = np.array([[scale, 0, 0], [0, scale, (HEIGHT - scale * picture.shape[0]) / 2]])
        word = cv2.warpAffine(picture, matrix, (width, HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        return Line(self._photograph(word, rng), [], np.zeros((0, 4), np.float32))

    def _paper(self, rng: Rng) -> Line:
        """Empty paper, or grain alone, from far or near; rules of the paper are the sides of cells."""
        paper = draw_grain(rng) if rng.random() < GRAIN else self.papers[int(rng.integers(len(self.papers)))]
        width, scale = 2 * int(rng.integers(15, WIDTH // 2 + 1)), float(np.exp(rng.uniform(*np.log(SCALES))))
        rows, columns = min(paper.shape[0], round(HEIGHT / scale)), min(paper.shape[1], round(width / scale))
        top, left = int(rng.integers(paper.shape[0] - rows + 1)), int(rng.integers(paper.shape[1] - columns + 1))
        part = paper[top : top + rows, left : left + columns]
        picture = np.asarray(cv2.resize(part, (width, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
        boxes = np.array([(first, 0, end, HEIGHT) for first, end in rules_of(picture)], np.float32).reshape(-1, 4)
        return Line(self._photograph(picture, rng), [BAR] * len(boxes), boxes)

    def _photograph(self, picture: Grey, rng: Rng) -> Grey:
        """With another contrast, pen and camera, and something printed below."""
        taken = picture.astype(np.float32)
        if rng.random() < 0.3:
            taken = 255 * np.power(taken / 255, np.float32(rng.uniform(0.6, 1.7)))
        if rng.random() < 0.25:
            taken = (cv2.erode if rng.random() < 0.5 else cv2.dilate)(taken, np.ones((2, 2), np.uint8))
        if (chance := rng.random()) < 0.35:
            taken = cv2.GaussianBlur(taken, (0, 0), float(rng.uniform(0.3, 0.9)))
        elif chance < 0.65:
            taken = coarser(taken, float(rng.uniform(0.5, 0.9)))
        if rng.random() < 0.35:
            ground, fainter = float(np.median(taken)), float(rng.uniform(0.3, 0.9))
            taken = ground + (taken - ground) * fainter
        if rng.random() < 0.35:
            taken *= 1 - float(rng.uniform(0.03, 0.3)) * self.patterns.draw(rng, (HEIGHT, WIDTH))[:, : taken.shape[1]]
        if rng.random() < 0.5:
            taken += rng.standard_normal(taken.shape, np.float32) * np.float32(rng.uniform(0, 7))
        if rng.random() < 0.04:
            taken = 255 - taken
        return np.clip(taken, 0, 255).astype(np.uint8)


def draw_grain(rng: Rng) -> Grey:
    """Paper with nothing but grain, fine or coarse: uint8 (128, 384)."""
    grain = cv2.GaussianBlur(rng.standard_normal((128, 384), np.float32), (0, 0), float(rng.uniform(0.4, 4)))
    grain *= float(rng.uniform(1, 12) / grain.std())
    return np.asarray(np.clip(grain + rng.uniform(90, 220), 0, 255), np.uint8)


def rules_of(picture: Grey) -> list[tuple[int, int]]:
    """First column and end of each upright rule on empty paper."""
    darkness = np.median(picture) - np.percentile(picture, 80, axis=0)  # a rule is dark in nearly every row
    edges = np.flatnonzero(np.diff(darkness > RULE, prepend=False, append=False)).tolist()
    return [*zip(edges[::2], edges[1::2], strict=True)]


def load_papers(folder: Path) -> list[Grey]:
    """Empty paper, uint8 (height, width) each."""
    return [
        np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) for path in sorted((folder / "paper").glob("*.jpg"))
    ]
