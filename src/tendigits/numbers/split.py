"""Split detections into numbers after their first crop: the finder may join neighbours or cut off an end.

numbers = merge_detections(split_detection(detection, crop))    # one detection for each number
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, compress, pairwise

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.foreground import median
from tendigits.numbers.decode import Candidate, Edges, centre, text_of
from tendigits.numbers.detections import Detection, as_table, group_detections, show_same_number
from tendigits.numbers.grammar import is_usual
from tendigits.numbers.options import DEFAULT_OPTIONS, NumberOptions
from tendigits.numbers.strips import DIGIT_HEIGHT_PX, Crop


def split_detection(
    detection: Detection, crop: Crop, options: NumberOptions = DEFAULT_OPTIONS, corridors: Sequence[float] = ()
) -> list[Detection]:
    """The numbers that a crop shows: their ends and heights, from the boxes of their characters.

    `corridors` are columns of its strip between two columns of a table; see `find_corridors`.
    """
    strip, characters = crop.strip, _characters(crop, options)
    heights = [peak.box[3] - peak.box[1] for peak in characters if peak.label.isdigit()]
    separators = _separators(crop.borders, median(heights) if heights else DIGIT_HEIGHT_PX, options)
    separators = sorted([*separators, *corridors])
    groups: list[list[Candidate]] = []
    end, cell = -np.inf, -1
    for peak in characters:
        before, cell = cell, bisect(separators, centre(peak.box))
        if peak.box[0] - end >= options.max_gap * DIGIT_HEIGHT_PX or cell > before:
            groups.append([])
            end = -np.inf
        groups[-1].append(peak)
        end = max(end, peak.box[2])
    numbers = []
    for group in (part for whole in groups for part in _parts(whole, options)):
        digits = [peak.box for peak in group if peak.label.isdigit()]
        left, right = min(peak.box[0] for peak in group), max(peak.box[2] for peak in group)
        if not digits or right < strip.ends[0] or left > strip.ends[1]:
            continue
        _, tops, _, bottoms = np.array(digits).T
        is_typical = [peak.label != "1" for peak in group if peak.label.isdigit()]  # a 1 is often higher
        tallest = float((bottoms - tops)[is_typical if any(is_typical) else ...].max())
        is_tall = bottoms - tops >= 0.8 * tallest
        middle = median((tops + bottoms)[is_tall]) / 2
        unit, change = detection.height / DIGIT_HEIGHT_PX, options.max_height_change
        height = float(np.clip(tallest * unit, detection.height / change, detection.height * change))
        x, y = (strip.matrix @ [(left + right) / 2, middle, 1]).tolist()
        number = replace(detection, x=x, y=y, length=(right - left) * unit * detection.stretch, height=height)
        numbers.append(detection if _is_close(detection, number, options) else number)
    return numbers


def find_corridors(crops: Sequence[Crop], options: NumberOptions = DEFAULT_OPTIONS) -> list[list[float]]:
    """The gaps between a table's columns where it has no lines: columns of each strip, which separate numbers.

    Between two digits there is one if their gap is wide for this page, and the same place is free above and below.
    """
    corridors: list[list[float]] = [[] for _ in crops]
    shown = [_characters(crop, options) for crop in crops]
    characters, number = [*chain(*shown)], np.repeat(np.arange(len(crops)), [*map(len, shown)]).tolist()
    pairs = [i for i in np.flatnonzero(np.diff(number) == 0).tolist() if _are_digits(characters[i : i + 2])]
    if not pairs:
        return corridors
    left, right, y = _along_rows([crops[i].strip.matrix for i in number], characters)
    gaps = left[1:] - right[:-1]
    usual = median(gaps[pairs])
    least = max(options.min_corridor, options.min_uneven_gap + options.max_uneven * usual)
    for i in pairs if usual <= options.max_tight_gap else ():
        start, end = characters[i].box[2], characters[i + 1].box[0]
        has_border = any(start <= centre(border) <= end for border in crops[number[i]].borders)  # perhaps of a comb
        if (
            gaps[i] >= least
            and not has_border
            and _is_free((right[i] + left[i + 1]) / 2, y - y[i], left, right, options)
        ):
            corridors[number[i]].append((start + end) / 2)
    return corridors


def _characters(crop: Crop, options: NumberOptions) -> list[Candidate]:
    """What is read in a crop, from left to right."""
    return sorted((peak for peak in crop.peaks if peak.present >= options.min_read), key=lambda peak: peak.box[0])


def _are_digits(characters: Sequence[Candidate]) -> bool:
    return text_of(characters).isdigit()


def _along_rows(
    matrices: Sequence[NDArray[np.float64]], characters: Sequence[Candidate]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Left and right end of characters along the page's rows, and where they stand across them, in digit heights.

    `matrices` are those of their strips; all results are float64 (characters,).
    """
    across, down, origin = np.moveaxis(np.array(matrices), 2, 0)  # (characters, 2) each
    left, top, right, bottom = np.array([each.box for each in characters]).T[..., None]
    angle = median(np.arctan2(across[:, 1], across[:, 0]))
    height = median((bottom - top)[:, 0] * np.hypot(*down.T))
    row, column = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / height
    start, end = (x * across + (top + bottom) / 2 * down + origin for x in (left, right))
    return start @ row, end @ row, (start + end) / 2 @ column


def _is_free(
    x: float, away: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64], options: NumberOptions
) -> bool:
    """Whether a place, which may lean, is free in other rows that have characters on both sides of it.

    `away` is how far below it each character stands; see `_along_rows`.
    """
    is_near = (abs(away) > 1) & (abs(away) <= options.corridor_reach)
    for lean in options.column_leans:
        middle = x + lean * away[is_near]
        before, after = middle - right[is_near], left[is_near] - middle
        n_beside = [((side >= 0) & (side <= options.max_beside_corridor)).sum() for side in (before, after)]
        is_free = np.maximum(before, after) >= options.min_corridor / 4
        if is_free.all() and min(n_beside) >= options.min_beside_corridor:
            return True
    return False


def _parts(group: list[Candidate], options: NumberOptions) -> list[list[Candidate]]:
    """The numbers in a group: its widest gap separates two if it is much wider than the others, and so on.

    In a text of no usual form, as `0.2010.187`, a narrower gap is enough, if the parts have one.
    """
    gaps = [(b.box[0] - a.box[2]) / DIGIT_HEIGHT_PX for a, b in pairwise(group)]
    if not gaps:
        return [group]
    widest = max(gaps)
    middle = gaps.index(widest) + 1
    is_uneven = len(gaps) > 1 and (group[middle - 1].label + group[middle].label).isdigit()
    is_uneven = is_uneven and widest >= options.min_uneven_gap + options.max_uneven * max(0.0, sorted(gaps)[-2])
    if not is_uneven and (widest < options.min_parting_gap or is_usual(text_of(group))):
        return [group]
    parts = [part for half in (group[:middle], group[middle:]) for part in _parts(half, options)]
    return parts if is_uneven or all(is_usual(text_of(part)) and len(part) > 1 for part in parts) else [group]


def merge_detections(detections: Sequence[Detection], options: NumberOptions = DEFAULT_OPTIONS) -> list[Detection]:
    """The longest of the detections of each number.

    A detection that contains several much lower numbers is dropped: in a small copy of the page, a few cells of a table
    look like one number.
    """
    table = as_table(detections)
    much_lower = table[:, 3] * options.max_height_change < table[:, None, 3]
    contained = (show_same_number(table, table) & much_lower).sum(axis=1)
    numbers = [detections[i] for i in np.flatnonzero(contained < options.min_contained_numbers).tolist()]
    return [group[0] for group in group_detections(sorted(numbers, key=lambda detection: -detection.length))]


def _is_close(a: Detection, b: Detection, options: NumberOptions) -> bool:
    shift = float(np.hypot(a.x - b.x, a.y - b.y)) + abs(a.length - b.length) / 2
    return max(shift, abs(a.height - b.height)) < options.max_shift * a.height


def _separators(borders: Sequence[Edges], digit_height: float, options: NumberOptions) -> list[float]:
    """Columns of a strip where cell borders separate numbers; inside a comb a number goes on."""
    centres = [centre(border) for border in borders]
    pitches = [(b - a) / digit_height for a, b in pairwise(centres)]
    is_comb = [options.min_comb_pitch <= pitch <= options.max_comb_pitch for pitch in pitches]
    is_alone = [not (before or behind) for before, behind in pairwise([False, *is_comb, False])]
    return [*compress(centres, is_alone)]
