"""Is the difference between two networks luck? McNemar's exact test on the same test digits.

mcnemar_of_runs(open_run("runs/a"), open_run("runs/b")).words

Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
Psychometrika 12 (1947), 153-157. Only digits that one network reads and the other misreads are informative; if both
networks are equally good, each of these digits is like the toss of a coin.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import exp, fsum, lgamma, log

from tendigits.errors import RunError
from tendigits.runs.run import Run
from tendigits.untrusted import MAX_TEXT_BYTES, read_inside

MAX_SIGNIFICANT_P = 0.05  # the usual significance level
TEST_ARRAYS = ("x_test", "y_test")


@dataclass(frozen=True)
class Verdict:
    """The result of McNemar's test of two networks on the same digits."""

    names: tuple[str, str]
    n: int  # number of test digits
    only_first: int  # digits that only the first network reads correctly
    only_second: int
    p: float  # probability, 0 to 1, of a difference at least as large between two equally good networks

    @property
    def is_significant(self) -> bool:
        """Whether the difference is probably not luck."""
        return self.p < MAX_SIGNIFICANT_P

    @property
    def words(self) -> str:
        """The difference, and whether it may be luck, in a few sentences."""
        first, second = self.names
        if not self.only_first + self.only_second:
            return f"{first} and {second} misread the same of {self.n:,} test digits: no difference to explain."
        alone = f"{self.only_first:,} are read correctly only by {first}, {self.only_second:,} only by {second}."
        difference = abs(self.only_first - self.only_second)
        if not difference:
            return f"{first} and {second} read equally many of {self.n:,} test digits. {alone}"
        better, other = self.names if self.only_first > self.only_second else (second, first)
        p = "less than 0.001" if self.p < 0.001 else f"{self.p:.2g}"
        return (
            f"{better} reads {difference:,} of {self.n:,} test digits more than {other}. {alone} Is it luck? "
            f"{'Hardly' if self.is_significant else 'It may well be'}: the probability that two equally good networks "
            f"differ by this much or more is {p} (McNemar's exact test). Train both again with another seed: does "
            f"{better} still win?"
        )


def mcnemar(
    first_wrong: Collection[int], second_wrong: Collection[int], n: int, names: tuple[str, str] = ("A", "B")
) -> Verdict:
    """Test whether two networks differ significantly on the same n digits, from the rows that each misreads."""
    first, second = set(map(int, first_wrong)), set(map(int, second_wrong))
    only_first, only_second = len(second - first), len(first - second)
    return Verdict(names, n, only_first, only_second, _two_sided(only_first, only_second))


def mcnemar_of_runs(first: Run, second: Run) -> Verdict:
    """Test two finished runs, from their reports; the networks are not evaluated again.

    Raises:
        RunError: a run has no report, or one of an older version, or their test digits differ.
    """
    one, other = (run.record()["data"]["sha256"] for run in (first, second))
    if any(one.get(name) != other.get(name) for name in TEST_ARRAYS):
        raise RunError(f"expected the same test digits for {first.path.name} and {second.path.name}, found others")
    names = distinct_names((first, second))
    (first_wrong, n), (second_wrong, _) = _wrong(first), _wrong(second)
    return mcnemar(first_wrong, second_wrong, n, (names[0], names[1]))


def distinct_names(runs: Sequence[Run]) -> list[str]:
    """The names of the folders, or their paths if two names are equal."""
    names = [run.path.resolve().name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.path) for run in runs]


def _two_sided(a: int, b: int) -> float:
    """The probability that a + b coin tosses are at least as uneven as a to b."""
    n = a + b
    each = lgamma(n + 1) - n * log(2)  # logarithm of n! / 2**n
    return min(1.0, 2 * fsum(exp(each - lgamma(k + 1) - lgamma(n - k + 1)) for k in range(min(a, b) + 1)))


def _wrong(run: Run) -> tuple[list[int], int]:
    """The misread rows and the number of test digits in a run's report."""
    try:
        report = json.loads(read_inside(run.path, "report.json", MAX_TEXT_BYTES))
        wrong, n = list(map(int, report["wrong"])), int(report["n"])
        if not all(0 <= row < n for row in wrong):
            raise ValueError("expected rows of the test digits")
        return wrong, n
    except (OSError, KeyError, ValueError, TypeError, OverflowError, RecursionError):
        raise RunError(
            f"{run.path.name} has no report with the misread digits; write it with: tendigits evaluate {run.path}"
        ) from None
