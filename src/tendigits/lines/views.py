"""See each number of a page in as few views as tell: one where all is clear in it, several where something is doubtful.

numbers, more = views_of(network, grey, places, {})         # places as the finder gives them
for place, views in views_at(network, grey, places):        # places where a number is known to stand
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tendigits.lines.decode import decode
from tendigits.lines.finder import MOST, Place
from tendigits.lines.first_look import numbers_in, same
from tendigits.lines.network import LineNetwork
from tendigits.lines.strips import Look, Pyramid, cut
from tendigits.lines.vote import View

LOOKS = (
    Look(),
    Look(scale=0.9, lean=-0.15),
    Look(scale=0.9, stretch=1.2),
)
"""A number that isn't clear in the first is read in all of these, as people of other habits would have written it."""

CLEAR = 0.95
"""Probability of each character from which on a number is clear."""

Seen = dict[tuple[Place, Look], View]


def views_of(
    network: LineNetwork, grey: NDArray[np.uint8], places: Sequence[Place], seen: Seen
) -> tuple[list[tuple[Place, list[View]]], bool]:
    """The numbers in some places of a page, uint8 (height, width), each with its views, the first as it stands; and
    whether there are more than MOST.

    Args:
        seen: what was seen of the page before; grows.
    """
    pyramid, first = Pyramid(grey), LOOKS[0]
    look(network, pyramid, [(place, first) for place in places], seen)
    numbers = same([number for place in places for number in numbers_in(place, seen[place, first])])
    return _views(network, pyramid, numbers[:MOST], seen), len(numbers) > MOST


def views_at(network: LineNetwork, grey: NDArray[np.uint8], places: Sequence[Place]) -> list[tuple[Place, list[View]]]:
    """Likewise, where each place is of one number, from its beginning to its end."""
    return _views(network, Pyramid(grey), [[place] for place in places], Seen())


def _views(
    network: LineNetwork, pyramid: Pyramid, numbers: Sequence[Sequence[Place]], seen: Seen
) -> list[tuple[Place, list[View]]]:
    """Look at numbers, each with its places: once where all is clear, else in all of the LOOKS."""
    (first, *others) = LOOKS
    look(network, pyramid, [(place, first) for number in numbers for place in number], seen)
    views = [(number[0], [seen[place, first] for place in number]) for number in numbers]
    doubtful = [(place, own) for place, own in views if not are_clear(own)]
    look(network, pyramid, [(place, look) for place, _ in doubtful for look in others], seen)
    for place, own in doubtful:
        own += [seen[place, look] for look in others]
    return views


def are_clear(views: Sequence[View]) -> bool:
    """Whether all show the same characters, at least one, and each of these without a doubt."""
    certain = all(peak.confidence >= CLEAR for view in views for peak in view.peaks)
    texts = {view.text for view in views}
    return certain and len(texts) == 1 and texts != {""}


def look(network: LineNetwork, pyramid: Pyramid, wanted: Sequence[tuple[Place, Look]], seen: Seen) -> None:
    """Add to `seen` what the network sees where it has not looked yet."""
    missing = [each for each in dict.fromkeys(wanted) if each not in seen]
    strips = [cut(pyramid, place, look) for place, look in missing]
    outputs = network([strip.picture for strip in strips])
    seen.update(
        zip(missing, (View(s, *decode(output)) for s, output in zip(strips, outputs, strict=True)), strict=True)
    )
