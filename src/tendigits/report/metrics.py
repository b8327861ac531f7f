"""How well a network reads the test digits: accuracy with its interval, each class, the confusions, the worst mistakes.

`judge` turns probabilities and labels into a `Report`; `write_report` writes it as report.json, report.md,
confusion.png and mistakes.png into a run folder. The few sums are done here: SciPy and scikit-learn, with which the
tests compare them, would take most of a second to import.
"""

import json
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tendigits.files import write_text
from tendigits.report.curves import save_figure

Array = np.ndarray[Any, Any]

WORST = 36
_DIGITS = list(range(10))


@dataclass(frozen=True)
class ClassResult:
    """One digit's row of the report; None where the ratio has nothing to divide by."""

    digit: int
    n: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Mistake:
    """A test digit that was read wrongly, and how sure the network was."""

    index: int
    """Row in the test set."""
    true: int
    predicted: int
    probability: float
    """Given to the wrong label, 0 to 1."""


@dataclass(frozen=True)
class Report:
    """What a network makes of n test digits."""

    n: int
    accuracy: float
    interval: tuple[float, float]
    """95% interval of the accuracy, Wilson's."""
    classes: list[ClassResult]
    confusion: list[list[int]]
    """Row: true label; column: predicted label."""
    mistakes: list[Mistake]
    """The 36 that the network was surest of, surest first."""


def judge(probabilities: Array, labels: Array) -> Report:
    """Compare predictions with the truth.

    Args:
        probabilities: float (n, 10), rows sum to 1.
        labels: integers (n,), 0 to 9.
    """
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(10 * labels.astype(int) + predicted, minlength=100).reshape(10, 10)
    right, n = int(confusion.trace()), len(labels)
    wrong = np.flatnonzero(predicted != labels)
    sureness = probabilities[wrong, predicted[wrong]]
    worst = wrong[np.argsort(-sureness, kind="stable")][:WORST]
    return Report(
        n=n,
        accuracy=right / n,
        interval=wilson(right, n),
        classes=[
            ClassResult(
                digit,
                n=int(confusion[digit].sum()),
                precision=_ratio(confusion[digit, digit], confusion[:, digit].sum()),
                recall=_ratio(confusion[digit, digit], confusion[digit].sum()),
            )
            for digit in _DIGITS
        ],
        confusion=confusion.tolist(),
        mistakes=[
            Mistake(int(i), int(labels[i]), int(predicted[i]), float(probabilities[i, predicted[i]])) for i in worst
        ],
    )


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95% interval of a share, `right` of `n`; unlike the normal one it stays within 0 and 1.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), 209-212.
    """
    z = NormalDist().inv_cdf(0.975)
    share = right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def write_report(report: Report, folder: Path, images: Array, title: str, about: str) -> None:
    """Write the report's four files into `folder`.

    Args:
        images: uint8 (n, 28, 28), the test digits in the order of the labels.
        title: of report.md.
        about: a line under it: which network, which digits.

    Raises:
        DiskError: a file could not be written.
    """
    write_text(folder / "report.json", json.dumps(asdict(report), indent=1) + "\n")
    save_figure(_draw_confusion(report), folder / "confusion", (".png",))
    save_figure(_draw_mistakes(report, images), folder / "mistakes", (".png",))
    write_text(folder / "report.md", _markdown(report, title, about))


def percent(report: Report) -> str:
    """The accuracy as a person reads it: '98.02% of 10,000 (95% interval 97.73% to 98.28%)'."""
    low, high = report.interval
    return f"{report.accuracy:.2%} of {report.n:,} (95% interval {low:.2%} to {high:.2%})"


def _ratio(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def _cell(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2%}"


def _markdown(report: Report, title: str, about: str) -> str:
    n_wrong = report.n - sum(report.confusion[d][d] for d in _DIGITS)
    lines = [
        f"# {title}",
        "",
        about,
        "",
        f"**Accuracy {percent(report)}.** {n_wrong:,} of {report.n:,} digits are read wrongly.",
        "",
        "| digit | n | precision | recall |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {c.digit} | {c.n:,} | {_cell(c.precision)} | {_cell(c.recall)} |" for c in report.classes),
        "",
        "Precision: of what was read as this digit, how much is. Recall: of what is this digit, how much was read so.",
        "",
        "## Confusion",
        "",
        "Rows: the true digit. Columns: what was read.",
        "",
        "| |" + "".join(f" {d} |" for d in _DIGITS),
        "| --- |" + " ---: |" * 10,
        *(f"| **{d}** |" + "".join(f" {n} |" for n in report.confusion[d]) for d in _DIGITS),
        "",
        "![confusion matrix](confusion.png)",
        "",
        f"## The {len(report.mistakes)} worst mistakes",
        "",
        "The wrong answers that the network was surest of." if report.mistakes else "None: every digit is read right.",
        "",
        "![worst mistakes](mistakes.png)",
        "",
    ]
    return "\n".join(lines)


def _draw_confusion(report: Report) -> Figure:
    counts = np.array(report.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(6.4, 6.0), layout="constrained")
    axes = figure.subplots()
    # The diagonal is left out of the colours: it would drown the few per mille that one looks for.
    mistakes_only = np.where(np.eye(10, dtype=bool), np.nan, shares)
    scale = max(float(np.nanmax(mistakes_only)), 1e-9)
    axes.imshow(mistakes_only, cmap="Oranges", vmin=0, vmax=scale)
    for true in _DIGITS:
        for read in _DIGITS:
            if counts[true, read]:
                weight = "bold" if true == read else "normal"
                dark = true != read and shares[true, read] > 0.6 * scale
                colour = "white" if dark else "black"
                axes.text(
                    read,
                    true,
                    str(counts[true, read]),
                    ha="center",
                    va="center",
                    weight=weight,
                    color=colour,
                    fontsize=9,
                )
    axes.set_xticks(_DIGITS)
    axes.set_yticks(_DIGITS)
    axes.set_xlabel("Read as")
    axes.set_ylabel("True digit")
    axes.set_title(f"Confusion: {percent(report)}", fontsize=10)
    return figure


def _draw_mistakes(report: Report, images: Array) -> Figure:
    figure = Figure(figsize=(9.0, 10.2), layout="constrained")
    figure.suptitle(f"The {len(report.mistakes)} worst mistakes: true digit, read as, and how sure", fontsize=12)
    cells = figure.subplots(6, 6).flat
    for cell in cells:
        cell.axis("off")
    for cell, mistake in zip(figure.axes, report.mistakes, strict=False):
        cell.imshow(images[mistake.index], cmap="gray_r", vmin=0, vmax=255)
        cell.set_title(f"{mistake.true} read as {mistake.predicted}, {mistake.probability:.0%}", fontsize=9)
    return figure
