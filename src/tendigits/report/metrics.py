"""How well a network reads the test digits: accuracy with its interval, each class, confusions, the worst mistakes.

`classification_report` turns probabilities and labels into a `Report`; `write_report` writes it as report.json,
report.md, confusion.png and mistakes.png into a run folder. The few sums are done with NumPy; the tests compare them
with SciPy and scikit-learn, which would take most of a second to import.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from tendigits.files import write_text
from tendigits.report.curves import save_figure

if TYPE_CHECKING:  # as in curves
    from matplotlib.figure import Figure

MAX_MISTAKES = 36
_DIGITS = list(range(10))


@dataclass(frozen=True)
class ClassMetrics:
    """One digit's row of the report; a metric is None where its denominator is 0."""

    digit: int
    support: int
    """Test digits of this class."""
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Mistake:
    """A test digit that was read wrongly."""

    index: int
    """Row in the test set."""
    true: int
    predicted: int
    confidence: float
    """Probability of the predicted digit, 0 to 1."""


@dataclass(frozen=True)
class Score:
    """How many of n digits are read correctly."""

    n: int
    accuracy: float
    interval: tuple[float, float]
    """95% confidence interval of the accuracy, Wilson's."""

    @classmethod
    def of(cls, correct: int, n: int) -> "Score":
        """The score of `correct` digits among n."""
        return cls(n, correct / n, wilson_interval(correct, n))


@dataclass(frozen=True)
class Report:
    """The results on n test digits."""

    n: int
    accuracy: float
    interval: tuple[float, float]
    """95% confidence interval of the accuracy, Wilson's."""
    classes: list[ClassMetrics]
    confusion_matrix: list[list[int]]
    """Row: true label; column: predicted label."""
    mistakes: list[Mistake]
    """The 36 with the highest confidence, highest first."""
    wrong: list[int]
    """Rows of the test set that were read wrongly, in order; two networks are compared by them."""
    corrected: Score | None = None
    """On corrected labels, where some are known to be wrong; all other fields are about the labels as they are."""

    @property
    def errors(self) -> int:
        """Number of test digits read wrongly."""
        return self.n - sum(self.confusion_matrix[digit][digit] for digit in _DIGITS)


def classification_report(
    probabilities: np.ndarray, labels: np.ndarray, corrections: Mapping[int, int | None] | None = None
) -> Report:
    """Compare predictions with the true labels.

    Args:
        probabilities: float (n, 10), rows sum to 1.
        labels: integers (n,), 0 to 9.
        corrections: the right label of rows whose label is wrong; None leaves the row out.
    """
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(10 * labels.astype(int) + predicted, minlength=100).reshape(10, 10)
    score = Score.of(int(confusion.trace()), len(labels))
    wrong = np.flatnonzero(predicted != labels)
    confidence = probabilities[wrong, predicted[wrong]]
    worst = wrong[np.argsort(-confidence, kind="stable")][:MAX_MISTAKES]
    return Report(
        **vars(score),
        classes=[
            ClassMetrics(
                digit,
                support=int(confusion[digit].sum()),
                precision=_ratio(confusion[digit, digit], confusion[:, digit].sum()),
                recall=_ratio(confusion[digit, digit], confusion[digit].sum()),
            )
            for digit in _DIGITS
        ],
        confusion_matrix=confusion.tolist(),
        mistakes=[
            Mistake(int(i), int(labels[i]), int(predicted[i]), float(probabilities[i, predicted[i]])) for i in worst
        ],
        wrong=wrong.tolist(),
        corrected=_corrected(predicted, labels, corrections) if corrections else None,
    )


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """The 95% confidence interval of a proportion; unlike the normal approximation it stays within 0 and 1.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    z = NormalDist().inv_cdf(0.975)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def write_report(report: Report, folder: Path, images: np.ndarray, title: str, description: str) -> None:
    """Write the report's four files into `folder`.

    Args:
        images: uint8 (m, 28, 28), of the report's m mistakes.
        title: of report.md.
        description: the line below it: which network, which digits.

    Raises:
        DiskError: a file could not be written.
    """
    write_text(folder / "report.json", json.dumps(asdict(report), indent=1) + "\n")
    save_figure(_draw_confusion(report), folder / "confusion", (".png",))
    save_figure(_draw_mistakes(report, images), folder / "mistakes", (".png",))
    write_text(folder / "report.md", _markdown(report, title, description))


def accuracy_text(score: Report | Score) -> str:
    """The accuracy with its interval, such as '98.02% of 10,000 (95% interval 97.73% to 98.28%)'."""
    low, high = score.interval
    return f"{score.accuracy:.2%} of {score.n:,} (95% interval {low:.2%} to {high:.2%})"


def corrected_text(report: Report) -> str:
    """The accuracy on corrected labels, and what that means; '' where none is known to be wrong."""
    if report.corrected is None:
        return ""
    n_left_out = report.n - report.corrected.n
    return (
        f"On corrected labels {accuracy_text(report.corrected)}: people who looked at the digits again changed some "
        f"labels, and found none for {n_left_out}, which are left out (Northcutt, Athalye, Mueller, 2021)."
    )


def _corrected(predicted: np.ndarray, labels: np.ndarray, corrections: Mapping[int, int | None]) -> Score:
    """The score with corrected labels, without the rows that have none."""
    right = predicted == labels
    for row, label in corrections.items():
        right[row] = predicted[row] == label
    n = len(labels) - sum(label is None for label in corrections.values())
    return Score.of(int(right.sum()), n)


def _ratio(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def percent(ratio: float | None, places: int = 2) -> str:
    """Such as '98.02%', or '-' where there is none."""
    return "-" if ratio is None else f"{ratio:.{places}%}"


def error_rates(report: Report) -> np.ndarray:
    """The confusion matrix as shares of each row, float (10, 10), with 0 on the diagonal, which would hide the rest."""
    counts = np.array(report.confusion_matrix)
    rates: np.ndarray = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) * (1 - np.eye(10))
    return rates


def _markdown(report: Report, title: str, description: str) -> str:
    lines = [
        f"# {title}",
        "",
        description,
        "",
        f"**Accuracy {accuracy_text(report)}.** {report.errors:,} of {report.n:,} digits are read wrongly.",
        *(("", corrected) if (corrected := corrected_text(report)) else ()),
        "",
        "| digit | support | precision | recall |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {c.digit} | {c.support:,} | {percent(c.precision)} | {percent(c.recall)} |" for c in report.classes),
        "",
        "Support: test digits of this class. Precision: the share of digits read as this class that belong to it. "
        "Recall: the share of digits of this class that are read as it.",
        "",
        "## Confusion matrix",
        "",
        "Rows: the true digit. Columns: the predicted digit.",
        "",
        "| |" + "".join(f" {d} |" for d in _DIGITS),
        "| --- |" + " ---: |" * 10,
        *(f"| **{d}** |" + "".join(f" {n} |" for n in report.confusion_matrix[d]) for d in _DIGITS),
        "",
        "![confusion matrix](confusion.png)",
        "",
        "## The worst mistakes",
        "",
        f"The {len(report.mistakes)} wrong predictions with the highest confidence."
        if report.mistakes
        else "None: every digit is read correctly.",
        "",
        "![worst mistakes](mistakes.png)",
        "",
    ]
    return "\n".join(lines)


def _draw_confusion(report: Report) -> "Figure":
    from matplotlib.figure import Figure

    counts, rates = np.array(report.confusion_matrix), error_rates(report)
    figure = Figure(figsize=(6.4, 6.0))
    axes = figure.add_axes((0.09, 0.085, 0.82, 0.865))
    scale = max(float(rates.max()), 1e-9)
    axes.imshow(rates, cmap="Oranges", vmin=0, vmax=scale)
    for true, predicted in zip(*np.nonzero(counts), strict=True):
        is_dark = rates[true, predicted] > 0.6 * scale
        style: dict[str, Any] = {"weight": "bold"} if true == predicted else {"color": "white" if is_dark else "black"}
        axes.text(predicted, true, str(counts[true, predicted]), ha="center", va="center", fontsize=9, **style)
    axes.set(xticks=_DIGITS, yticks=_DIGITS, xlabel="Predicted digit", ylabel="True digit")
    axes.set_title(f"Confusion matrix: {accuracy_text(report)}", fontsize=10)
    return figure


def _draw_mistakes(report: Report, images: np.ndarray) -> "Figure":
    """One picture of all mistakes; a panel for each would take matplotlib a second."""
    from matplotlib.figure import Figure

    columns, width, height, title = 6, 34, 40, 8  # of a cell, in pixels of the digits
    sheet = np.zeros((columns * height, columns * width), np.uint8)
    figure = Figure(figsize=(9.0, 10.9))
    figure.suptitle("The worst mistakes: true digit, predicted digit, confidence", fontsize=12)
    axes = figure.add_axes((0, 0, 1, 0.95))
    axes.axis("off")
    for i, (mistake, image) in enumerate(zip(report.mistakes, images, strict=True)):
        top, left = i // columns * height + title, i % columns * width + 3
        sheet[top : top + 28, left : left + 28] = image
        text = f"{mistake.true} read as {mistake.predicted}, {mistake.confidence:.0%}"
        axes.text(left + 14, top - 2, text, ha="center", va="bottom", fontsize=9)
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    return figure
