"""Is a page upright? If its numbers are not clear as it lies, it is turned and they are cropped again.

turns = turns_of(reader, detections, crops, budget)   # quarter turns to the left that make it upright: 0 to 3
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tendigits.numbers.crops import Budget, PageCrops
from tendigits.numbers.decode import Candidate
from tendigits.numbers.detections import Detection
from tendigits.numbers.reader import NumberReader
from tendigits.pictures.image import Grey


@dataclass(frozen=True)
class OrientationOptions:
    """Tolerances. Clearness is the mean probability of the characters, 0 to 1."""

    work: float = 200_000.0  # part of the page's `Budget` for all orientations together
    min_numbers: int = 3  # with fewer, an orientation is not clear
    min_side_px: int = 200  # of a picture that may lie on its side though few numbers are found in it as it lies
    min_characters: int = 12  # with fewer, an orientation is not clear: an 8 or a 0 reads the same upside down
    enough_characters: int = 48  # after these no further numbers are looked at
    batch_size: int = 16  # numbers viewed at once, the longest first, until there are enough characters
    max_numbers: int = 64  # numbers viewed at most; the longest ones may be words
    upright_clearness: float = 0.96  # from here on, a page counts as upright
    sideways_clearness: float = 0.88  # a page may lie on its side if neither way up is as clear as this,
    min_lead: float = 0.1  # or neither is clearer than the other by this
    min_clearness: float = 0.85  # of another orientation


OPTIONS = OrientationOptions()


def turns_of(reader: NumberReader, detections: Sequence[Detection], crops: PageCrops, budget: Budget) -> int:
    """How many quarter turns to the left make a page upright, given its detections and crops as it lies."""
    if len(detections) < OPTIONS.min_numbers and min(crops.grey.shape) < OPTIONS.min_side_px:
        return 0
    with budget.part(OPTIONS.work) as part:
        clearness = {0: _clearness(detections, crops, part)}
        if clearness[0] >= OPTIONS.upright_clearness:
            return 0
        if clearness[0] > 0:  # what shows too few characters as it lies shows no more upside down
            clearness[2] = _clearness(*_upside_down(reader, detections, crops.grey), part)
        other, better = sorted([0.0, *clearness.values()])[-2:]
        if better < OPTIONS.sideways_clearness or better - other < OPTIONS.min_lead:
            grey = np.ascontiguousarray(np.rot90(crops.grey))
            detections = reader.detect(grey, part)
            clearness[1] = _clearness(detections, reader.crops(grey), part)
            clearness[3] = _clearness(*_upside_down(reader, detections, grey), part)
    best = max(clearness, key=lambda turns: clearness[turns])
    return best if clearness[best] > OPTIONS.min_clearness else 0


def _upside_down(
    reader: NumberReader, detections: Sequence[Detection], grey: Grey
) -> tuple[list[Detection], PageCrops]:
    """A page and its detections turned by 180 degrees, which is faster than detecting again."""
    height, width = grey.shape
    turned = [replace(each, x=width - each.x, y=height - each.y) for each in detections]
    return turned, reader.crops(np.ascontiguousarray(np.rot90(grey, 2)))


def _clearness(detections: Sequence[Detection], crops: PageCrops, budget: Budget) -> float:
    """The mean probability of the characters of a page's longest numbers; 0 if there are too few."""
    if len(detections) < OPTIONS.min_numbers:
        return 0.0
    longest = sorted(detections, key=lambda each: -each.score * each.length / each.height)[: OPTIONS.max_numbers]
    peaks: list[Candidate] = []
    while longest and len(peaks) < OPTIONS.enough_characters:
        batch = longest[: OPTIONS.batch_size]
        longest = longest[OPTIONS.batch_size :]
        batch = batch[: budget.afford([*map(crops.cost, batch)])]
        crops.compute(batch)
        peaks += [peak for each in batch for peak in crops[each].peaks if peak.present >= crops.options.min_read]
    return float(np.mean([peak.confidence for peak in peaks])) if len(peaks) >= OPTIONS.min_characters else 0.0
