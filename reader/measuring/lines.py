"""Lines and pages of real digits, to measure the reader on: paper, shade, rules, rotation, touching digits.

line, value = make_line(digits, rng)          # uint8 (height, width), "0427"
page, values = make_page(digits, rng)         # ten lines

The digits are those of MNIST's test set or of scanned forms: none that the reader has learned from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
Rng = np.random.Generator

HEIGHT = 60
"""Height of a digit, in pixels."""

TOUCHING = 0.2
"""Fraction of neighbouring digits that touch."""


@dataclass(frozen=True, eq=False)
class Digits:
    """Pictures of digits, white on black, and their labels."""

    ink: list[Grey]
    labels: list[int]

    @cached_property
    def places(self) -> dict[int, list[int]]:
        """Where the digits with each label are."""
        found: dict[int, list[int]] = {}
        for i, label in enumerate(self.labels):
            found.setdefault(label, []).append(i)
        return found

    def draw(self, rng: Rng, label: int | None = None) -> tuple[Grey, int]:
        """One of them, or one with this label, cropped tightly, HEIGHT pixels high or wide."""
        of_label = self.places[label] if label is not None else range(len(self.labels))
        i = of_label[int(rng.integers(len(of_label)))]
        ink = tight(self.ink[i])
        scale = HEIGHT * rng.uniform(0.85, 1.15) / max(ink.shape)
        way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        return cv2.resize(ink, None, fx=scale, fy=scale, interpolation=way), self.labels[i]


def make_line(digits: Digits, rng: Rng, length: tuple[int, int] = (3, 8)) -> tuple[Grey, str]:
    """A line of 3 to 8 digits on ruled paper in the shade; one pair in five touches."""
    strength, value = write_line(digits, rng, int(rng.integers(length[0], length[1] + 1)))
    return framed(strength, rng), value


def framed(strength: Floats, rng: Rng) -> Grey:
    """A line of writing with paper around it, every second time ruled below."""
    field = cv2.copyMakeBorder(strength, 24, 24, 30, 30, cv2.BORDER_CONSTANT)
    if rng.random() < 0.5:
        y = field.shape[0] - int(rng.integers(6, 20))
        cv2.line(
            field,
            (0, y),
            (field.shape[1], y + int(rng.integers(-2, 3))),
            float(rng.uniform(0.2, 0.6)),
            int(rng.integers(1, 3)),
        )
    return photographed(field, rng)


def write_line(digits: Digits, rng: Rng, n: int, touching: float = TOUCHING) -> tuple[Floats, str]:
    """Digits side by side: foreground from 0 to 1, and their value."""
    pieces, labels = zip(*(digits.draw(rng) for _ in range(n)), strict=True)
    return compose([(piece, None) for piece in pieces], rng, touching), "".join(map(str, labels))


def compose(pieces: Sequence[tuple[Grey, float | None]], rng: Rng, touching: float) -> Floats:
    """Pieces of writing side by side, as foreground from 0 to 1.

    Args:
        pieces: each with the place of its middle, from 0, the top of the digits, to 1; None for a digit.
        touching: the fraction of neighbouring digits that touch.
    """
    signs = any(place is not None for _, place in pieces)
    height = max(*(piece.shape[0] + 12 for piece, _ in pieces), 3 * HEIGHT // 2 * signs)
    field = np.zeros((height, sum(piece.shape[1] for piece, _ in pieces) + 30 * len(pieces)), np.float32)
    x, after_digit = 4, False
    for piece, place in pieces:
        middle = height / 2 + (0 if place is None else (place - 0.5) * HEIGHT)
        y = int(middle - piece.shape[0] / 2) + int(rng.integers(-4, 5))
        y = min(max(y, 0), height - piece.shape[0])
        if x > 4:
            meets = place is None and after_digit and rng.random() < touching
            x = _touching(field, piece, x, y) if meets else x + int(rng.integers(5, 22))
        at = field[y : y + piece.shape[0], x : x + piece.shape[1]]
        np.maximum(at, piece.astype(np.float32) / 255, out=at)
        x, after_digit = x + piece.shape[1], place is None
    return field[:, : x + 4]


def make_page(digits: Digits, rng: Rng, lines: int = 10, touching: float = 0.0) -> tuple[Grey, list[str]]:
    """Lines below each other on a slightly rotated sheet; half of the sheets have ruled lines."""
    width, pitch = 1000, 110
    sheet = np.zeros((pitch * lines + 120, width), np.float32)
    ruled = rng.random() < 0.5
    values = []
    for number in range(lines):
        strength, value = write_line(digits, rng, int(rng.integers(3, 9)), touching)
        y, x = 60 + number * pitch, int(rng.integers(40, max(41, width - strength.shape[1] - 40)))
        place = sheet[y : y + strength.shape[0], x : x + strength.shape[1]]
        np.maximum(place, strength, out=place)
        values.append(value)
        if ruled:
            cv2.line(sheet, (0, y + 88), (width, y + 88), 0.35, 2)
    turn = cv2.getRotationMatrix2D((width / 2, sheet.shape[0] / 2), rng.uniform(-2, 2), 1)
    sheet = cv2.warpAffine(sheet, turn, (width, sheet.shape[0]))
    return photographed(sheet, rng), values


def make_photo(digits: Digits, rng: Rng, lines: int = 8) -> tuple[Grey, list[str]]:
    """Lines on squared paper that lies on a dark desk, aslant, a shadow across it: uint8 (1500, 2000)."""
    height, width = 1100, 1500
    paper = np.full((height, width), 232, np.float32)
    paper[::37], paper[:, ::37] = 190, 190
    values = []
    for number in range(lines):
        strength, value = write_line(digits, rng, int(rng.integers(3, 9)), touching=0.0)
        strength = cv2.resize(strength, None, fx=1.2, fy=1.2)
        y, x = 90 + number * 122, int(rng.integers(70, max(71, width - strength.shape[1] - 70)))
        place = paper[y : y + strength.shape[0], x : x + strength.shape[1]]
        place *= 1 - rng.uniform(0.55, 0.85) * strength
        values.append(value)
    seen = corners_of(paper) + np.array([250, 200]) + rng.uniform(-60, 60, (4, 2))
    return on_desk(paper, seen, (2000, 1500), 300, rng), values


def corners_of(paper: Floats) -> Floats:
    """x and y of the corners of a sheet, clockwise from the upper left: float32 (4, 2)."""
    height, width = paper.shape
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def on_desk(paper: Floats, seen: Floats, size: tuple[int, int], max_offset: float, rng: Rng) -> Grey:
    """A photo of a sheet on a dark desk, with a shadow across it, blur and noise.

    Args:
        paper: the sheet, from 0 to 255.
        seen: where the sheet's corners are in the photo.
        size: width and height of the photo.
        max_offset: how far the edge of the shadow may be from the middle, in pixels.
    """
    (width, height), view = size, cv2.getPerspectiveTransform(corners_of(paper), seen.astype(np.float32))
    sheet, where = (cv2.warpPerspective(a, view, size) for a in (paper, np.ones_like(paper)))
    picture = rng.uniform(40, 110) * (1 - where) + sheet * where
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle, edge = rng.uniform(0, 2 * np.pi), rng.uniform(-max_offset, max_offset)
    across = (x - width / 2) * np.cos(angle) + (y - height / 2) * np.sin(angle) - edge
    picture *= 1 - rng.uniform(0.1, 0.4) / (1 + np.exp(-across / rng.uniform(60, 200)))
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 1.4)) + rng.normal(0, rng.uniform(2, 5), picture.shape)
    photo: Grey = picture.clip(0, 255).astype(np.uint8)
    return photo


def photographed(strength: Floats, rng: Rng) -> Grey:
    """The foreground on paper, with a gradient of shade, blur and noise."""
    height, width = strength.shape
    corners = rng.uniform(0.6, 1.0, (2, 2)).astype(np.float32)
    shade = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    picture = rng.uniform(190, 250) * shade * (1 - rng.uniform(0.45, 0.9) * strength)
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.2))
    photograph: Grey = (picture + rng.normal(0, rng.uniform(1, 5), picture.shape)).clip(0, 255).astype(np.uint8)
    return photograph


def _touching(field: Floats, piece: Grey, x: int, y: int) -> int:
    """The column at which the piece just touches the foreground."""
    ink = piece > 100
    for column in range(x + 8, max(0, x - 30), -1):
        if (ink & (field[y : y + ink.shape[0], column : column + ink.shape[1]] > 0.4)).any():
            return column
    return x


def tight(ink: Grey) -> Grey:
    """The part of a picture, white on black, in which something is."""
    rows, columns = np.flatnonzero((ink > 60).any(axis=1)), np.flatnonzero((ink > 60).any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
