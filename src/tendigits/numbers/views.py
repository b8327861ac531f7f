"""See each number of a page in as few views as tell: one where all is clear in it, several where something is doubtful.

numbers = views_of(network, grey, places, {}, budget)               # places as the finder gives them
numbers = views_at(network, grey, places, budget)                   # places where a number is known to stand

The budget is spent in this order: a first look at each place, what a number that stands there costs to be read, and
further views of the doubtful ones.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tendigits.digits.budget import CROP, NUMBER, STRIP, Budget
from tendigits.numbers.decode import decode
from tendigits.numbers.finder import Detection
from tendigits.numbers.first_look import numbers_in, same
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.strips import Look, Pyramid, cut, width_of
from tendigits.numbers.vote import View

LOOKS = (
    Look(),
    Look(scale=0.9, lean=-0.15),
    Look(scale=0.9, stretch=1.2),
)
"""A number that isn't clear in the first is read in all of these, as people of other habits would have written it."""

CLEAR = 0.95
"""Probability of each character from which on a number is clear."""

FIRST_LOOKS = 0.25
"""Share of a budget for the first look at each place: to read the number that stands there costs up to three times as
much again, for its ends may turn out to be elsewhere, and its characters are looked at one by one."""

DOUBT = 1.0
"""How many looks more the network for single digits takes at the characters of a doubtful number, of which some are
turned two ways; see `Network.refined_logits`."""

Seen = dict[tuple[Detection, Look], View]


class Sight(NamedTuple):
    """A number and its views."""

    place: Detection
    views: list[View]
    """The first as it stands."""
    is_partial: bool = False
    """Whether it is doubtful, but there was no budget for further views."""


def views_of(
    network: NumberNetwork, grey: NDArray[np.uint8], places: Sequence[Detection], seen: Seen, budget: Budget
) -> list[Sight]:
    """The numbers in some places of a page, uint8 (height, width).

    Args:
        seen: what was seen of the page before; grows.
        budget: pays, from the top of the page to its bottom; what it doesn't pay for is left out.
    """
    pyramid, first = Pyramid(grey), LOOKS[0]
    paid = _from_the_top(places, [cost_of([(place, first)], seen) for place in places], budget, FIRST_LOOKS)
    look(network, pyramid, [(places[i], first) for i in paid], seen)
    numbers = same([number for i in paid for number in numbers_in(places[i], seen[places[i], first])])
    return _views(network, pyramid, numbers, seen, budget)


def views_at(
    network: NumberNetwork, grey: NDArray[np.uint8], places: Sequence[Detection], budget: Budget
) -> list[Sight]:
    """Likewise, where each place is of one number, from end to end: the first of them, as the budget goes."""
    return _views(network, Pyramid(grey), [[place] for place in places], Seen(), budget)


def _views(
    network: NumberNetwork, pyramid: Pyramid, numbers: Sequence[Sequence[Detection]], seen: Seen, budget: Budget
) -> list[Sight]:
    """Look at numbers, each with its places: once where all is clear, else in all of the LOOKS."""
    (first, *others) = LOOKS
    wanted = [[(place, first) for place in number] for number in numbers]
    costs = [cost_of(looks, seen) + _cost_of_reading(place) for looks, (place, *_) in zip(wanted, numbers, strict=True)]
    paid = _from_the_top([number[0] for number in numbers], costs, budget)
    look(network, pyramid, [each for i in paid for each in wanted[i]], seen)
    sights = [Sight(numbers[i][0], [seen[each] for each in wanted[i]]) for i in paid]
    doubtful = [i for i, sight in enumerate(sights) if not are_clear(sight.views)]
    further = {i: [(sights[i].place, each) for each in others] for i in doubtful}
    costs = [cost_of(further[i], seen) + DOUBT * _cost_of_crops(sights[i].place) for i in doubtful]
    seen_on = doubtful[: budget.afford(costs)]
    look(network, pyramid, [each for i in seen_on for each in further[i]], seen)
    for i in doubtful:
        sights[i] = sights[i]._replace(is_partial=True)
    for i in seen_on:
        sights[i] = Sight(sights[i].place, [*sights[i].views, *(seen[each] for each in further[i])])
    return sights


def _from_the_top(places: Sequence[Detection], costs: Sequence[float], budget: Budget, share: float = 1.0) -> list[int]:
    """Which places a budget pays for, the upper ones, so that a table lacks its last rows and no others.

    Returns:
        Their indices, ascending.
    """
    order = sorted(range(len(places)), key=lambda i: places[i].y)
    return sorted(order[: budget.afford([costs[i] for i in order], share)])


def _cost_of_reading(place: Detection) -> float:
    """What a number costs beside its strips."""
    return NUMBER + _cost_of_crops(place)


def _cost_of_crops(place: Detection) -> float:
    """What a look at its characters costs, if they are about as wide as they are high."""
    return CROP * (1 + place.length / place.height)


def cost_of(wanted: Sequence[tuple[Detection, Look]], seen: Seen) -> float:
    """What it costs to look where the network has not looked yet."""
    return sum(STRIP + width_of(*each) for each in wanted if each not in seen)


def are_clear(views: Sequence[View]) -> bool:
    """Whether all show the same characters, at least one, and each of these without a doubt."""
    certain = all(peak.confidence >= CLEAR for view in views for peak in view.peaks)
    texts = {view.text for view in views}
    return certain and len(texts) == 1 and texts != {""}


def look(network: NumberNetwork, pyramid: Pyramid, wanted: Sequence[tuple[Detection, Look]], seen: Seen) -> None:
    """Add to `seen` what the network sees where it has not looked yet."""
    missing = [each for each in dict.fromkeys(wanted) if each not in seen]
    strips = [cut(pyramid, place, look) for place, look in missing]
    outputs = network([strip.picture for strip in strips])
    seen.update(
        zip(missing, (View(s, *decode(output)) for s, output in zip(strips, outputs, strict=True)), strict=True)
    )
