"""View each number of a page: once where the first view is clear, in several views where something is doubtful.

views = PageViews(network, grey)
numbers = view_numbers(views, detections, budget)               # detections as the finder gives them
numbers = view_known_numbers(views, [[detection]], budget)      # detections that are known to show one number

The budget is spent on a first view of each detection, then on reading the numbers, then on further views of doubtful
ones.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, takewhile
from typing import NamedTuple

from tendigits.numbers.decode import decode
from tendigits.numbers.detections import Detection
from tendigits.numbers.network import NumberNetwork
from tendigits.numbers.options import DEFAULT_OPTIONS, CropTransform, NumberOptions
from tendigits.numbers.split import merge_detections, split_detection
from tendigits.numbers.strips import ImagePyramid, crop_strip, strip_width
from tendigits.numbers.vote import View
from tendigits.pictures.image import Grey

PAGE_BUDGET = 180_000.0  # a unit is one pixel column of a strip; a handwritten table of 24x6 numbers takes 140,000
STRIP_COST = 60.0  # cropping and decoding a strip, in addition to its columns
NUMBER_COST = 120.0  # a number, in addition to its strips
CROP_COST = 55.0  # cropping and classifying a character, or classifying it again, rotated

Wanted = Sequence[tuple[Detection, CropTransform]]


class Budget:
    """The work that is left for a page, in units and not in seconds: so every machine reads the same of it."""

    def __init__(self, work: float = PAGE_BUDGET) -> None:
        self.left = work
        self.is_short = False  # whether something had to be left out

    def afford(self, costs: Sequence[float], fraction: float = 1.0) -> int:
        """Pay for as many jobs, in order, as a fraction of what is left pays for. Returns how many these are."""
        limit = self.left * fraction
        paid = [*takewhile(lambda total: total <= limit, accumulate(costs))]
        self.left -= paid[-1] if paid else 0.0
        self.is_short |= len(paid) < len(costs)
        return len(paid)

    @contextmanager
    def part(self, work: float) -> Iterator["Budget"]:
        """A smaller budget that this one pays for; running out of it does not make this one short."""
        given = min(work, self.left)
        part = Budget(given)
        yield part
        self.left -= given - part.left


class PageViews:
    """What the number network predicts for parts of a page, uint8 (height, width); each view is computed once."""

    def __init__(self, network: NumberNetwork, grey: Grey, options: NumberOptions = DEFAULT_OPTIONS) -> None:
        self.grey, self.options = grey, options
        self._network, self._pyramid = network, ImagePyramid(grey)
        self._views: dict[tuple[Detection, CropTransform], View] = {}

    def cost(self, wanted: Wanted) -> float:
        """Cost of the views that are not computed yet."""
        return sum(STRIP_COST + strip_width(*each) for each in wanted if each not in self._views)

    def compute(self, wanted: Wanted) -> None:
        """Run the network on the views that are not computed yet, all at once."""
        missing = [each for each in dict.fromkeys(wanted) if each not in self._views]
        strips = [crop_strip(self._pyramid, *each) for each in missing]
        outputs = self._network([strip.picture for strip in strips])
        views = (View(strip, *decode(output, self.options)) for strip, output in zip(strips, outputs, strict=True))
        self._views.update(zip(missing, views, strict=True))

    def __getitem__(self, wanted: tuple[Detection, CropTransform]) -> View:
        return self._views[wanted]


class ViewedNumber(NamedTuple):
    """A number and its views."""

    detection: Detection
    views: list[View]  # the first is not transformed
    is_partial: bool = False  # whether it is doubtful, but the budget did not pay for further views
    n_rotations: int = 0  # characters that are paid for to be classified again


def view_numbers(views: PageViews, detections: Sequence[Detection], budget: Budget) -> list[ViewedNumber]:
    """View the numbers in some detections, from the top of the page to its bottom as far as the budget goes."""
    options = views.options
    first = options.transforms[0]
    costs = [views.cost([(detection, first)]) for detection in detections]
    paid = [detections[i] for i in from_the_top(detections, costs, budget, options.first_view_budget)]
    views.compute([(detection, first) for detection in paid])
    split = [part for detection in paid for part in split_detection(detection, views[detection, first], options)]
    return view_known_numbers(views, merge_detections(split, options), budget)


def view_known_numbers(views: PageViews, numbers: Sequence[Sequence[Detection]], budget: Budget) -> list[ViewedNumber]:
    """View numbers, each with its detections, as far as the budget goes: once if all is clear, else transformed too."""
    first, *others = views.options.transforms
    wanted = [[(detection, first) for detection in number] for number in numbers]
    crops_costs = [_expected_crops_cost(number[0]) for number in numbers]
    costs = [views.cost(each) + NUMBER_COST + crops for each, crops in zip(wanted, crops_costs, strict=True)]
    paid = from_the_top([number[0] for number in numbers], costs, budget)
    views.compute([each for i in paid for each in wanted[i]])
    viewed = [ViewedNumber(numbers[i][0], [views[each] for each in wanted[i]]) for i in paid]
    budget.left += sum(crops_costs[i] for i in paid)  # now it is known how many there are
    costs = [CROP_COST * len(number.views[0].peaks) for number in viewed]
    viewed = [viewed[i] for i in from_the_top([number.detection for number in viewed], costs, budget)]
    doubtful = [i for i, number in enumerate(viewed) if not are_clear(number.views, views.options)]
    further = {i: [(viewed[i].detection, transform) for transform in others] for i in doubtful}
    costs = [views.cost(further[i]) + CROP_COST * len(viewed[i].views[0].peaks) for i in doubtful]
    affordable = doubtful[: budget.afford(costs)]
    views.compute([each for i in affordable for each in further[i]])
    for i in doubtful:
        viewed[i] = viewed[i]._replace(is_partial=True)
    for i in affordable:
        first_view, *_ = all_views = [*viewed[i].views, *(views[each] for each in further[i])]
        viewed[i] = ViewedNumber(viewed[i].detection, all_views, n_rotations=len(first_view.peaks))
    return viewed


def from_the_top(
    detections: Sequence[Detection], costs: Sequence[float], budget: Budget, fraction: float = 1.0
) -> list[int]:
    """Indices, ascending, of the upper detections, which the budget pays for: only the page's end is left out."""
    order = sorted(range(len(detections)), key=lambda i: detections[i].y)
    return sorted(order[: budget.afford([costs[i] for i in order], fraction)])


def _expected_crops_cost(detection: Detection) -> float:
    """Cost of classifying the characters, if they are about as wide as they are high."""
    return CROP_COST * (1 + detection.length / detection.height)


def are_clear(views: Sequence[View], options: NumberOptions = DEFAULT_OPTIONS) -> bool:
    """Whether all views show the same characters, at least one, and each without doubt."""
    certain = all(peak.confidence >= options.min_clear_confidence for view in views for peak in view.peaks)
    texts = {"".join(peak.label for peak in view.peaks if peak.present >= options.min_vote) for view in views}
    return certain and len(texts) == 1 and texts != {""}
