"""Vary a drawing as writers, pens, papers and cameras do.

drawing = rewrite(drawing, rng)     # other stroke width, slant, aspect, wobble
picture = on_paper(drawing, rng)    # paper, shade, noise, neighbours, ruled lines; dark on light or light on dark
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Rng = np.random.Generator


def enlarge(digit: Grey, side: int = 96) -> Grey:
    """Enlarge an MNIST digit, uint8 (28, 28), three times and centre it in a field."""
    large = cv2.resize(digit, (84, 84), interpolation=cv2.INTER_CUBIC)
    edge = (side - 84) // 2
    rest = side - 84 - edge
    field: Grey = cv2.copyMakeBorder(large, edge, rest, edge, rest, cv2.BORDER_CONSTANT)
    return field


def rewrite(drawing: Grey, rng: Rng) -> Grey:
    """Bend, slant, stretch and rotate a drawing, with another pen.

    Args:
        drawing: uint8 (side, side), white on black.
    """
    side = drawing.shape[0]
    drawing = _change_pen(drawing, rng)
    angle = np.deg2rad(rng.normal(0, 6))
    slant, stretch, size = rng.normal(0, 0.14), np.exp(rng.normal(0, 0.13)), rng.uniform(0.75, 1.1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[stretch, -slant], [0, 1 / stretch]]) * size
    middle = np.full(2, (side - 1) / 2)
    inverse = np.linalg.inv(matrix)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    points = np.stack([x, y], -1) - middle
    source = (points @ inverse.T + middle).astype(np.float32)
    # Elastic: smooth random shifts (Simard, Steinkraus, Platt: Best practices for convolutional networks, 2003).
    strength = rng.uniform(0, 0.035) * side
    coarse = rng.normal(0, 1, (5, 5, 2)).astype(np.float32) * strength
    source += cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    bent: Grey = cv2.remap(drawing, source[..., 0], source[..., 1], cv2.INTER_LINEAR)
    return bent


def _change_pen(drawing: Grey, rng: Rng) -> Grey:
    """Make the strokes thinner, but never so thin that they break, or thicker."""
    distance = cv2.distanceTransform((drawing > 100).astype(np.uint8), cv2.DIST_L2, 3)
    radius = float(distance.max())
    kind = rng.random()
    if radius < 1.5 or kind < 0.25:
        return drawing
    if kind < 0.7:
        # Keep what is deeper than a share of the stroke's local depth: the ridge, which is deepest, stays whole.
        reach = 2 * int(np.ceil(radius)) + 1
        local = cv2.dilate(distance, np.ones((reach, reach), np.uint8))
        share = rng.uniform(0.2, 0.8)
        thin = ((distance >= share * local) & (distance > 0)).astype(np.uint8) * np.uint8(255)
        return cv2.GaussianBlur(cv2.dilate(thin, np.ones((2, 2), np.uint8)), (3, 3), 0)  # type: ignore[no-any-return]
    size = int(rng.integers(2, 6))
    return cv2.dilate(drawing, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))  # type: ignore[no-any-return]


def on_paper(drawing: Grey, rng: Rng, neighbours: tuple[Grey, ...] = ()) -> Grey:
    """Put a drawing on paper and take a picture of it.

    Args:
        drawing: uint8 (side, side), white on black, one digit.
        neighbours: drawings next to it; parts of them may be in the picture.

    Returns:
        uint8 (height, width); the size varies.
    """
    strength: NDArray[np.float32] = drawing.astype(np.float32) / np.float32(255)
    for neighbour in neighbours:
        strength = np.maximum(strength, _aside(neighbour, rng).astype(np.float32) / np.float32(255))
    strength = _cropped(strength, drawing, rng)
    if rng.random() < 0.15:
        strength = np.maximum(strength, _ruled_line(strength.shape, rng))
    side = int(np.exp(rng.uniform(np.log(26), np.log(110))))
    scale = side / max(strength.shape)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    strength = cv2.resize(strength, None, fx=scale, fy=scale, interpolation=way)
    if rng.random() < 0.4:
        strength = cv2.GaussianBlur(strength, (0, 0), rng.uniform(0.3, 0.012 * side + 0.5))
    return _photographed(strength, rng)


def _photographed(strength: NDArray[np.float32], rng: Rng) -> Grey:
    height, width = strength.shape
    ground = rng.uniform(150, 255)
    contrast = rng.choice([rng.uniform(0.15, 0.5), rng.uniform(0.5, 1.0)])
    shade = cv2.resize(
        rng.uniform(1 - rng.uniform(0, 0.35), 1, (2, 2)).astype(np.float32),
        (width, height),
        interpolation=cv2.INTER_LINEAR,
    )
    picture = ground * shade * (1 - contrast * strength)
    noise = rng.choice([0.0, rng.uniform(0, 4), rng.uniform(0, 10) * contrast])
    if noise:
        picture += rng.normal(0, noise, picture.shape)
    if rng.random() < 0.1:
        picture = 255 - picture
    taken: Grey = picture.clip(0, 255).astype(np.uint8)
    return taken


def _aside(neighbour: Grey, rng: Rng) -> Grey:
    """Move a neighbour so far to one side that only its end is near."""
    side = neighbour.shape[0]
    x, y = float(rng.choice([-1, 1])) * rng.uniform(0.62, 0.9), rng.uniform(-0.15, 0.15)
    if rng.random() < 0.25:
        x, y = y, x
    return cv2.warpAffine(  # type: ignore[no-any-return]
        neighbour, np.array([[1, 0, x * side], [0, 1, y * side]], np.float32), (side, side)
    )


def _cropped(strength: NDArray[np.float32], drawing: Grey, rng: Rng) -> NDArray[np.float32]:
    """Crop to the digit with some paper on each side."""
    rows, columns = np.flatnonzero((drawing > 60).any(axis=1)), np.flatnonzero((drawing > 60).any(axis=0))
    if not len(rows):
        return strength
    size = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    top, bottom, left, right = (int(m) for m in rng.uniform(0.02, rng.choice([0.15, 0.6]), 4) * size)
    padded = cv2.copyMakeBorder(strength, size, size, size, size, cv2.BORDER_CONSTANT)
    y0, y1 = rows[0] + size - top, rows[-1] + 1 + size + bottom
    x0, x1 = columns[0] + size - left, columns[-1] + 1 + size + right
    cut: NDArray[np.float32] = padded[y0:y1, x0:x1]
    return cut


def _ruled_line(shape: tuple[int, int], rng: Rng) -> NDArray[np.float32]:
    """Draw a printed line near an edge, fainter than the digit."""
    field = np.zeros(shape, np.float32)
    height, width = shape
    thickness = max(1, round(max(shape) * rng.uniform(0.01, 0.03)))
    if rng.random() < 0.6:
        y = round(height * (rng.uniform(0, 0.08) if rng.random() < 0.5 else rng.uniform(0.92, 1)))
        cv2.line(field, (0, y), (width, y + round(rng.normal(0, 0.02) * height)), rng.uniform(0.3, 1.0), thickness)
    else:
        x = round(width * (rng.uniform(0, 0.08) if rng.random() < 0.5 else rng.uniform(0.92, 1)))
        cv2.line(field, (x, 0), (x, height), rng.uniform(0.3, 1.0), thickness)
    return field
