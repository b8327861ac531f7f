"""How well a network reads the test digits: accuracy with its interval, each class, confusions, the worst mistakes.

report = classification_report(probabilities, labels)
report.accuracy, report.confusion_matrix
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np

MAX_MISTAKES = 36  # mistakes that a report shows


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one digit; precision or recall is None if its denominator is 0."""

    digit: int
    support: int  # test digits of this class
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Mistake:
    """A test digit that was misread."""

    index: int  # row in the test set
    true: int
    predicted: int
    confidence: float  # probability of the predicted digit, 0 to 1


@dataclass(frozen=True)
class Score:
    """Accuracy on n digits, and its 95% confidence interval (Wilson)."""

    n: int
    accuracy: float
    interval: tuple[float, float]

    @classmethod
    def of(cls, correct: int, n: int) -> "Score":
        """The score for `correct` of n digits."""
        return Score(n, correct / n, wilson_interval(correct, n))


@dataclass(frozen=True)
class Report(Score):
    """The results on n test digits."""

    classes: list[ClassMetrics]
    confusion_matrix: list[list[int]]  # row: true label; column: predicted label
    mistakes: list[Mistake]  # the 36 with the highest confidence, highest first
    wrong: list[int]  # rows of the test set that were misread, in order; McNemar's test compares two networks by them
    corrected: Score | None = None  # on corrected labels, if some are wrong; other fields use the original labels
    own_digits: "Report | None" = None  # on a person's own digits, if the network has learned others of them

    @property
    def errors(self) -> int:
        """Number of misread test digits."""
        return len(self.wrong)


def classification_report(
    probabilities: np.ndarray, labels: np.ndarray, corrections: Mapping[int, int | None] | None = None
) -> Report:
    """Compare predictions with the true labels.

    Args:
        probabilities: float (n, 10), rows sum to 1.
        labels: integers (n,), 0 to 9.
        corrections: row -> its right label, for rows with a wrong label; None excludes a row.
    """
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels
    for row, label in (corrections or {}).items():
        right[row] = predicted[row] == label
    confusion = np.bincount(10 * labels.astype(int) + predicted, minlength=100).reshape(10, 10)
    wrong = np.flatnonzero(predicted != labels)
    confidence = probabilities[wrong, predicted[wrong]]
    worst = wrong[np.argsort(-confidence, kind="stable")][:MAX_MISTAKES]
    return Report(
        **vars(Score.of(int(confusion.trace()), len(labels))),
        classes=[
            ClassMetrics(
                digit,
                support=int(confusion[digit].sum()),
                precision=float(n_right / n) if (n := confusion[:, digit].sum()) else None,
                recall=float(n_right / n) if (n := confusion[digit].sum()) else None,
            )
            for digit, n_right in enumerate(confusion.diagonal())
        ],
        confusion_matrix=confusion.tolist(),
        mistakes=[
            Mistake(int(i), int(labels[i]), int(predicted[i]), float(probabilities[i, predicted[i]])) for i in worst
        ],
        wrong=wrong.tolist(),
        corrected=Score.of(int(right.sum()), len(labels) - [*corrections.values()].count(None))
        if corrections
        else None,
    )


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """The 95% confidence interval of a proportion. Unlike the normal approximation it stays between 0 and 1.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    z = NormalDist().inv_cdf(0.975)
    proportion = successes / n
    centre = (proportion + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(proportion * (1 - proportion) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def accuracy_text(score: Score) -> str:
    """The accuracy with its interval, such as '98.02% of 10,000 (95% interval 97.73% to 98.28%)'."""
    low, high = score.interval
    return f"{score.accuracy:.2%} of {score.n:,} (95% interval {low:.2%} to {high:.2%})"


def corrected_text(report: Report) -> str:
    """The accuracy on corrected labels in a sentence; '' if there are no corrections."""
    if report.corrected is None:
        return ""
    n_excluded = report.n - report.corrected.n
    return (
        f"On corrected labels {accuracy_text(report.corrected)}: reviewers corrected some labels; digits without a "
        f"clear label ({n_excluded}) are excluded (Northcutt, Athalye, Mueller, 2021)."
    )


def own_digits_text(report: Report) -> str:
    """How many own digits are read, in a sentence; '' without own digits."""
    if (own := report.own_digits) is None:
        return ""
    n_right, (low, high) = own.n - own.errors, own.interval
    return f"own digits: {n_right:,} of {own.n:,} that were not learned (95% interval {low:.0%} to {high:.0%})"


def percent(ratio: float | None, places: int = 2) -> str:
    """Format a ratio as '98.02%'; None as '-'."""
    return "-" if ratio is None else f"{ratio:.{places}%}"
