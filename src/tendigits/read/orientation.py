"""Is a page upright? If its numbers aren't clear as it lies, it is turned and they are looked at again.

turns = turns_of(reader, grey, places, seen, budget)    # quarter turns to the left that make it upright: 0 to 3
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.budget import Budget
from tendigits.numbers.decode import Peak
from tendigits.numbers.detections import Detection
from tendigits.numbers.options import DEFAULT_OPTIONS, IDENTITY
from tendigits.numbers.reader import NumberReader
from tendigits.numbers.strips import ImagePyramid
from tendigits.numbers.views import ViewCache, add_views, views_cost

Grey = NDArray[np.uint8]

FIRST, MOST = 16, 64
"""Numbers that are looked at, the longest ones first, for of an upside-down 8 or 0 alone nothing can be told; and at
most, where these turn out to be words."""

WORK = 40_000.0
"""Of a `Budget`, for all four positions together: lines of words are long, and tell nothing."""

FEWEST_NUMBERS, FEWEST = 3, 12
"""Numbers and characters from which on it can be told."""

UPRIGHT = 0.94
"""Mean probability of the characters of a page from which on it is not turned. Of 102 generated tables, documents and
photos, those upside down or sideways had at most 0.93; a page in a hand that the reader can't read had 0.944."""

SIDEWAYS = 0.92
"""Likewise, below which a page may lie on its side: such pages had at most 0.93."""

CLEARER, LEAST = 0.03, 0.9
"""By how much more probable characters must be in another position, and how probable at least."""


def turns_of(reader: NumberReader, grey: Grey, places: Sequence[Detection], seen: ViewCache, budget: Budget) -> int:
    """How many quarter turns to the left make a page, uint8 (height, width), upright.

    Args:
        places: where numbers stand on the page as it is.
        seen: gets what is seen there.
        budget: of the page; pays, up to WORK.
    """
    if len(places) < FEWEST_NUMBERS:
        return 0
    with budget.part(WORK) as own:
        clear = {0: _clearness(reader, grey, places, seen, own)}
        if clear[0] >= UPRIGHT:
            return 0
        clear[2] = _clearness(reader, *_upside_down(grey, places), {}, own)
        if max(clear.values()) < SIDEWAYS:
            grey = np.ascontiguousarray(np.rot90(grey))
            places = reader.detect(grey, own)
            clear[1] = _clearness(reader, grey, places, {}, own)
            clear[3] = _clearness(reader, *_upside_down(grey, places), {}, own)
    best = max(clear, key=lambda turns: clear[turns])
    return best if clear[best] > max(clear[0] + CLEARER, LEAST) else 0


def _upside_down(grey: Grey, places: Sequence[Detection]) -> tuple[Grey, list[Detection]]:
    """A page and its places turned by half a turn; to find them there takes longer, and tells no more."""
    height, width = grey.shape
    turned = [replace(place, x=width - place.x, y=height - place.y) for place in places]
    return np.ascontiguousarray(np.rot90(grey, 2)), turned


def _clearness(reader: NumberReader, grey: Grey, places: Sequence[Detection], seen: ViewCache, budget: Budget) -> float:
    """How probable the characters of a page's longest numbers are; 0 if there are few."""
    longest = sorted(places, key=lambda place: -place.score * place.length / place.height)[:MOST]
    pyramid, peaks = ImagePyramid(grey), list[Peak]()
    while longest and len(peaks) < FEWEST:
        wanted, longest = [(place, IDENTITY) for place in longest[:FIRST]], longest[FIRST:]
        wanted = wanted[: budget.afford([views_cost([each], seen) for each in wanted])]
        add_views(reader.network, pyramid, wanted, seen)
        peaks += [peak for each in wanted for peak in seen[each].peaks if peak.present >= DEFAULT_OPTIONS.min_vote]
    return float(np.mean([peak.confidence for peak in peaks])) if len(peaks) >= FEWEST else 0.0
