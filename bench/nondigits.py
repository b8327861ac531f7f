"""Non-digits of kinds that the reader's network was not trained on: letters of other fonts, and other scribbles.

picture = letter(rng)            # uint8 (height, width), dark on paper, as pages.py photographs it
picture = scribble(rng)
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pages import Grey, Rng, photographed

FONTS = ("DejaVuSerif.ttf", "cmss10.ttf", "STIXGeneral.ttf")
"""Fonts that come with matplotlib; the training draws from others (reader/synthesis/printed.py)."""

LETTERS = "ACEFHKLMNPRTUVWXadefhkmnrtuvwx"
"""Letters that nobody takes for digits: without I l O o Z z S s B b G g q J j D c i Y y."""

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


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    import matplotlib as mpl

    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name), size)


def _scrawl(rng: Rng) -> NDArray[np.float64]:
    """A random walk with a smoothly changing direction: (n, 2)."""
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
