"""A page as it would lie flat and straight: its numbers and ruled lines, in pixels from its middle.

sheet = flatten(grey, places)
sheet.middles       # float64 (n, 2): how far right and how far down each number stands
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tendigits.numbers.detections import Detection, in_rows
from tendigits.tables import sheet_map
from tendigits.tables.ruled_lines import RuledLines, find_ruled_lines, find_strokes
from tendigits.tables.sheet_map import SheetMap
from tendigits.tables.words import find_words, in_table

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]

LONG = 1.2
"""Heights of a digit from which on a number tells its direction."""

FEWEST_STROKES = 8
"""Long strokes from which on they, and not the numbers, tell how a page lies."""

SLOPES = (0.3, 0.1, 0.05)
"""A stroke that rises by more than its neighbours is none of the ruled lines: less and less is allowed."""

LEANINGS, CONVERGENCES = np.linspace(-0.2, 0.2, 41), np.linspace(-0.15, 0.15, 7)
"""How columns without ruled lines may lean, and run together in a photo, as the terms of a `SheetMap`."""

BIN = 0.25
"""Heights of a digit: steps in which is counted how numbers stand below each other."""


@dataclass(frozen=True, eq=False)
class FlatSheet:
    """Numbers, words beside them and ruled lines: x to the right, y downwards, in pixels of the page."""

    map: SheetMap
    first: Floats
    last: Floats
    """float64 (n, 2): the left upper and the right lower corner of each number; then of each word."""
    n_numbers: int
    across: Floats
    down: Floats
    """float64 (n, 4): ruled lines, from the left or upper end to the other."""
    height: float
    """Of a digit, the median."""

    @property
    def middles(self) -> Floats:
        """float64 (n, 2): of the numbers and the words."""
        middles: Floats = (self.first + self.last) / 2
        return middles

    def places(self, spans: Floats) -> list[Detection]:
        """The places on the page of some numbers: float64 (n, 4), left and right end, level, and height of a digit."""
        first, last = self.map.back(spans[:, [0, 2]]), self.map.back(spans[:, [1, 2]])
        middles, (across, down) = (first + last) / 2, (last - first).T
        found = np.column_stack([middles, np.arctan2(down, across), np.hypot(across, down), spans[:, 3]])
        return [Detection(x, y, angle, length, height, 1.0) for x, y, angle, length, height in found.tolist()]


def flatten(grey: Grey, places: Sequence[Detection]) -> FlatSheet:
    """Flatten a page, uint8 (height, width), with numbers in some places, at least one."""
    height = float(np.median([place.height for place in places]))
    middle, size = (grey.shape[1] / 2, grey.shape[0] / 2), max(grey.shape) / 2
    rows = in_rows(places)
    if max(map(len, rows)) == 1:  # a list: no lines part its columns
        flat = sheet_map.SheetMap.turned_by(middle, size, _direction_of(places))
        return FlatSheet(flat, *_corners(flat, places), len(places), np.zeros((0, 4)), np.zeros((0, 4)), height)
    pairs = [(places[a].x, places[a].y, places[b].x, places[b].y) for row in rows for a, b in pairwise(row)]
    level = np.array(pairs, np.float64).reshape(-1, 4)
    strokes = find_strokes(grey, height)
    angle = _direction(strokes) if len(strokes) >= FEWEST_STROKES else _direction_of(places)
    flat = sheet_map.SheetMap.turned_by(middle, size, angle)
    ruled = RuledLines(strokes, strokes)
    for tolerances in (SLOPES, SLOPES[-1:]):
        for tolerance in tolerances:
            across, down = np.concatenate([ruled.across, level]), ruled.down
            across, down = across[_runs_along(flat, across, 0, tolerance)], down[_runs_along(flat, down, 1, tolerance)]
            flat = sheet_map.fit(middle, size, angle, across, down)
        if tolerances is SLOPES:
            ruled = find_ruled_lines(grey, flat, height)
    if not len(down):
        flat = _aligned(flat, *_corners(flat, places), height)
    across, down = (
        _oriented(flat, lines[_runs_along(flat, lines, axis, SLOPES[-1])], axis)
        for axis, lines in enumerate((ruled.across, ruled.down))
    )
    first, last = _corners(flat, places)
    words = find_words(grey, flat, first, last, height)
    words = words[in_table(words, first, last, height)]
    levels, half = (words[:, 1] + words[:, 3]) / 2, height / 2
    first = np.concatenate([first, np.column_stack([words[:, 0], levels - half])])
    last = np.concatenate([last, np.column_stack([words[:, 2], levels + half])])
    return FlatSheet(flat, first, last, len(places), across, down, height)


def _direction(strokes: Floats) -> float:
    """The direction along which, or at right angles to which, most strokes run: radians from -pi / 4 to pi / 4."""
    steps = strokes[:, 2:] - strokes[:, :2]
    lengths, angles = np.hypot(*steps.T), np.arctan2(steps[:, 1], steps[:, 0])
    return float(np.angle((lengths * np.exp(4j * angles)).sum()) / 4)


def _direction_of(places: Sequence[Detection]) -> float:
    """The direction of numbers that are long enough to have one."""
    return float(np.median([place.angle for place in places if place.length > LONG * place.height] or [0.0]))


def _corners(flat: SheetMap, places: Sequence[Detection]) -> tuple[Floats, Floats]:
    """The left upper and the right lower corners of places: float64 (n, 2) each."""
    middles = np.array([[place.x, place.y] for place in places])
    halves = np.array([[np.cos(p.angle) * p.length / 2, np.sin(p.angle) * p.length / 2] for p in places])
    first, last = flat(middles - halves), flat(middles + halves)
    level, half = (first[:, 1] + last[:, 1]) / 2, np.array([place.height / 2 for place in places])
    return np.column_stack([first[:, 0], level - half]), np.column_stack([last[:, 0], level + half])


def _runs_along(flat: SheetMap, segments: Floats, axis: int, slope: float) -> NDArray[np.bool_]:
    """Whether segments, float64 (n, 4), run along an axis of the flat sheet: bool (n,)."""
    steps = flat(segments[:, 2:]) - flat(segments[:, :2])
    along: NDArray[np.bool_] = np.abs(steps[:, 1 - axis]) <= slope * np.abs(steps[:, axis])
    return along


def _oriented(flat: SheetMap, segments: Floats, axis: int) -> Floats:
    """Segments on the flat sheet, the end that comes first along an axis in front."""
    starts, ends = flat(segments[:, :2]), flat(segments[:, 2:])
    backwards = (starts[:, axis] > ends[:, axis])[:, None]
    return np.concatenate([np.where(backwards, ends, starts), np.where(backwards, starts, ends)], axis=1)


def _aligned(flat: SheetMap, first: Floats, last: Floats, height: float) -> SheetMap:
    """The map under which numbers stand most exactly below each other, where no ruled lines tell."""
    x, y = ((first + last) / (2 * flat.unit)).T
    half, step = (last[:, 0] - first[:, 0]) / (2 * flat.unit), BIN * height / flat.unit
    best, chosen = -1.0, (0.0, 0.0)
    for leaning in LEANINGS.tolist():
        for convergence in CONVERGENCES.tolist():
            u = x + leaning * y + convergence * x * y
            u -= (u - half).min()
            start, end = np.round((u - half) / step).astype(np.int64), np.round((u + half) / step).astype(np.int64)
            size = int(end.max()) + 1
            depth = np.cumsum(np.bincount(start, minlength=size) - np.bincount(end, minlength=size))
            sharpness = float((depth.astype(np.float64) ** 2).sum())
            if sharpness > best:
                best, chosen = sharpness, (leaning, convergence)
    bends = flat.bends.copy()
    bends[0, :2] += chosen
    return SheetMap(flat.middle, flat.turn, bends)
