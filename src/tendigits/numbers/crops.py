"""Crop each number out of a page, and show it to the number network once.

crops = PageCrops(network, grey)
numbers = crop_numbers(crops, detections, budget)               # detections as the finder gives them
numbers = crop_known_numbers(crops, detections, budget)         # detections that are known to show one number each

The budget is spent on the first crop of each detection, then on reading the numbers, from the page's top to its bottom.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from itertools import accumulate, takewhile

import numpy as np
from numpy.typing import NDArray

from tendigits.numbers.decode import decode
from tendigits.numbers.detections import Detection
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.options import DEFAULT_OPTIONS, NumberOptions
from tendigits.numbers.split import find_corridors, merge_detections, split_detection
from tendigits.numbers.strips import Crop, ImagePyramid, crop_strip, crossings, strip_width
from tendigits.pictures.image import Grey

PAGE_BUDGET = 1_500_000.0  # a unit is one pixel column of a strip; 2,000 numbers of three digits take 940,000
STRIP_COST = 60.0  # cropping and decoding a strip, in addition to its columns
NUMBER_COST = 120.0  # a number, in addition to its strip
CHARACTER_COST = 55.0  # classifying a character again, rotated, with the user's network
BATCH_SIZE = 128  # numbers between two looks at the clock


class Budget:
    """The work that is left for a page, in units: so every machine reads the same of it, if it has the time."""

    def __init__(
        self, work: float = PAGE_BUDGET, seconds: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`seconds` that reading may take; None for no limit."""
        self.left = work
        self.left_out: list[Detection] = []  # numbers that were found and not read
        self.is_truncated = False  # whether more numbers were found than are read at all
        self._deadline, self._clock = None if seconds is None else clock() + seconds, clock

    def is_late(self) -> bool:
        """Whether the time is over."""
        return self._deadline is not None and self._clock() > self._deadline

    def afford(self, costs: Sequence[float], fraction: float = 1.0) -> int:
        """Pay for as many jobs, in order, as a fraction of what is left pays for. Returns how many these are."""
        limit = 0.0 if self.is_late() else self.left * fraction
        paid = [*takewhile(lambda total: total <= limit, accumulate(costs))]
        self.left -= paid[-1] if paid else 0.0
        return len(paid)

    @contextmanager
    def part(self, work: float = np.inf) -> Iterator["Budget"]:
        """A smaller budget, or one as large, that this one pays for; what it leaves out is not left out of the page."""
        part = copy(self)
        part.left, part.left_out = min(work, self.left), []
        before = part.left
        yield part
        self.left -= before - part.left


class PageCrops:
    """What the number network predicts for parts of a page, uint8 (height, width); each is computed once."""

    def __init__(self, network: NumberNetwork, grey: Grey, options: NumberOptions = DEFAULT_OPTIONS) -> None:
        self.grey, self.options, self._rules = grey, options, np.zeros((0, 4))
        self._network, self._pyramid = network, ImagePyramid(grey)
        self._seen: dict[Detection, Crop] = {}  # as the network saw them
        self._crops: dict[Detection, Crop] = {}

    def cost(self, detection: Detection) -> float:
        """Cost of a crop; 0 if it is computed already."""
        return 0.0 if detection in self._seen else STRIP_COST + strip_width(detection)

    def with_rules(self, rules: NDArray[np.float64]) -> "PageCrops":
        """The same page, with ruled lines that separate numbers, x and y of both ends in pixels: float64 (n, 4).

        The network does not see again what it has seen.
        """
        crops = PageCrops(self._network, self.grey, self.options)
        crops._pyramid, crops._seen, crops._rules = self._pyramid, self._seen, rules
        return crops

    def compute(self, detections: Sequence[Detection]) -> None:
        """Run the network on the crops that are not computed yet, all at once."""
        detections = [*dict.fromkeys(detections)]
        missing = [each for each in detections if each not in self._seen]
        strips = [crop_strip(self._pyramid, each) for each in missing]
        outputs = self._network([strip.picture for strip in strips])
        for detection, strip, output in zip(missing, strips, outputs, strict=True):
            self._seen[detection] = Crop(strip, *decode(output, self.options))
        new = [each for each in detections if each not in self._crops]
        rules = crossings([self._seen[each].strip for each in new], self._rules)
        for detection, own in zip(new, rules, strict=True):
            seen = self._seen[detection]
            self._crops[detection] = replace(seen, borders=sorted([*seen.borders, *own]))

    def __getitem__(self, detection: Detection) -> Crop:
        return self._crops[detection]


def crop_numbers(crops: PageCrops, detections: Sequence[Detection], budget: Budget) -> list[Detection]:
    """Crop the numbers in some detections, from the top of the page to its bottom as far as the budget goes.

    Returns the numbers that they show, whose ends and heights are those of their characters.
    """
    options = crops.options
    costs = [crops.cost(detection) for detection in detections]
    paid = _compute(crops, _from_the_top(detections, costs, budget, options.first_crop_budget), budget)
    corridors = find_corridors([crops[each] for each in paid], options)
    parts = [
        part
        for detection, own in zip(paid, corridors, strict=True)
        for part in split_detection(detection, crops[detection], options, own)
    ]
    split = [part.within(crops.grey.shape) for part in parts]
    return crop_known_numbers(crops, merge_detections(split, options), budget)


def crop_known_numbers(crops: PageCrops, numbers: Sequence[Detection], budget: Budget) -> list[Detection]:
    """Crop numbers as far as the budget goes, which pays for reading them, too; returns those that are cropped."""
    costs = [crops.cost(each) + NUMBER_COST for each in numbers]
    return _compute(crops, _from_the_top(numbers, costs, budget), budget)


def _compute(crops: PageCrops, detections: Sequence[Detection], budget: Budget) -> list[Detection]:
    """Compute crops while there is time; returns the detections of those."""
    for start in range(0, len(detections), BATCH_SIZE):
        if budget.is_late():
            budget.left_out += detections[start:]
            return [*detections[:start]]
        crops.compute(detections[start : start + BATCH_SIZE])
    return [*detections]


def _from_the_top(
    detections: Sequence[Detection], costs: Sequence[float], budget: Budget, fraction: float = 1.0
) -> list[Detection]:
    """The upper detections, which the budget pays for: only the page's end is left out."""
    order = sorted(range(len(detections)), key=lambda i: detections[i].y)
    n_paid = budget.afford([costs[i] for i in order], fraction)
    budget.left_out += [detections[i] for i in order[n_paid:]]
    return [detections[i] for i in order[:n_paid]]
