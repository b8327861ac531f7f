"""A rectified page: its numbers, words and ruled lines, in pixels from its centre.

sheet = flatten(grey, detections)
sheet.centres       # float64 (n, 2): how far right and how far down each number stands
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np

from tendigits.digits.foreground import median
from tendigits.numbers.detections import Detection, as_table, in_rows
from tendigits.pictures.image import Grey
from tendigits.tables.options import OPTIONS
from tendigits.tables.ruled_lines import find_ruled_lines, find_strokes
from tendigits.tables.sheet_map import Floats, Mask, SheetMap
from tendigits.tables.words import belong_to_table, find_words

N_SLANTS = 41  # slants of columns that are tried if there are no ruled lines
N_CONVERGENCES = 7  # convergences that are tried with each of them
MAX_CROSSED = 0.5  # of a page's numbers, by the lines of a table


@dataclass(frozen=True, eq=False)
class FlatSheet:
    """Numbers, the words of their table, and ruled lines: x to the right, y downwards, in pixels of the page."""

    map: SheetMap
    top_left: Floats  # float64 (n, 2): a corner of each number, then of each word
    bottom_right: Floats
    n_numbers: int
    horizontal: Floats  # float64 (n, 4): pieces of ruled lines, from the left or upper end to the other
    vertical: Floats
    height: float  # median height of a digit

    @property
    def centres(self) -> Floats:
        """float64 (n, 2): of the numbers and the words."""
        centres: Floats = (self.top_left + self.bottom_right) / 2
        return centres

    def to_detections(self, spans: Floats) -> list[Detection]:
        """Detections on the page for spans on the sheet: float64 (n, 4), left and right end, y, and digit height."""
        left, right = self.map.inverse(spans[:, [0, 2]]), self.map.inverse(spans[:, [1, 2]])
        centres, (dx, dy) = (left + right) / 2, (right - left).T
        rows = np.column_stack([centres, np.arctan2(dy, dx), np.hypot(dx, dy), spans[:, 3]])
        return [Detection(x, y, angle, length, height, 1.0) for x, y, angle, length, height in rows.tolist()]


@dataclass(frozen=True, eq=False)
class Rules:
    """Ruled lines of a page, in its pixels: float64 (n, 4) each, x and y of both ends of their pieces."""

    strokes: Floats  # long straight edges in any direction
    horizontal: Floats
    vertical: Floats
    goes_on: Mask  # bool (n,): which vertical pieces are a part of a long line

    @property
    def pieces(self) -> Floats:
        """The horizontal and the vertical ones."""
        return np.concatenate([self.horizontal, self.vertical])

    @property
    def long(self) -> Floats:
        """The vertical pieces of long lines, which part numbers."""
        return self.vertical[self.goes_on]


NO_LINES = np.zeros((0, 4))
NO_RULES = Rules(NO_LINES, NO_LINES, NO_LINES, np.zeros(0, bool))


def find_rules(grey: Grey, detections: Sequence[Detection]) -> Rules:
    """Find the ruled lines of a page, uint8 (height, width), with at least one number."""
    height = median([each.height for each in detections])
    strokes = find_strokes(grey, height)
    rules = Rules(strokes, *find_ruled_lines(grey, _map_of(grey, detections, strokes), height))
    return replace(NO_RULES, strokes=strokes) if _cross_numbers(rules.vertical, detections) else rules


def _cross_numbers(vertical: Floats, detections: Sequence[Detection]) -> bool:
    """Whether lines, float64 (n, 4), cross most numbers, as those of squared paper do: one in each digit's height."""
    x, y, length, height = as_table(detections)[:, :4].T[..., None]
    at, (top, bottom) = vertical[:, ::2].mean(axis=1), np.sort(vertical[:, 1::2]).T
    crossed = ((abs(at - x) <= length / 2) & (top <= y) & (y <= bottom)).sum(axis=1, keepdims=True) * height >= length
    is_long = length > height
    return bool(is_long.any() and crossed[is_long].mean() > MAX_CROSSED)


def flatten(grey: Grey, detections: Sequence[Detection], rules: Rules | None = None) -> FlatSheet:
    """Rectify a page, uint8 (height, width), with at least one number; `rules` are its ruled lines, if known."""
    rules = find_rules(grey, detections) if rules is None else rules
    height = median([each.height for each in detections])
    if max(map(len, in_rows(detections))) == 1:  # a list has no columns, and no words next to its numbers matter
        rotation = _rotation(grey, detections)
        return FlatSheet(rotation, *_corners(rotation, detections), len(detections), NO_LINES, NO_LINES, height)
    sheet_map, along_rows = _map_of(grey, detections, rules.strokes), _along_rows(detections)
    sheet_map, n_vertical = _fit(sheet_map, along_rows, rules.horizontal, rules.vertical, OPTIONS.max_slopes[-1:])
    if not n_vertical:
        sheet_map = _align_columns(sheet_map, *_corners(sheet_map, detections), height)
    horizontal, vertical = (
        _oriented(sheet_map, lines[_runs_along(sheet_map, lines, axis, OPTIONS.max_slopes[-1])], axis)
        for axis, lines in enumerate((rules.horizontal, rules.vertical))
    )
    numbers = np.concatenate(_corners(sheet_map, detections), axis=1)
    words = find_words(grey, sheet_map, numbers, height)
    words = words[belong_to_table(words, numbers, height)]
    y = (words[:, 1] + words[:, 3]) / 2
    boxes = np.concatenate([numbers, np.column_stack([words[:, 0], y - height / 2, words[:, 2], y + height / 2])])
    return FlatSheet(sheet_map, boxes[:, :2], boxes[:, 2:], len(detections), horizontal, vertical, height)


def _rotation(grey: Grey, detections: Sequence[Detection], angle: float | None = None) -> SheetMap:
    """The map of a page whose rows run at an angle, by default as most of its numbers do."""
    angle = median([each.angle for each in detections]) if angle is None else angle
    return SheetMap.rotation((grey.shape[1] / 2, grey.shape[0] / 2), max(grey.shape) / 2, angle)


def _map_of(grey: Grey, detections: Sequence[Detection], strokes: Floats) -> SheetMap:
    """The map under which strokes and rows of numbers are as straight as can be."""
    angle = _angle_of_strokes(strokes) if len(strokes) >= OPTIONS.min_strokes else None
    sheet_map = _rotation(grey, detections, angle)
    return _fit(sheet_map, _along_rows(detections), strokes, strokes, OPTIONS.max_slopes)[0]


def _along_rows(detections: Sequence[Detection]) -> Floats:
    """Segments from each number to the next in its row: float64 (n, 4)."""
    points, rows = as_table(detections)[:, :2], in_rows(detections)
    return np.array([[*points[a], *points[b]] for row in rows for a, b in pairwise(row)]).reshape(-1, 4)


def _fit(
    sheet_map: SheetMap, along_rows: Floats, horizontal: Floats, vertical: Floats, max_slopes: Sequence[float]
) -> tuple[SheetMap, int]:
    """Fit a map in rounds, each without lines too steep under the last map; and count the vertical lines that fit."""
    horizontal, n_vertical = np.concatenate([horizontal, along_rows]), 0
    for slope in max_slopes:
        rows = horizontal[_runs_along(sheet_map, horizontal, 0, slope)]
        columns = vertical[_runs_along(sheet_map, vertical, 1, slope)]
        sheet_map, n_vertical = sheet_map.fitted(rows, columns), len(columns)
    return sheet_map, n_vertical


def _angle_of_strokes(strokes: Floats) -> float:
    """The direction along which, or perpendicular to which, most strokes run: radians from -pi / 4 to pi / 4."""
    steps = strokes[:, 2:] - strokes[:, :2]
    lengths, angles = np.hypot(*steps.T), np.arctan2(steps[:, 1], steps[:, 0])
    return float(np.angle((lengths * np.exp(4j * angles)).sum()) / 4)


def _corners(sheet_map: SheetMap, detections: Sequence[Detection]) -> tuple[Floats, Floats]:
    """The top left and the bottom right corners of detections: float64 (n, 2) each."""
    table = as_table(detections)
    centres, halves = table[:, :2], table[:, 4:] * table[:, 2:3] / 2
    left, right = sheet_map(centres - halves), sheet_map(centres + halves)
    y, half = (left[:, 1] + right[:, 1]) / 2, table[:, 3] / 2
    return np.column_stack([left[:, 0], y - half]), np.column_stack([right[:, 0], y + half])


def _runs_along(sheet_map: SheetMap, segments: Floats, axis: int, max_slope: float) -> Mask:
    """Whether segments, float64 (n, 4), run along an axis of the sheet: bool (n,)."""
    steps = sheet_map(segments[:, 2:]) - sheet_map(segments[:, :2])
    along: Mask = np.abs(steps[:, 1 - axis]) <= max_slope * np.abs(steps[:, axis])
    return along


def _oriented(sheet_map: SheetMap, segments: Floats, axis: int) -> Floats:
    """Segments on the sheet, each from its lower to its higher end along an axis."""
    starts, ends = sheet_map(segments[:, :2]), sheet_map(segments[:, 2:])
    is_reversed = (starts[:, axis] > ends[:, axis])[:, None]
    return np.concatenate([np.where(is_reversed, ends, starts), np.where(is_reversed, starts, ends)], axis=1)


def _align_columns(sheet_map: SheetMap, top_left: Floats, bottom_right: Floats, height: float) -> SheetMap:
    """The map under which the numbers are best aligned in columns: their histogram along x has the sharpest peaks."""
    x, y = ((top_left + bottom_right) / (2 * sheet_map.unit)).T
    half = (bottom_right[:, 0] - top_left[:, 0]) / (2 * sheet_map.unit)
    bin_width = OPTIONS.alignment_bin * height / sheet_map.unit
    slants = np.linspace(-OPTIONS.max_column_slant, OPTIONS.max_column_slant, N_SLANTS)
    convergences = np.linspace(-OPTIONS.max_column_convergence, OPTIONS.max_column_convergence, N_CONVERGENCES)
    sharpest, best = -1.0, (0.0, 0.0)
    for slant, convergence in product(slants.tolist(), convergences.tolist()):
        u = x + slant * y + convergence * x * y
        u -= (u - half).min()
        start, end = (np.round(edge / bin_width).astype(np.int64) for edge in (u - half, u + half))
        n_bins = int(end.max()) + 1
        depth = np.cumsum(np.bincount(start, minlength=n_bins) - np.bincount(end, minlength=n_bins))
        sharpness = float((depth.astype(np.float64) ** 2).sum())
        if sharpness > sharpest:
            sharpest, best = sharpness, (slant, convergence)
    bends = sheet_map.bends.copy()
    bends[0, :2] += best
    return replace(sheet_map, bends=bends)
