"""From a first look at the places that the finder found to the numbers that stand there.

numbers = same(numbers_in(place, view))         # places, grouped by number
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from tendigits.numbers.decode import Edges, Peak
from tendigits.numbers.finder import Detection, as_table, group_places, same_place
from tendigits.numbers.strips import DIGIT
from tendigits.numbers.vote import READ, View

SPLIT = 0.9
"""Of a digit's height: characters that are further apart belong to two numbers."""

NARROWEST_TOOTH, WIDEST_TOOTH = 0.6, 1.35
"""Of a digit's height: pitch of a comb, which has a tooth or a side for each digit of one number."""

MOST_CHANGE = 1.6
"""How many times higher or lower than the finder says digits may be."""

MOVED = 0.12
"""Of a digit's height: a place whose ends and height change less stays as it is, and needs no other look."""

PART = 0.75
"""Of the longest place's length and height: a smaller one shows a part of the number."""

MOST_CROPS = 3
"""Places that are read of one number."""

HELD = 2
"""A place that holds so many numbers, whose digits are MOST_CHANGE times lower, is none itself."""


def numbers_in(place: Detection, view: View) -> list[Detection]:
    """The numbers that a first look shows in a place: their ends and heights, from the boxes of their characters.

    The finder may have joined neighbours, or cut off an end.
    """
    strip = view.strip
    characters = sorted((peak for peak in view.peaks if peak.present >= READ), key=lambda peak: peak.box[0])
    partings = _partings(view.sides, _digit_height(characters))
    groups: list[list[Peak]] = []
    for peak in characters:
        end = max((each.box[2] for each in groups[-1]), default=0.0) if groups else 0.0
        apart = peak.box[0] - end >= SPLIT * DIGIT
        if not groups or apart or any(_middle(groups[-1][-1].box) < x < _middle(peak.box) for x in partings):
            groups.append([])
        groups[-1].append(peak)
    numbers = []
    for group in groups:
        digits = [peak.box for peak in group if peak.label.isdigit()]
        if not digits:
            continue
        left, right = min(peak.box[0] for peak in group), max(peak.box[2] for peak in group)
        if right < strip.ends[0] or left > strip.ends[1]:
            continue
        tops, bottoms = np.array([box[1] for box in digits]), np.array([box[3] for box in digits])
        usual = [peak.label != "1" for peak in group if peak.label.isdigit()]  # a 1 is often higher
        full = float((bottoms - tops)[usual if any(usual) else ...].max())
        high = bottoms - tops >= 0.8 * full
        middle = float(np.median((tops + bottoms)[high])) / 2
        unit = place.height / DIGIT
        height = float(np.clip(full * unit, place.height / MOST_CHANGE, place.height * MOST_CHANGE))
        x, y = (strip.matrix @ [(left + right) / 2, middle, 1]).tolist()
        number = replace(place, x=x, y=y, length=(right - left) * unit, height=height)
        numbers.append(place if _is_nearly(place, number) else number)
    return numbers


def same(places: Sequence[Detection]) -> list[list[Detection]]:
    """Group places that show one number, the longest first: others are further views of it, unless they show a part.

    A place that holds several much smaller numbers is none: a small copy of a page makes a shape of a few cells.
    """
    table = as_table(places)
    much_lower = table[:, 3] * MOST_CHANGE < table[:, None, 3]
    held = (same_place(table, table) & much_lower).sum(axis=1)
    numbers = [place for place, n in zip(places, held.tolist(), strict=True) if n < HELD]
    groups = group_places(sorted(numbers, key=lambda place: -place.length))
    return [[first, *_further_views(first, others)] for first, *others in groups]


def _is_nearly(a: Detection, b: Detection) -> bool:
    away = float(np.hypot(a.x - b.x, a.y - b.y)) + abs(a.length - b.length) / 2
    return max(away, abs(a.height - b.height)) < MOVED * a.height


def _further_views(first: Detection, others: Sequence[Detection]) -> list[Detection]:
    """Other places of a number that show all of it, at most as many as are read."""
    whole = [each for each in others if each.length > PART * first.length and each.height > PART * first.height]
    return whole[: MOST_CROPS - 1]


def _partings(sides: Sequence[Edges], digit_height: float) -> list[float]:
    """Where the sides of cells part numbers: columns of a strip. Between the teeth of a comb, a number goes on."""
    middles = [_middle(side) for side in sides]
    pitches = [(b - a) / digit_height for a, b in pairwise(middles)]
    of_comb = [NARROWEST_TOOTH <= pitch <= WIDEST_TOOTH for pitch in pitches]
    return [
        x
        for x, before, behind in zip(middles, [False, *of_comb], [*of_comb, False], strict=False)
        if not (before or behind)
    ]


def _middle(box: Edges) -> float:
    return (box[0] + box[2]) / 2


def _digit_height(characters: Sequence[Peak]) -> float:
    """The median height of the digits, in pixels of the strip; DIGIT if there are none."""
    heights = [each.box[3] - each.box[1] for each in characters if each.label.isdigit()]
    return float(np.median(heights)) if heights else DIGIT
