"""What reading one page may cost: an amount of work, not of seconds, so that a page reads alike on every machine.

budget = Budget()
n = budget.afford([150, 200, 90])       # how many of these jobs it pays for, the first ones
budget.is_short                         # True as soon as something was left out
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, takewhile

PAGE = 180_000.0
"""Work for one page. A unit is a column of pixels of the strips that the line network sees, with all that follows from
it: about 6 microseconds of a server's core. A table of 24x6 numbers in a person's hand takes 110,000 to 140,000, a list
of 100 printed ones of six digits 90,000. All of it is about a second, beside what finding numbers and tables takes."""

STRIP, NUMBER, CROP = 60.0, 120.0, 55.0
"""What cutting out and decoding a strip costs beside its columns; what a number costs beside its strips; and each of
its characters, each time that the network for single digits looks at it."""


class Budget:
    """The work that is left for a page."""

    def __init__(self, work: float = PAGE) -> None:
        self.left = work
        self.is_short = False
        """Whether something was left out for want of it."""

    def afford(self, costs: Sequence[float], share: float = 1.0) -> int:
        """Pay for as many jobs as a share of what is left pays for, in their order.

        Returns:
            How many; the others are to be left out.
        """
        limit = self.left * share
        paid = [*takewhile(lambda total: total <= limit, accumulate(costs))]
        self.left -= paid[-1] if paid else 0.0
        self.is_short |= len(paid) < len(costs)
        return len(paid)

    @contextmanager
    def part(self, work: float) -> Iterator["Budget"]:
        """A budget of at most so much work that this one pays for; what is left out for want of it counts as read."""
        part = Budget(min(work, self.left))
        given = part.left
        yield part
        self.left -= given - part.left
