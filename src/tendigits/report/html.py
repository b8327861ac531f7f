"""The report for people: report.html, one page that loads nothing, for a screen, a phone, a printer or a screen reader.

write_page(Evaluation(run, record, dataset, model, probabilities, report, calibration), run.path)
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import keras
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tendigits.data.dataset import Dataset
from tendigits.data.preprocess import to_input
from tendigits.files import write_text
from tendigits.model.calibration import (
    Calibration,
    RiskCoverage,
    apply_temperature,
    calibration_error,
    reliability,
    risk_coverage,
)
from tendigits.model.recipe import Recipe
from tendigits.report import charts
from tendigits.report.messages import evaluated_line
from tendigits.report.metrics import Report, error_rates, percent
from tendigits.report.run import History, Record, Run
from tendigits.report.saliency import digit_png, first_layer, saliency, sheet_png, signed_png
from tendigits.untrusted import has_inside

MAX_SALIENCY_MAPS = 12
"""The worst mistakes that get one."""

MAX_HISTORY_ROWS = 50
"""Epochs in the table of the history; more are thinned out."""

SHADES = 6
"""Of the confusion matrix."""

COVERAGES = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8, 0.5)
"""Rows of the table of risk and coverage."""

FILES = {
    "report.md": "this report as plain text",
    "report.json": "this report for programs",
    "recipe.json": "every setting",
    "run.json": "machine, versions, data, duration of each stage, result",
    "history.csv": "one line per epoch",
    "curves.svg": "the two curves",
    "curves.png": "the two curves",
    "augmented.png": "digits as augmentation changes them",
    "confusion.png": "the confusion matrix",
    "mistakes.png": "the worst mistakes",
    "model.keras": "the model",
    "model.h5": "the model in the older format",
}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A run, and its model's predictions for the test digits of a dataset."""

    run: Run
    record: Record
    dataset: Dataset
    model: keras.Model
    probabilities: np.ndarray
    """float (n, 10) for the test digits; rows sum to 1."""
    report: Report
    calibration: Calibration | None = None
    """The model's own, where it has one."""


def write_page(evaluation: Evaluation, folder: Path) -> None:
    """Write report.html into `folder`, with links to the files that are there already. Raises DiskError, RunError."""
    links = [name for name in FILES if has_inside(folder, name)]
    write_text(folder / "report.html", render(evaluation, links))


def render(evaluation: Evaluation, links: Sequence[str] = ()) -> str:
    """The page as HTML; `links` are the names of files beside it."""
    environment = Environment(
        loader=PackageLoader("tendigits.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "number": "{:,}".format}
    style = (files("tendigits.report") / "assets" / "report.css").read_text(encoding="utf-8")
    run, record, report = evaluation.run, evaluation.record, evaluation.report
    recipe, history = run.recipe(), run.history()
    machine = dict(record["machine"])
    versions = machine.pop("versions")
    return environment.get_template("report.html.jinja").render(
        style=Markup(style),  # noqa: S704  # our own file
        style_digest=b64encode(sha256(style.encode()).digest()).decode(),
        name=run.path.resolve().name,
        recipe=recipe,
        record=record,
        machine=[*machine.items(), *versions.items()],
        description=evaluated_line(recipe, evaluation.dataset),
        curves=charts.history_charts(history, recipe),
        history=_history_table(history),
        report=report,
        dataset=evaluation.dataset,
        same_digits=evaluation.dataset.digests == record["data"]["sha256"],
        shades=_shades(report),
        mistakes=_mistakes(evaluation),
        settings=[(key, _text(value)) for key, value in recipe.flat().items()],
        differences=[(key, *map(_text, values)) for key, values in recipe.differences(Recipe()).items()],
        files=[(name, FILES[name]) for name in links],
        layer=first_layer(evaluation.model, np.asarray(evaluation.dataset.x_test.any(axis=0))),
        sheet_png=sheet_png,
        **_confidence(evaluation),
    )


def _history_table(history: History) -> tuple[list[str], list[tuple[int, list[float]]]]:
    """The names of the columns, and a row of (epoch, values) for each epoch or an even selection of them."""
    n = len(history.get("loss", ()))
    rows = np.linspace(0, n - 1, min(n, MAX_HISTORY_ROWS)).round().astype(int).tolist()
    return list(history), [(i + 1, [values[i] for values in history.values()]) for i in rows]


def _shades(report: Report) -> list[list[int]]:
    """A shade from 0 to 6 for each cell of the confusion matrix; the diagonal has none, it would hide the mistakes."""
    rates = error_rates(report)
    scaled: list[list[int]] = np.ceil(SHADES * (rates / max(float(rates.max()), 1e-9))).astype(int).tolist()
    return scaled


def _mistakes(evaluation: Evaluation) -> list[dict[str, Any]]:
    """The worst mistakes with their pictures, the first dozen with a saliency map."""
    images, mistakes = evaluation.dataset.x_test, evaluation.report.mistakes
    rows: list[dict[str, Any]] = [{"mistake": m, "picture": digit_png(images[m.index])} for m in mistakes]
    worst = mistakes[:MAX_SALIENCY_MAPS]
    if worst:
        x = to_input(images[[m.index for m in worst]])
        maps = saliency(evaluation.model, x, np.array([m.predicted for m in worst]))
        for row, values in zip(rows, maps, strict=False):
            row["saliency"] = signed_png(values)
    return rows


def _confidence(evaluation: Evaluation) -> dict[str, Any]:
    """Reliability of the confidence before and after calibration, and risk against coverage."""
    calibration, labels = evaluation.calibration, evaluation.dataset.y_test
    versions = {"as trained": evaluation.probabilities}
    if calibration is not None:
        versions = {
            "before calibration": evaluation.probabilities,
            "after calibration": apply_temperature(evaluation.probabilities, calibration.temperature),
        }
    bins = {name: reliability(probabilities, labels) for name, probabilities in versions.items()}
    curve = risk_coverage(list(versions.values())[-1], labels)
    at_threshold = None if calibration is None else _at_threshold(curve, calibration.threshold)
    return {
        "calibration": calibration,
        "reliability": charts.reliability_diagram(bins),
        "bins": [(name, filled, calibration_error(filled)) for name, filled in bins.items()],
        "risk_coverage": charts.risk_coverage_chart(curve, at_threshold and at_threshold[0]),
        "coverage_rows": _coverage_rows(curve),
        "at_threshold": at_threshold,
    }


def _coverage_rows(curve: RiskCoverage) -> list[tuple[float, float, float]]:
    """(coverage, threshold, risk) where at least each of `COVERAGES` is accepted."""
    places = np.searchsorted(curve.coverage, np.array(COVERAGES) - 1e-12)
    return [(float(curve.coverage[i]), float(curve.threshold[i]), float(curve.risk[i])) for i in places]


def _at_threshold(curve: RiskCoverage, threshold: float) -> tuple[float, float]:
    """Coverage and risk at a threshold."""
    accepted = np.flatnonzero(curve.threshold >= threshold)
    if not len(accepted):
        return 0.0, 0.0
    return float(curve.coverage[accepted[-1]]), float(curve.risk[accepted[-1]])


def _text(value: Any) -> str:
    """A setting's value as text."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)
