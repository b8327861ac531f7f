"""Is the difference between two networks luck? McNemar's exact test on the same test digits, in words.

verdict = mcnemar(wrong_a, wrong_b, 10_000, ("a", "b"))         # rows of the test set that each misreads
verdict.p, verdict.words
mcnemar_of_runs(open_run("runs/a"), open_run("runs/b"))

Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
Psychometrika 12 (1947), 153-157. Only digits that one network reads and the other misreads are informative; if both
networks are equally good, each of these digits is like the toss of a coin.
"""

import json
import os
from collections.abc import Collection
from dataclasses import dataclass

from tendigits.errors import RunError
from tendigits.runs.run import Run
from tendigits.untrusted import MAX_TEXT_BYTES, read_inside

MAX_SIGNIFICANT_P = 0.05
"""The usual significance level."""

MIN_SHOWN_P = 0.001
"""A smaller p is shown as "p < 0.001"."""

MAX_DIGITS = 1_000_000
"""Size limit of a test set; the exact test takes quadratic time."""


@dataclass(frozen=True)
class Verdict:
    """The result of McNemar's test of two networks on the same digits."""

    names: tuple[str, str]
    n: int
    """Number of test digits."""
    only_first: int
    """Digits that only the first network reads correctly."""
    only_second: int
    """Digits that only the second network reads correctly."""
    p: float
    """Probability, 0 to 1, of a difference at least as large between two equally good networks."""

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
        alone = f"{_digits(self.only_first)} only {first} reads correctly, {self.only_second:,} only {second}."
        difference = abs(self.only_first - self.only_second)
        if not difference:
            return f"{first} and {second} read equally many of {self.n:,} test digits. {alone}"
        better, other = self.names if self.only_first > self.only_second else (second, first)
        return (
            f"{better} reads {difference:,} of {self.n:,} test digits more than {other}. {alone} Is it luck? "
            f"{'Hardly' if self.is_significant else 'It may well be'}: two equally good networks would differ by this "
            f"much or more {_how_often(self.p)} such tests (McNemar's exact test, {_p_text(self.p)}). This is about "
            "these two networks; other seeds make others."
        )


def mcnemar(
    first_wrong: Collection[int], second_wrong: Collection[int], n: int, names: tuple[str, str] = ("A", "B")
) -> Verdict:
    """Test whether two networks differ significantly on the same digits.

    Args:
        first_wrong: rows of the test set, 0 to n - 1, that the first network misreads.
        second_wrong: rows that the second network misreads.
        n: number of test digits.
        names: names of the networks, for `Verdict.words`.
    """
    first, second = set(map(int, first_wrong)), set(map(int, second_wrong))
    only_first, only_second = len(second - first), len(first - second)
    return Verdict(names, n, only_first, only_second, _two_sided(only_first, only_second))


def mcnemar_of_runs(first: Run, second: Run) -> Verdict:
    """Test two finished runs, from their reports; the networks are not evaluated again.

    Raises:
        RunError: a run has no report, or one of an older version, or their test digits differ.
    """
    parts = [_test_digits(run) for run in (first, second)]
    if parts[0] != parts[1]:
        raise RunError(f"expected the same test digits for {first.path.name} and {second.path.name}, found others")
    names = first.path.resolve().name, second.path.resolve().name
    (first_wrong, n), (second_wrong, _) = _wrong(first), _wrong(second)
    return mcnemar(first_wrong, second_wrong, n, names if names[0] != names[1] else (str(first.path), str(second.path)))


def _two_sided(a: int, b: int) -> float:
    """The exact probability that a + b coin tosses are at least as uneven as a to b."""
    n, term, ways = a + b, 1, 0
    for k in range(min(a, b) + 1):
        ways += term
        term = term * (n - k) // (k + 1)  # the binomial coefficient of n and k + 1
    return min(1.0, float(2 * ways / 2**n))


def _test_digits(run: Run) -> list[object]:
    digests = run.record().get("data", {}).get("sha256", {})
    return [digests.get(name) for name in ("x_test", "y_test")]


def _wrong(run: Run) -> tuple[list[int], int]:
    """The misread rows and the number of test digits in a run's report."""
    if not os.path.lexists(run.path / "report.json"):
        raise RunError(f"{run.path.name} has no report yet; continue it with: tendigits train --resume {run.path}")
    try:
        report = json.loads(read_inside(run.path, "report.json", MAX_TEXT_BYTES))
        wrong, n = [int(row) for row in report["wrong"]], int(report["n"])
        if not len(wrong) <= n <= MAX_DIGITS:
            raise ValueError
        return wrong, n
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise RunError(
            f"{run.path.name}: its report does not list the misread digits; write it again with: "
            f"tendigits evaluate {run.path}"
        ) from None


def _digits(n: int) -> str:
    return f"{n:,} digit{'' if n == 1 else 's'}"


def _how_often(p: float) -> str:
    if p < MIN_SHOWN_P:
        return "in fewer than 1 of 1,000"
    return f"in about {max(1, round(1000 * p))} of 1,000" if p < 0.01 else f"in about {round(100 * p)} of 100"


def _p_text(p: float) -> str:
    return f"p < {MIN_SHOWN_P}" if p < MIN_SHOWN_P else f"p = {p:.2g}"
