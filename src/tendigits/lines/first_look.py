"""From a first look at the places that the finder found to the numbers that stand there.

numbers = same(numbers_in(place, view))         # places, grouped by number
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tendigits.digits.foreground import find_foreground
from tendigits.lines.decode import HEIGHT, Edges, Peak
from tendigits.lines.finder import Place, same_place
from tendigits.lines.second_opinion import has_rule
from tendigits.lines.strips import DIGIT
from tendigits.lines.vote import READ, View

SPLIT = 0.9
"""Of a digit's height: characters that are further apart belong to two numbers."""

TALLEST = 1.38
"""Of a digit's height: what is higher is no character."""

MOST_CHANGE = 1.6
"""How many times higher or lower than the finder says digits may be."""

PART = 0.75
"""Of the longest place's length and height: a smaller one shows a part of the number."""

MOST_CROPS = 3
"""Places that are read of one number."""


def numbers_in(place: Place, view: View) -> list[Place]:
    """The numbers that a first look shows in a place: their ends and heights, from the boxes of their characters.

    The finder may have joined neighbours, or cut off an end.
    """
    strip, peaks = view.strip, view.peaks
    groups: list[list[Peak]] = []
    foreground = find_foreground(strip.picture)
    digit_height = _digit_height(peaks)
    for peak in sorted(peaks, key=lambda peak: peak.box[0]):
        if peak.present < READ:
            continue
        if is_rule(peak.box, digit_height) and has_rule(foreground, peak.box[0], peak.box[2]):
            groups.append([])
            continue
        end = max((each.box[2] for each in groups[-1]), default=0.0) if groups else 0.0
        if not groups or not groups[-1] or peak.box[0] - end >= SPLIT * DIGIT or has_rule(foreground, end, peak.box[0]):
            groups.append([peak])
        else:
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
        unit = place.height / (DIGIT * strip.scale)
        height = float(np.clip(full * unit, place.height / MOST_CHANGE, place.height * MOST_CHANGE))
        x, y = strip.matrix @ [(left + right) / 2, middle, 1]
        numbers.append(replace(place, x=float(x), y=float(y), length=(right - left) * unit, height=height))
    return numbers


def same(places: Sequence[Place]) -> list[list[Place]]:
    """Group places that show one number, the longest first: others are further views of it, unless they show a part."""
    groups: list[list[Place]] = []
    for place in sorted(places, key=lambda place: -place.length):
        near = next((group for group in groups if same_place(place, group[0])), None)
        if near is None:
            groups.append([place])
        elif len(near) < MOST_CROPS and place.length > PART * near[0].length and place.height > PART * near[0].height:
            near.append(place)
    return groups


def is_rule(box: Edges, digit_height: float) -> bool:
    """Whether something runs through the whole strip, too high for a character: the side of a cell."""
    return box[1] < 3 and box[3] > HEIGHT - 3 and box[3] - box[1] > TALLEST * digit_height


def _digit_height(characters: Sequence[Peak]) -> float:
    """The median height of the digits, in pixels of the strip; DIGIT if there are none."""
    heights = [each.box[3] - each.box[1] for each in characters if each.label.isdigit()]
    return float(np.median(heights)) if heights else DIGIT
