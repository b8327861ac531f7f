"""The budget for reading one page, in units of work, not seconds: so every machine reads the same of a page.

budget = Budget()
n = budget.afford([150, 200, 90])       # how many of these jobs it pays for, from the first one on
budget.is_short                         # True as soon as something was left out
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, takewhile

PAGE_BUDGET = 180_000.0  # a unit is one pixel column of a strip; a handwritten table of 24x6 numbers takes 140,000
STRIP_COST = 60.0  # cropping and decoding a strip, in addition to its columns
NUMBER_COST = 120.0  # a number, in addition to its strips
CROP_COST = 55.0  # each time that the digit network classifies a character


class Budget:
    """The work that is left for a page."""

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
