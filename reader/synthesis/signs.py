"""Signs drawn from strokes: what stands between and around digits.

glyph = draw_sign_glyph("-", rng)
"""

import cv2
import numpy as np

from synthesis.glyphs import EM, Glyph, Rng, glyph_of
from synthesis.strokes import Stroke, smooth

# Like strokes.SHAPES, but where they stand next to a digit that reaches from 0, its top, to 1, the baseline.
SIGNS: dict[str, list[tuple[Stroke, ...]]] = {
    ".": [(((0.0, 0.97), (0.02, 0.99)),), (((0.0, 0.95), (0.05, 1.0)),), (((0.0, 0.93), (0.03, 1.02)),), (((0.0, 0.98), (0.08, 0.97)),)],
    ",": [(((0.06, 0.92), (0.06, 1.02), (0.0, 1.17)),), (((0.1, 0.92), (0.0, 1.2)),), (((0.05, 0.9), (0.09, 1.0), (0.0, 1.15)),)],
    "-": [(((0.0, 0.52), (0.2, 0.5), (0.42, 0.5)),), (((0.0, 0.55), (0.55, 0.48)),), (((0.0, 0.5), (0.3, 0.53), (0.65, 0.5)),), (((0.0, 0.62), (0.35, 0.6)),), (((0.0, 0.4), (0.3, 0.33), (0.7, 0.3)),), (((0.0, 0.75), (0.5, 0.72), (0.95, 0.6)),), (((0.0, 0.6), (0.15, 0.52), (0.4, 0.6), (0.6, 0.5)),)],
    "/": [(((0.4, -0.05), (0.2, 0.5), (0.0, 1.08)),), (((0.55, -0.1), (0.0, 1.05)),), (((0.3, 0.0), (0.0, 1.15)),), (((0.12, -0.4), (0.0, 1.35)),), (((0.03, -0.45), (0.0, 1.45)),), (((0.3, -0.4), (0.0, 1.3)),)],
    ":": [(((0.0, 0.35), (0.02, 0.38)), ((0.0, 0.82), (0.02, 0.85))), (((0.03, 0.4), (0.05, 0.45)), ((0.0, 0.9), (0.02, 0.94))), (((0.0, 0.3), (0.03, 0.3)), ((0.0, 0.75), (0.03, 0.75)))],
    "+": [(((0.0, 0.55), (0.5, 0.53)), ((0.26, 0.28), (0.24, 0.82))), (((0.28, 0.2), (0.27, 0.85)), ((0.0, 0.5), (0.6, 0.52)))],
    "=": [(((0.0, 0.4), (0.5, 0.38)), ((0.0, 0.63), (0.52, 0.6))), (((0.0, 0.45), (0.35, 0.43)), ((0.02, 0.6), (0.37, 0.6)))],
    "(": [(((0.25, -0.08), (0.05, 0.25), (0.02, 0.7), (0.22, 1.1)),), (((0.2, 0.0), (0.0, 0.5), (0.2, 1.0)),)],
    ")": [(((0.0, -0.08), (0.2, 0.25), (0.23, 0.7), (0.02, 1.1)),), (((0.0, 0.0), (0.2, 0.5), (0.0, 1.0)),)],
    "%": [
        (((0.6, 0.0), (0.05, 1.0)), ((0.12, 0.05), (0.0, 0.2), (0.12, 0.36), (0.25, 0.2), (0.12, 0.05)), ((0.55, 0.62), (0.42, 0.78), (0.55, 0.95), (0.68, 0.78), (0.55, 0.62))),
        (((0.7, 0.05), (0.1, 0.95)), ((0.2, 0.1), (0.08, 0.25), (0.2, 0.4), (0.3, 0.22), (0.2, 0.1)), ((0.62, 0.6), (0.5, 0.75), (0.62, 0.92), (0.74, 0.75), (0.62, 0.6))),
    ],
    "×": [(((0.0, 0.4), (0.45, 0.95)), ((0.45, 0.38), (0.0, 0.97))), (((0.02, 0.5), (0.2, 0.65), (0.4, 0.95)), ((0.4, 0.48), (0.0, 0.98)))],
    "÷": [(((0.0, 0.6), (0.5, 0.58)), ((0.24, 0.33), (0.26, 0.36)), ((0.25, 0.84), (0.27, 0.87))), (((0.0, 0.58), (0.3, 0.6), (0.62, 0.57)), ((0.3, 0.38), (0.31, 0.41)), ((0.3, 0.78), (0.31, 0.82))), (((0.0, 0.62), (0.42, 0.55)), ((0.2, 0.25), (0.22, 0.32)), ((0.2, 0.85), (0.22, 0.93)))],
}  # fmt: skip

MARKS: tuple[tuple[Stroke, ...], ...] = (
    (((0.0, 0.6), (0.35, 1.0), (0.35, 1.0), (1.0, 0.0)),),  # a tick
    (((0.0, 0.55), (0.25, 0.9), (0.25, 0.9), (1.1, 0.3)),),  # a flat one
    (((0.0, 0.0), (0.9, 0.0), (0.9, 0.0), (0.9, 0.9), (0.9, 0.9), (0.0, 0.9), (0.0, 0.9), (0.0, 0.0)),),  # a box
    (((0.0, 0.2), (0.3, 0.0), (0.6, 0.2), (0.3, 0.5), (0.3, 0.7)), ((0.3, 0.95), (0.32, 0.97))),  # a question mark
    (((0.1, 0.15), (0.45, 0.0), (0.55, 0.3), (0.25, 0.55), (0.2, 0.72)), ((0.2, 0.95), (0.21, 0.98))),
    (((0.0, 0.0), (0.9, 1.0)), ((0.9, 0.0), (0.0, 1.0))),  # a large cross
    (((0.0, 0.5), (0.5, 0.3), (1.0, 0.6), (1.5, 0.4)),),  # a wave
    (((0.3, 0.0), (0.0, 0.6), (0.7, 0.6), (0.3, 0.0)),),  # a triangle
    (((0.5, 0.0), (0.15, 0.9)), ((0.0, 0.35), (0.7, 0.35)), ((0.85, 0.0), (0.5, 0.9)), ((0.0, 0.65), (0.7, 0.65))),  # #
)
"""Signs that are not part of a number, drawn in the same way."""

WOBBLE = 0.03
"""Standard deviation of a point, in digit heights."""

MARGIN = 12
"""Pixels around a drawing."""


def draw_sign_glyph(label: str, rng: Rng) -> Glyph:
    """Draw a sign of SIGNS as a glyph."""
    shapes = SIGNS[label]
    return draw_glyph(label, shapes[int(rng.integers(len(shapes)))], rng)


def draw_glyph(label: str, shape: tuple[Stroke, ...], rng: Rng, wobble: float = WOBBLE) -> Glyph:
    """Draw strokes, in digit heights, as a glyph."""
    size, thickness = np.exp(rng.normal(0, 0.12, 2)), int(rng.integers(2, 6))
    middle = np.mean([point for stroke in shape for point in stroke], axis=0)
    paths = []
    for stroke in shape:
        points = (np.array(stroke) - middle) * size + middle + rng.normal(0, wobble, (len(stroke), 2))
        paths.append(smooth(points) if len(points) > 2 else points)
    every = np.concatenate(paths)
    first = every.min(axis=0)
    width, height = (np.ceil((every.max(axis=0) - first) * EM).astype(int) + 2 * MARGIN).tolist()
    drawing = np.zeros((height, width), np.uint8)
    for path in paths:
        pixels = np.round(((path - first) * EM + MARGIN) * 16).astype(np.int32)
        cv2.polylines(drawing, [pixels], False, 255, thickness, cv2.LINE_AA, shift=4)
    rows = np.flatnonzero((drawing > 110).any(axis=1))
    top = (int(rows[0]) - MARGIN) / EM + float(first[1])
    return glyph_of(label, drawing, top, (int(rows[-1]) - int(rows[0]) + 1) / EM)
