"""Write the report of a run: report.json for programs, and report.html, one page that loads nothing else.

write_report(evaluation, run.path)
"""

import json
from base64 import b64encode
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from tendigits.files import write_text
from tendigits.model.calibration import (
    Calibration,
    apply_temperature,
    calibration_error,
    confidences,
    reliability,
    risk_coverage,
)
from tendigits.model.recipe import Recipe
from tendigits.report.messages import evaluated_line, setting_text
from tendigits.report.metrics import Report, corrected_text, own_digits_text, percent
from tendigits.report.saliency import digit_png, signed_png
from tendigits.runs.run import Record, Run
from tendigits.untrusted import has_inside

MAX_HISTORY_ROWS = 50  # rows in the table of epochs; of more epochs a selection is shown
SHADES = 6  # number of shades in the confusion matrix
COVERAGES = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8, 0.5)  # of digits; between two digits the next higher one is shown

FILES = {
    "report.json": "this report for programs",
    "recipe.json": "every setting",
    "run.json": "machine, versions, data, duration of each stage, result",
    "history.csv": "one line per epoch",
    "curves.svg": "the two curves",
    "curves.png": "the two curves",
    "augmented.png": "digits as augmentation changes them",
    "model.keras": "the model",
    "model.h5": "the model in the older format",
}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A run, and its model's predictions for test digits."""

    run: Run
    record: Record
    data: Record  # the source of the test digits, as in run.json; it may differ from the run's own data
    labels: np.ndarray  # integers (n,), 0 to 9, of the test digits
    probabilities: np.ndarray  # float (n, 10) for the test digits; rows sum to 1
    report: Report
    images: np.ndarray  # uint8 (m, 28, 28), pictures of the report's m mistakes
    maps: np.ndarray  # float32 (k, 28, 28), the saliency maps of the k worst mistakes
    own_images: np.ndarray  # uint8 (j, 28, 28), pictures of the j mistakes among own digits
    calibration: Calibration | None = None


def write_report(evaluation: Evaluation, folder: Path, unsaved: Collection[str] = ()) -> None:
    """Write report.json and report.html into a folder, with links to its files and to those that are not saved yet.

    Raises DiskError, RunError.
    """
    write_text(folder / "report.json", json.dumps(asdict(evaluation.report), indent=1) + "\n")
    links = [name for name in FILES if name in unsaved or has_inside(folder, name)]
    write_text(folder / "report.html", render(evaluation, links))


def render(evaluation: Evaluation, links: Sequence[str] = ()) -> str:
    """The page as HTML, with links to files in the same folder."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from tendigits.report.charts import history_charts

    templates = Environment(
        loader=PackageLoader("tendigits.report", "assets"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    templates.filters |= {"percent": percent, "number": "{:,}".format}

    style = (files("tendigits.report") / "assets" / "report.css").read_text(encoding="utf-8")
    run, record, report = evaluation.run, evaluation.record, evaluation.report
    recipe, history = run.recipe(), run.history()
    n = len(history.get("loss", ()))
    shown = np.linspace(0, n - 1, min(n, MAX_HISTORY_ROWS)).round().astype(int).tolist()
    machine = dict(record["machine"])
    versions = machine.pop("versions", {})
    return templates.get_template("report.html.jinja").render(
        style=Markup(style),  # noqa: S704  # our own file
        style_digest=b64encode(sha256(style.encode()).digest()).decode(),
        name=run.path.resolve().name,
        recipe=recipe,
        record=record,
        machine=[*machine.items(), *versions.items()],
        description=evaluated_line(recipe, evaluation.data),
        curves=history_charts(history, recipe),
        history=(list(history), [(i + 1, [values[i] for values in history.values()]) for i in shown]),
        report=report,
        corrected=corrected_text(report),
        dataset=evaluation.data,
        same_digits=evaluation.data["sha256"] == record["data"]["sha256"],
        shades=_shades(report),
        own=own_digits_text(report),
        own_mistakes=_mistakes(report.own_digits, evaluation.own_images) if report.own_digits else [],
        mistakes=_mistakes(report, evaluation.images, evaluation.maps),
        settings=[(key, setting_text(value)) for key, value in recipe.flat().items()],
        differences=[(key, *map(setting_text, values)) for key, values in recipe.differences(Recipe()).items()],
        files=[(name, FILES[name]) for name in links],
        **_confidence(evaluation),
    )


def _shades(report: Report) -> list[list[int]]:
    """A shade from 0 to 6 for each cell of the confusion matrix; the diagonal has none."""
    counts = np.array(report.confusion_matrix)
    rates = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) * (1 - np.eye(10))
    return list(np.ceil(SHADES * rates / max(float(rates.max()), 1e-9)).astype(int).tolist())


def _mistakes(report: Report, images: np.ndarray, maps: np.ndarray | tuple[()] = ()) -> list[dict[str, Any]]:
    """The worst mistakes with pictures; the first ones also with saliency maps."""
    shown = zip(report.mistakes, images, strict=True)
    rows: list[dict[str, Any]] = [{"mistake": mistake, "picture": digit_png(image)} for mistake, image in shown]
    for row, values in zip(rows, maps, strict=False):
        row["saliency"] = signed_png(values)
    return rows


def _confidence(evaluation: Evaluation) -> dict[str, Any]:
    """Values of the sections on calibration and selective prediction."""
    from tendigits.report.charts import reliability_diagram, risk_coverage_chart

    calibration, labels, probabilities = evaluation.calibration, evaluation.labels, evaluation.probabilities
    versions = {"as trained": probabilities}
    if calibration is not None:
        calibrated = apply_temperature(probabilities, calibration.temperature)
        versions = {"before calibration": probabilities, "after calibration": calibrated}
    bins = {name: reliability(each, labels) for name, each in versions.items()}
    curve = risk_coverage(*confidences(list(versions.values())[-1], labels))
    columns = curve.coverage, curve.threshold, curve.risk
    at_threshold = None
    if calibration is not None:
        accepted = np.flatnonzero(curve.threshold >= calibration.threshold)
        at_threshold = (curve.coverage[accepted[-1]], curve.risk[accepted[-1]]) if len(accepted) else (0.0, 0.0)
    return {
        "calibration": calibration,
        "reliability": reliability_diagram(bins),
        "bins": [(name, filled, calibration_error(filled)) for name, filled in bins.items()],
        "risk_coverage": risk_coverage_chart(curve, at_threshold and at_threshold[0]),
        "coverage_rows": [
            [each[i] for each in columns] for i in np.searchsorted(curve.coverage, np.array(COVERAGES) - 1e-12)
        ],
        "at_threshold": at_threshold,
    }
