"""From strokes and paper to a picture: light, print below the writing, blur, noise, compression.

picture = photograph(canvas, patterns, back, rng)        # uint8, of the canvas' shape
"""

from dataclasses import dataclass

import cv2
import numpy as np

from synthesis.glyphs import Floats, Grey, Rng
from synthesis.hands import Canvas
from synthesis.patterns import Patterns

SHADED, PRINTED, SEEN_THROUGH, UNEVEN_PEN, COMPRESSED, NEGATIVE = 0.5, 0.6, 0.06, 0.35, 0.25, 0.04
"""Shares of the pictures with uneven light, a printed pattern, writing on the back, a pen that fades, JPEG artefacts,
and light strokes on dark."""


GRAINY = 0.22
"""Share of the pictures whose strokes are grainy, as pencil on rough paper, except displays."""

FAINTER, FAINTEST = 0.3, 0.2
"""Share of the pictures whose writing is fainter than what is printed, as pencil over black rules, and what is left of
its contrast at least."""

HARD_SHADOW, DARKEST_SHADOW = 0.06, 0.35
"""Share of the pictures with the shadow of a hand or a phone on them, and what is left of the light in it at least."""


@dataclass(frozen=True)
class Light:
    """How bad a picture may be."""

    faintest: float
    """Least contrast of the strokes, 0 to 1."""
    pattern: float
    """How dark a printed pattern may be, as a share of the strokes' contrast."""
    coarsest: float
    """Scale of the camera with the fewest pixels."""
    grain: float
    """Standard deviation of the strongest grain, as a share of the strokes' contrast; 0 without any."""


POOR, GOOD = Light(0.2, 0.75, 0.45, 1.3), Light(0.3, 0.5, 0.6, 0.6)
POOR_DISPLAY, GOOD_DISPLAY = Light(0.06, 0.3, 0.35, 0.0), Light(0.15, 0.3, 0.5, 0.0)

DOUBLE = 0.3
"""Share of the displays whose segments cast a shadow."""


def photograph(canvas: Canvas, patterns: Patterns, back: Grey, rng: Rng, light: Light = POOR) -> Grey:
    """Put a canvas on paper, and take its picture.

    Args:
        back: what is written on the back, of the same shape.
    """
    shape = canvas.shape
    paper = np.full(shape, rng.uniform(120, 255), np.float32)
    if rng.random() < SHADED:
        corners = rng.uniform(1 - rng.uniform(0, 0.5), 1, (2, int(rng.integers(2, 4)))).astype(np.float32)
        paper *= cv2.resize(corners, shape[::-1], interpolation=cv2.INTER_LINEAR)
    if rng.random() < HARD_SHADOW:
        paper *= _shadow(shape, rng)
    contrast = float(rng.uniform(light.faintest, 0.45) if rng.random() < 0.5 else rng.uniform(0.4, 0.95))
    faded = 1.0
    if rng.random() < FAINTER:
        contrast = max(contrast, float(rng.uniform(0.3, 0.9)))
        faded = max(float(rng.uniform(FAINTEST, 1.0)), light.faintest / contrast)
    if rng.random() < PRINTED:
        paper *= 1 - float(rng.uniform(0.05, light.pattern)) * contrast * faded * patterns.draw(rng, shape)
    if rng.random() < SEEN_THROUGH:
        paper *= 1 - float(rng.uniform(0.02, 0.25)) * contrast * cv2.GaussianBlur(back[:, ::-1], (0, 0), 1) / 255
    strokes = canvas.writing.astype(np.float32) * np.float32(faded)
    if rng.random() < UNEVEN_PEN:
        coarse = rng.uniform(rng.uniform(0.4, 0.9), 1, (8, 48)).astype(np.float32)
        strokes *= cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR)
    if light.grain and rng.random() < GRAINY:
        grain = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), float(rng.uniform(0.4, 1.2)))
        grain *= float(rng.uniform(0.2, light.grain)) / grain.std()
        strokes *= np.clip(rng.uniform(0.4, 0.9) + grain, 0, 1)
    if light in (POOR_DISPLAY, GOOD_DISPLAY) and rng.random() < DOUBLE:
        step = np.array([[1, 0, rng.uniform(-3, 3)], [0, 1, rng.uniform(0, 2)]])
        moved = cv2.warpAffine(cv2.GaussianBlur(strokes, (0, 0), 0.8), step, shape[::-1])
        strokes = np.maximum(strokes, float(rng.uniform(0.1, 0.4)) * moved)
    picture = paper * (1 - contrast / 255 * np.maximum(strokes, float(rng.uniform(0.5, 1.0)) * canvas.others))
    if rng.random() < 0.4:
        picture = coarser(picture, float(rng.uniform(light.coarsest, 0.9)))
    elif rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 1.0)))
    if (chance := rng.random()) < 0.67:
        deviation = rng.uniform(0, 4) if chance < 0.33 else rng.uniform(0, 14) * contrast
        picture += rng.standard_normal(shape, np.float32) * np.float32(deviation)
    if rng.random() < NEGATIVE:
        picture = 255 - picture
    taken: Grey = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < COMPRESSED:
        _, packed = cv2.imencode(".jpg", taken, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        taken = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
    return taken


def _shadow(shape: tuple[int, int], rng: Rng) -> Floats:
    """The light on a sheet with a shadow that begins at a line across it: float32 of the shape, 0 to 1."""
    height, width = shape
    angle, reach = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(-0.4, 0.4)) * max(shape)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    along = (x - width / 2) * np.cos(angle) + (y - height / 2) * np.sin(angle) - reach
    edge = float(rng.uniform(0.5, 6))
    light: Floats = (1 - (1 - rng.uniform(DARKEST_SHADOW, 0.85)) / (1 + np.exp(-along / edge))).astype(np.float32)
    return light


def coarser(picture: Floats, scale: float) -> Floats:
    """As from a camera with fewer pixels."""
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    coarse: Floats = cv2.resize(small, picture.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return coarse
