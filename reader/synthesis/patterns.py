"""Paper with what is printed on it: patterns, ruled lines, boxes. Grey, without anything written.

patterns = Patterns(rng)
pattern = patterns.draw(rng, (40, 256))     # float32 (height, width): 0 bare paper to 1 dark
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from synthesis.glyphs import Floats, Grey, Rng

Kind = Callable[[Rng, tuple[int, int]], Grey]


def _waves(rng: Rng, shape: tuple[int, int]) -> Grey:
    """Guilloche: families of nearly parallel waves, as on cheques."""
    height, width = shape
    field = np.zeros(shape, np.uint8)
    x = np.linspace(-0.2, 1.2, 60)
    for _ in range(int(rng.integers(1, 4))):
        spacing = rng.uniform(2.5, 9)
        rise, length, phase = rng.normal(0, 14), rng.uniform(0.15, 1.5), rng.uniform(0, 7)
        tilt, drift = rng.normal(0, 0.5) * height, rng.normal(0, 0.12)
        reach = abs(tilt) + 3 * abs(rise) + height
        paths = [
            y + rise * np.sin(2 * np.pi * x / length + phase + drift * n) + tilt * x
            for n, y in enumerate(np.arange(-reach, height + reach, spacing))
        ]
        curves = [np.stack([x * width, path], axis=1) for path in paths if path.min() < height and path.max() > 0]
        pixels = [np.round(curve * 16).astype(np.int32) for curve in curves]
        layer = np.zeros(shape, np.uint8)
        cv2.polylines(layer, pixels, False, int(rng.integers(60, 256)), 1, cv2.LINE_AA, shift=4)
        field = np.maximum(field, layer)
    return field


def _arcs(rng: Rng, shape: tuple[int, int]) -> Grey:
    """Rings around a few centres."""
    field = np.zeros(shape, np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        centre = rng.uniform(-0.5, 1.5, 2) * shape[::-1]
        spacing = rng.uniform(3, 9)
        for radius in np.arange(spacing, 1.2 * shape[1], spacing):
            cv2.circle(
                field, tuple(centre.astype(int).tolist()), round(radius), int(rng.integers(60, 256)), 1, cv2.LINE_AA
            )
    return field


def _lattice(rng: Rng, shape: tuple[int, int]) -> Grey:
    """Small print that repeats: dots, dashes, hatching."""
    side = int(rng.integers(3, 10))
    tile = np.kron(rng.random((side, side)) < 0.35, np.ones((2, 2))).astype(np.float32)
    tiles = np.tile(tile, (shape[0] // len(tile) + 2, shape[1] // len(tile) + 2))
    large = cv2.resize(tiles, None, fx=rng.uniform(0.6, 1.3), fy=rng.uniform(0.6, 1.3), interpolation=cv2.INTER_AREA)
    large = np.tile(large, (2, 2))[: shape[0], : shape[1]]
    field: Grey = (large * rng.uniform(100, 255)).astype(np.uint8)
    return field


def _screen(rng: Rng, shape: tuple[int, int]) -> Grey:
    """The dots of a grey cell, as a copier prints them: rows of dots, every other one moved by half a step."""
    field = np.zeros(shape, np.uint8)
    step, dark = rng.uniform(3.5, 9), int(rng.integers(120, 256))
    radius = float(rng.uniform(0.12, 0.3)) * step
    for n, y in enumerate(np.arange(0, shape[0], step * rng.uniform(0.5, 1.0))):
        for x in np.arange(step / 2 * (n % 2), shape[1], step):
            cv2.circle(field, (round(16 * x), round(16 * y)), round(16 * radius), dark, -1, cv2.LINE_AA, shift=4)
    return field


def _parallel(rng: Rng, shape: tuple[int, int]) -> Grey:
    """Ruled or squared paper, or close lines."""
    height, width = shape
    field = np.zeros(shape, np.uint8)
    spacing, tilt = rng.uniform(8, 30), rng.normal(0, 0.01)
    if rng.random() < 0.3:
        spacing = rng.uniform(3, 7)
    squared, dark = rng.random() < 0.5, int(rng.integers(100, 256))
    for y in np.arange(rng.uniform(0, spacing) - 20, height + 20, spacing):
        ends = np.array([[0, y], [width, y + tilt * width]])
        cv2.polylines(field, [np.round(ends * 16).astype(np.int32)], False, dark, 1, cv2.LINE_AA, shift=4)
    for x in np.arange(rng.uniform(0, spacing), width, spacing) if squared else ():
        ends = np.array([[x, 0], [x - tilt * height, height]])
        cv2.polylines(field, [np.round(ends * 16).astype(np.int32)], False, dark, 1, cv2.LINE_AA, shift=4)
    return field


def _cloud(rng: Rng, shape: tuple[int, int]) -> Grey:
    """Stains, and coarse paper."""
    coarse = rng.normal(0, 1, (int(rng.integers(3, 20)), int(rng.integers(8, 80)))).astype(np.float32)
    smooth = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    stains: Grey = np.clip(100 * smooth, 0, 255).astype(np.uint8)
    return stains


PATTERNS: tuple[Kind, ...] = (_waves, _arcs, _lattice, _screen, _parallel, _cloud)
SHARES = (0.31, 0.1, 0.11, 0.15, 0.21, 0.12)


def draw_pattern(rng: Rng, shape: tuple[int, int]) -> Grey:
    """A pattern: uint8 (height, width), 0 bare to 255 dark."""
    return PATTERNS[int(rng.choice(len(PATTERNS), p=SHARES))](rng, shape)


OF_PAPER = 0.3
"""Share of the patterns that are real paper, if there are pictures of it."""

MIN_RANGE = 20.0
"""Of 255: paper of which light and dark differ less is not made darker than in proportion."""


def _darkness(paper: Grey) -> Grey:
    """How dark real paper is, as a pattern."""
    light, dark = np.percentile(paper, (95, 1))
    pattern: Grey = (255 * np.clip((light - paper) / max(MIN_RANGE, light - dark), 0, 1)).astype(np.uint8)
    return pattern


class Patterns:
    """Patterns drawn once, of which each line takes a part."""

    def __init__(
        self, rng: Rng, n: int = 160, shape: tuple[int, int] = (160, 640), papers: Sequence[Grey] = ()
    ) -> None:
        """Draw n; papers are pictures of real paper, which a share of OF_PAPER is taken from."""
        self.patterns = [draw_pattern(rng, shape) for _ in range(n)]
        for i in range(round(n * OF_PAPER / (1 - OF_PAPER)) if papers else 0):
            self.patterns.append(_darkness(papers[i % len(papers)]))

    def draw(self, rng: Rng, shape: tuple[int, int]) -> Floats:
        """A part of a pattern, at another size, mirrored or not: float32 (height, width), 0 bare to 1 dark."""
        pattern = self.patterns[int(rng.integers(len(self.patterns)))]
        scale = float(np.exp(rng.uniform(-0.5, 0.5)))
        height = min(pattern.shape[0], max(8, round(shape[0] * scale)))
        width = min(pattern.shape[1], max(8, round(shape[1] * scale)))
        top = int(rng.integers(pattern.shape[0] - height + 1))
        left = int(rng.integers(pattern.shape[1] - width + 1))
        part = cv2.resize(pattern[top : top + height, left : left + width], shape[::-1], interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:
            part = part[:, ::-1]
        values: Floats = part.astype(np.float32) / 255
        return values
