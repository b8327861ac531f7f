"""Non-digits of kinds that the reader's networks were not trained on: cursive words, signatures, letters, scribbles.

picture = KINDS["words"](rng)    # uint8 (height, width), dark on paper, photographed as lines.py does it
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from measuring.lines import Grey, Rng, photographed

FONTS = ("DejaVuSerif.ttf", "cmss10.ttf", "STIXGeneral.ttf")
"""Fonts that come with matplotlib; the training draws from others (reader/synthesis/printed.py)."""

LETTERS = "ACEFHKLMNPRTUVWXadefhkmnrtuvwx"
"""Letters that nobody takes for digits: without I l O o Z z S s B b G g q J j D c i Y y."""

# A few letters of joined handwriting: points from the baseline (1) to the top of tall letters (0); a small letter has
# its top at 0.5. Each begins where the one before has ended; what is put on afterwards, a dot or a bar, comes second.
CURSIVE: dict[str, list[list[tuple[float, float]]]] = {
    "a": [[(0.0, 1.0), (0.35, 0.58), (0.1, 0.62), (0.06, 0.94), (0.3, 0.94), (0.4, 0.55), (0.41, 0.94), (0.6, 1.0)]],
    "c": [[(0.0, 1.0), (0.34, 0.62), (0.15, 0.57), (0.05, 0.84), (0.2, 1.0), (0.5, 0.95)]],
    "d": [[(0.0, 1.0), (0.35, 0.6), (0.1, 0.62), (0.06, 0.94), (0.3, 0.94), (0.46, 0.0), (0.43, 0.94), (0.62, 1.0)]],
    "e": [[(0.0, 1.0), (0.24, 0.76), (0.25, 0.55), (0.08, 0.66), (0.1, 0.94), (0.28, 1.0), (0.48, 0.92)]],
    "h": [[(0.0, 1.0), (0.25, 0.3), (0.2, 0.0), (0.1, 0.12), (0.1, 1.0), (0.26, 0.6), (0.4, 0.6), (0.6, 1.0)]],
    "i": [[(0.0, 1.0), (0.15, 0.55), (0.16, 0.95), (0.35, 1.0)], [(0.15, 0.33), (0.18, 0.35)]],
    "l": [[(0.0, 1.0), (0.25, 0.3), (0.2, 0.0), (0.09, 0.15), (0.12, 0.92), (0.35, 1.0)]],
    "m": [[(0.0, 0.7), (0.08, 0.55), (0.1, 1.0), (0.25, 0.58), (0.32, 1.0), (0.47, 0.58), (0.57, 0.7), (0.75, 1.0)]],
    "n": [[(0.0, 0.7), (0.08, 0.55), (0.1, 1.0), (0.28, 0.57), (0.38, 0.66), (0.4, 0.95), (0.56, 1.0)]],
    "r": [[(0.0, 1.0), (0.12, 0.48), (0.18, 0.6), (0.36, 0.58), (0.3, 0.92), (0.5, 1.0)]],
    "s": [[(0.0, 1.0), (0.2, 0.48), (0.3, 0.76), (0.24, 1.0), (0.06, 0.95), (0.46, 0.98)]],
    "t": [[(0.0, 1.0), (0.2, 0.1), (0.17, 0.92), (0.4, 1.0)], [(0.03, 0.4), (0.36, 0.36)]],
    "u": [[(0.0, 0.8), (0.06, 0.55), (0.1, 0.95), (0.3, 0.95), (0.38, 0.55), (0.4, 0.95), (0.56, 1.0)]],
    "v": [[(0.0, 0.8), (0.07, 0.55), (0.22, 1.0), (0.36, 0.55), (0.55, 0.62)]],
}  # fmt: skip

WORDS = "sand train letter minute harvest chart sent until metal value read lunar satin ardent hundreds idea"

FIELD = 96
"""Width and height of the canvas, in pixels."""


def letter(rng: Rng) -> Grey:
    """A printed letter, slightly rotated."""
    font = _font(FONTS[int(rng.integers(len(FONTS)))], int(rng.integers(40, 66)))
    image = Image.new("L", (FIELD, FIELD))
    middle = (FIELD / 2, FIELD / 2)
    ImageDraw.Draw(image).text(middle, LETTERS[int(rng.integers(len(LETTERS)))], fill=255, font=font, anchor="mm")
    return photographed(_strength(np.array(image.rotate(rng.uniform(-8, 8), Image.Resampling.BILINEAR))), rng)


def scribble(rng: Rng) -> Grey:
    """A scrawl, hatching or a signature: long strokes that cross themselves many times."""
    draw = (_scrawl, _hatching, _signature)[int(rng.integers(3))]
    ink = np.zeros((FIELD, FIELD), np.uint8)
    points = _fitted(draw(rng), rng)
    cv2.polylines(ink, [np.round(points * 16).astype(np.int32)], False, 255, int(rng.integers(2, 6)), cv2.LINE_AA, 4)
    return photographed(_strength(ink), rng)


def word(rng: Rng) -> Grey:
    """A word in joined handwriting, slanted."""
    text, em = str(rng.choice(WORDS.split())), rng.uniform(60, 100)
    main: list[tuple[float, float]] = []
    paths, x = [], 0.0
    for each in text:
        stroke, *later = CURSIVE[each]
        x = main[-1][0] if main else 0.0
        main += [(x + a, b) for a, b in stroke]
        paths += [np.array([(x + a, b) for a, b in points]) for points in later]
    slant, narrow = rng.uniform(-0.1, 0.5), rng.uniform(0.75, 1.1)
    curves = [points + rng.normal(0, 0.025, points.shape) for points in (np.array(main), *paths)]
    slanted = [np.stack([narrow * p[:, 0] + slant * (1 - p[:, 1]), p[:, 1]], 1) * em for p in curves]
    return _written([_smooth(points) for points in slanted], rng)


def signature(rng: Rng) -> Grey:
    """A tall first letter, waves that become smaller, and often a stroke below."""
    n = int(rng.integers(6, 14))
    x = np.cumsum(rng.uniform(0.02, 0.3, n))
    fading = np.linspace(1, rng.uniform(0.1, 0.5), n)
    y = np.where(np.arange(n) % 2, 1, -1) * rng.uniform(0.2, 0.7, n) * fading + rng.normal(0, 0.08, n)
    start = rng.uniform((-0.5, -1.1), (0.3, 0.6), (int(rng.integers(4, 7)), 2))
    paths = [np.concatenate([start, np.stack([x, y], 1)])]
    if rng.random() < 0.6:
        left, right = rng.uniform(-0.5, 0.2), x[-1] + rng.uniform(-0.3, 0.6)
        middle = (left + right) / 2, rng.uniform(0.7, 1.1)
        paths.append(np.array([(left, rng.uniform(0.7, 1.0)), middle, (right, rng.uniform(0.4, 0.9))]))
    em = rng.uniform(50, 90)
    return _written([_smooth(points * (1, 0.8) * em) for points in paths], rng)


def _smooth(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A curve through the points (Catmull-Rom): (m, 2)."""
    p = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, 12, endpoint=False)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    curve: NDArray[np.float64] = np.concatenate([*parts, points[-1:]])
    return curve


def _written(paths: list[NDArray[np.float64]], rng: Rng) -> Grey:
    """Curves, in pixels, written with a pen of 2 to 5 pixels on paper that reaches a little further."""
    every = np.concatenate(paths)
    first, margin, pen = every.min(axis=0), 24, int(rng.integers(2, 6))
    width, height = (np.ceil(every.max(axis=0) - first).astype(int) + 2 * margin).tolist()
    ink = np.zeros((height, width), np.uint8)
    for points in paths:
        pixels = np.round((points - first + margin) * 16).astype(np.int32)
        cv2.polylines(ink, [pixels], False, 255, pen, cv2.LINE_AA, 4)
    return photographed(_strength(ink), rng)


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    import matplotlib as mpl

    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name), size)


def _scrawl(rng: Rng) -> NDArray[np.float64]:
    """A random curve whose direction changes smoothly: (n, 2)."""
    turn = np.convolve(rng.normal(0, 1, 260), np.ones(9) / 9, mode="valid") * 1.1
    angle = rng.uniform(0, 2 * np.pi) + np.cumsum(turn)
    home = np.stack([np.cos(angle), np.sin(angle)], 1)
    points = np.zeros_like(home)
    for i in range(1, len(points)):  # pulled towards the middle, so that it becomes a tangle
        points[i] = 0.985 * points[i - 1] + home[i]
    return points


def _hatching(rng: Rng) -> NDArray[np.float64]:
    """Back and forth, as one fills an area or strikes something out: (n, 2)."""
    n = int(rng.integers(7, 15))
    side = np.where(np.arange(n) % 2, 1.0, -1.0) * rng.uniform(0.7, 1.1, n)
    along = np.linspace(-1, 1, n) * rng.uniform(0.7, 1.3) + rng.normal(0, 0.04, n)
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rotated: NDArray[np.float64] = np.stack([side, along], 1) @ turn.T
    return rotated


def _signature(rng: Rng) -> NDArray[np.float64]:
    """Four to seven loops side by side, of different heights: (n, 2)."""
    loops = int(rng.integers(4, 8))
    t = np.linspace(0, 2 * np.pi * loops, 30 * loops)
    height = np.interp(t, np.linspace(0, t[-1], loops + 1), rng.uniform(0.3, 1.2, loops + 1))
    return np.stack([0.45 * t - np.sin(t) * rng.uniform(0.6, 1.4), height * np.cos(t) * 1.6], 1)


def _fitted(points: NDArray[np.float64], rng: Rng) -> NDArray[np.float64]:
    """The points centred on the canvas, their longer side 55 to 78 pixels."""
    points = points - points.min(axis=0)
    points = points * (rng.uniform(55, 78) / points.max())
    centred: NDArray[np.float64] = points + (FIELD - points.max(axis=0)) / 2
    return centred


def _strength(ink: Grey) -> NDArray[np.float32]:
    """0 to 255 -> 0 to 1, as `photographed` expects."""
    return ink.astype(np.float32) / np.float32(255)


KINDS: dict[str, Callable[[Rng], Grey]] = {
    "words": word,
    "signatures": signature,
    "letters": letter,
    "scribbles": scribble,
}
"""Sets of pictures with nothing to read."""
