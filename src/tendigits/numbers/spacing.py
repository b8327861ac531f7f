"""Join what stands far apart: the digits of a number with even gaps, and the signs in front of a column sum's numbers.

groups = group_evenly_spaced(rows, 0)       # of the first row's readings: lists of indices, one list for each number
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from tendigits.digits.foreground import median
from tendigits.digits.segment import WEAK
from tendigits.numbers.detections import Detection, as_table
from tendigits.numbers.options import DEFAULT_OPTIONS
from tendigits.numbers.reading import Reading
from tendigits.numbers.strips import DIGIT_HEIGHT_PX

SIGNS = ("+", "-", "×", "÷")  # of a column sum's numbers
BORDER_WIDTH_PX = 5  # a slanted border of a cell lies within as many columns of a strip
MIN_BORDER_HEIGHT = 0.9  # as a fraction of the strip's height


@dataclass(frozen=True)
class SpacingOptions:
    """Tolerances; lengths are in heights of a digit."""

    max_even_gap: float = 1.9  # between two digits of one number, if all its gaps are about as wide
    max_uneven: float = 1.4  # the widest gap, or pitch, relative to the median one
    max_date_gap: float = 0.9  # between the parts of a date, where a stroke may be missing

    # A row whose numbers stand in columns, with those above and below, is a table's.
    near_rows: int = 5  # rows above and below that are compared
    max_column_shift: float = 0.3  # between the ends, or the centres, of numbers in one column
    min_column_numbers: int = 2  # in the rows nearby that are aligned with one of the row's
    min_table_numbers: int = 2  # in a table's row, besides those that may be digits of one number
    min_aligned_fraction: float = 0.75  # of the numbers nearby that are in a column, and of the row's that are

    # Column sums.
    max_column_offset: float = 0.8  # between the right ends of numbers that are written below each other to be added
    max_sums_side_by_side: int = 4  # a row of more numbers is a table's
    max_sign_distance: float = 3.5  # how far to the left of such a number its sign may stand
    max_ink_before_number: float = 0.05  # squared digit heights, besides the sign: with more it is a word
    min_ink_before_number: float = 0.02  # the same, if no sign was read: a short minus has more
    number_margin: float = 0.3  # strokes this close to a number belong to it


OPTIONS = SpacingOptions()


def group_evenly_spaced(rows: Sequence[Sequence[Reading]], n: int) -> list[list[int]]:
    """Which readings of the n-th row are parts of one number; those that stand in columns are not."""
    row = rows[n]
    groups: list[list[int]] = []
    for i, reading in enumerate(row):
        before = [row[k] for k in groups[-1]] if groups else []
        if before and _is_one_number([*before, reading]):
            groups[-1].append(i)
        else:
            groups.append([i])
    others = [*rows[max(0, n - OPTIONS.near_rows) : n], *rows[n + 1 : n + 1 + OPTIONS.near_rows]]
    joined = [[row[i] for i in group] for group in groups if len(group) > 1]
    apart = [row[i] for (i, *more) in groups if not more]
    is_table = joined and len(apart) >= OPTIONS.min_table_numbers and _is_table_row(apart, others)
    if is_table or any(_in_columns(parts, others) for parts in joined):
        return [[i] for i in range(len(row))]
    return groups


def join_detections(parts: Sequence[Reading]) -> Detection:
    """The detection of a number whose parts are in this order."""
    first, last = parts[0].detection, parts[-1].detection
    dx, dy = last.x - first.x, last.y - first.y
    angle = float(np.arctan2(dy, dx))
    start = -first.length / 2
    end = float(np.hypot(dx, dy)) + last.length / 2
    axis = np.cos(angle), np.sin(angle)
    x, y = (at + axis[i] * (start + end) / 2 for i, at in enumerate((first.x, first.y)))
    height = median([each.detection.height for each in parts])
    return replace(first, x=float(x), y=float(y), angle=angle, length=end - start, height=height)


def is_addend(rows: Sequence[Sequence[Reading]], n: int, i: int) -> bool:
    """Whether a row's i-th number is unsigned and ends below and above others: its sign may stand far away."""
    number = rows[n][i]
    if not 0 < n < len(rows) - 1 or not number.text[0].isdigit() or number.borders[0]:
        return False
    if max(len(row) for row in rows[n - 1 : n + 2]) > OPTIONS.max_sums_side_by_side:
        return False

    def ends_with(other: Reading) -> bool:
        end, other_end = (_boxes_along(each, number)[-1, 1] for each in (number, other))
        height = max(number.detection.height, other.detection.height)
        return bool(abs(end - other_end) <= OPTIONS.max_column_offset * height)

    return any(map(ends_with, rows[n - 1])) and any(map(ends_with, rows[n + 1]))


def reach_left(row: Sequence[Reading], i: int) -> Detection:
    """The detection of a row's i-th number, going further to the left, but not to the number before it."""
    detection = row[i].detection
    reach = OPTIONS.max_sign_distance * detection.height
    if i:
        before = row[i - 1].detection
        distance = np.hypot(before.x - detection.x, before.y - detection.y)
        gap = float(distance - (before.length + detection.length) / 2)
        reach = max(0.0, min(reach, gap - OPTIONS.number_margin * detection.height))
    x, y = detection.x - reach / 2 * np.cos(detection.angle), detection.y - reach / 2 * np.sin(detection.angle)
    return replace(detection, x=float(x), y=float(y), length=detection.length + reach)


def adds_sign(reading: Reading, before: Reading) -> bool:
    """Whether a reading of more of the row is the number that was read before, with a sign and nothing else."""
    is_signed = reading.text[:1] in SIGNS and reading.text[1:] == before.text
    return is_signed and not reading.rejected and reading.stray_ink <= OPTIONS.max_ink_before_number


def has_ink_before(reading: Reading, before: Reading) -> bool:
    """Whether something stands between a cell's border, if there is one, and a number that was read `before`.

    `reading` is of more of the row.
    """
    left, top, _, bottom = before.strip.in_strip(before.characters[0].box, reading.strip)
    foreground = reading.strip.foreground
    end = round(left - OPTIONS.number_margin * DIGIT_HEIGHT_PX)
    if foreground is None or end <= 0:
        return False
    ink = (foreground[:, :end] >= WEAK).astype(np.uint8)
    upright = cv2.dilate(ink, np.ones((1, BORDER_WIDTH_PX), np.uint8)).mean(axis=0) >= MIN_BORDER_HEIGHT
    start = max([round(reading.strip.ends[0]), *(np.flatnonzero(upright) + 1)])
    part = ink[max(0, round(top)) : round(bottom), start:]
    return bool(part.sum() >= OPTIONS.min_ink_before_number * DIGIT_HEIGHT_PX**2)


def _is_one_number(parts: Sequence[Reading]) -> bool:
    """Whether parts in one row are one number: digits only, no cell border between them, and even gaps."""
    if re.fullmatch(r"[-+]?[\d/]+[.:,]?(?: [\d/]+[.:,]?)*", " ".join(part.text for part in parts)) is None:
        return False  # a speck behind a digit may look like a point; the strokes of a date are digits or signs
    may_be_date = any("/" in part.text for part in parts)  # a stroke of it may have been taken for a border
    if any(a.borders[1] or b.borders[0] for a, b in pairwise(parts)) and not may_be_date:
        return False
    height = median([part.detection.height for part in parts])
    boxes = np.concatenate([_boxes_along(part, parts[0]) for part in parts]) / height
    gaps = boxes[1:, 0] - boxes[:-1, 1]
    pitches = np.diff(boxes.mean(axis=1))
    if may_be_date and gaps.max() <= OPTIONS.max_date_gap:
        return True
    is_even = any(steps.max() <= OPTIONS.max_uneven * max(median(steps), 1e-6) for steps in (gaps, pitches))
    return is_even and bool(gaps.max() <= OPTIONS.max_even_gap)


def _in_columns(parts: Sequence[Reading], rows: Sequence[Sequence[Reading]]) -> bool:
    """Whether some neighbours in a row stand in columns: with others above and below, and these with them."""
    others, edges = _edges_of(rows, parts[0]), _edges(parts, parts[0])
    tolerance = OPTIONS.max_column_shift * median([part.detection.height for part in parts])
    near = others[(others[:, 1] > edges[:, 1].min() - tolerance) & (others[:, 1] < edges[:, 1].max() + tolerance)]
    aligned = abs(near[:, None] - edges) <= tolerance
    fraction = aligned.any(axis=1).mean(axis=0) if len(near) else np.zeros(3)
    return bool((np.minimum(fraction, _column_fraction(aligned)) >= OPTIONS.min_aligned_fraction).any())


def _is_table_row(parts: Sequence[Reading], rows: Sequence[Sequence[Reading]]) -> bool:
    """Whether most of some numbers of a row stand in columns, which may lean, with others above and below."""
    tolerance = OPTIONS.max_column_shift * median([part.detection.height for part in parts])
    for lean in DEFAULT_OPTIONS.column_leans:
        aligned = abs(_edges_of(rows, parts[0], lean)[:, None] - _edges(parts, parts[0], lean)) <= tolerance
        if (_column_fraction(aligned) >= OPTIONS.min_aligned_fraction).any():
            return True
    return False


def _column_fraction(aligned: np.ndarray) -> np.ndarray:
    """The fraction of a row's numbers that stand in columns; aligned is bool (others, numbers, 3)."""
    fraction: np.ndarray = (aligned.sum(axis=0) >= OPTIONS.min_column_numbers).mean(axis=0)
    return fraction


def _edges_of(rows: Sequence[Sequence[Reading]], first: Reading, lean: float = 0.0) -> np.ndarray:
    """`_edges` of the numbers of some rows."""
    return _edges([each for row in rows for each in row], first, lean)


def _edges(row: Sequence[Reading], first: Reading, lean: float = 0.0) -> np.ndarray:
    """Left end, centre and right end of each number along the direction of the first: float64 (n, 3).

    A column that leans goes to the right by `lean` for each step down.
    """
    table = as_table([each.detection for each in row])
    cosine, sine = np.cos(first.detection.angle), np.sin(first.detection.angle)
    centres = table[:, :2] @ [cosine + lean * sine, sine - lean * cosine]
    half: np.ndarray = table[:, 2] / 2
    return np.stack([centres - half, centres, centres + half], axis=1)


def _boxes_along(part: Reading, first: Reading) -> np.ndarray:
    """Left and right edge of each digit along the row, in pixels of the page: float64 (n, 2)."""
    axis = np.array([np.cos(first.detection.angle), np.sin(first.detection.angle)])
    edges = [
        [axis @ (part.strip.matrix @ [x, (top + bottom) / 2, 1]) for x in (left, right)]
        for (left, top, right, bottom), label in ((each.box, each.label) for each in part.characters)
        if label.isdigit()
    ]
    return np.array(edges)
