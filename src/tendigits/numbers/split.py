"""Split detections into numbers after their first crop: the finder may join neighbours or cut off an end.

numbers = merge_detections(split_detection(detection, crop))    # one detection for each number
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress, pairwise

import numpy as np

from tendigits.digits.foreground import median
from tendigits.numbers.decode import Candidate, Edges, centre, text_of
from tendigits.numbers.detections import Detection, as_table, group_detections, show_same_number
from tendigits.numbers.grammar import is_usual
from tendigits.numbers.options import DEFAULT_OPTIONS, NumberOptions
from tendigits.numbers.strips import DIGIT_HEIGHT_PX, Crop


def split_detection(detection: Detection, crop: Crop, options: NumberOptions = DEFAULT_OPTIONS) -> list[Detection]:
    """The numbers that a crop shows: their ends and heights, from the boxes of their characters."""
    strip = crop.strip
    characters = sorted((peak for peak in crop.peaks if peak.present >= options.min_read), key=lambda peak: peak.box[0])
    heights = [peak.box[3] - peak.box[1] for peak in characters if peak.label.isdigit()]
    separators = _separators(crop.borders, median(heights) if heights else DIGIT_HEIGHT_PX, options)
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
