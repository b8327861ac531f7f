"""The report for people: report.html, one page that fetches nothing, for a screen, a phone, a printer or a listener.

write_page(Judged(run, record, dataset, model, probabilities, report, calibration), run.path)
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
    Coverage,
    apply_temperature,
    calibration_error,
    coverage,
    reliability,
)
from tendigits.model.recipe import Recipe
from tendigits.report import charts, figures, messages, pictures
from tendigits.report.metrics import Report
from tendigits.report.run import Record, Run
from tendigits.report.saliency import first_layer, saliency

Array = np.ndarray[Any, Any]

SALIENT = 12
"""Of the worst mistakes, those whose pixels are looked at."""

SHADES = 6
"""Of the confusion matrix."""

COVERAGES = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8, 0.5)
"""Shares of the digits that the table of abstaining has."""

FILES = {
    "report.md": "this report as plain text",
    "report.json": "this report for a program",
    "recipe.json": "every knob",
    "run.json": "machine, versions, data, seconds of each stage, result",
    "history.csv": "a line an epoch",
    "curves.svg": "the two curves",
    "curves.png": "the two curves",
    "augmented.png": "digits as a training step changes them",
    "confusion.png": "the confusion matrix",
    "mistakes.png": "the worst mistakes",
    "model.keras": "the model",
    "model.h5": "the model, in the older format",
}


@dataclass(frozen=True, eq=False)
class Judged:
    """A run, and what its model made of digits."""

    run: Run
    record: Record
    dataset: Dataset
    """Whose test digits were judged."""
    model: keras.Model
    probabilities: Array
    """float (n, 10) of the test digits, rows sum to 1."""
    report: Report
    """Of these."""
    calibration: Calibration | None = None
    """The model's own, where it has one."""


def write_page(judged: Judged, folder: Path) -> None:
    """Write report.html into `folder`, with links to what else is there; last of the report's files.

    Raises:
        DiskError: it could not be written.
        RunError: the run's recipe or history is damaged.
    """
    write_text(folder / "report.html", render(judged, files_in(folder)))


def files_in(folder: Path) -> list[str]:
    """The files of a run that a page can link to."""
    return [name for name in FILES if (folder / name).is_file()]


def render(judged: Judged, beside: Sequence[str] = ()) -> str:
    """The page; `beside` are the files that it links to."""
    report = judged.report
    return page(
        "report.html.jinja",
        judged.run,
        judged.record,
        beside,
        report=report,
        about=messages.about_line(judged.run.recipe(), judged.dataset),
        dataset=judged.dataset,
        wrong=report.n - sum(report.confusion[digit][digit] for digit in range(10)),
        shades=_shades(report),
        mistakes=_mistakes(judged),
        **_sureness(judged),
        **_first_layer(judged),
    )


def page(template: str, run: Run, record: Record, beside: Sequence[str], **more: Any) -> str:
    """A page of `template`, with what every run has: curves, recipe, data, machine, files."""
    assets = Environment(
        loader=PackageLoader("tendigits.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    assets.filters |= {"share": _share, "number": "{:,}".format}
    style = (files("tendigits.report") / "assets" / "report.css").read_text(encoding="utf-8")
    recipe, history = run.recipe(), run.history()
    return assets.get_template(template).render(
        style=Markup(style),  # noqa: S704  # our own file
        style_digest=b64encode(sha256(style.encode()).digest()).decode(),
        frame=charts,
        name=run.path.resolve().name,
        recipe=recipe,
        trained_on=record["data"],
        created=record["created"],
        resumed=record["resumed"],
        curves=figures.curves(history, recipe),
        history=_history_table(history),
        knobs=_knobs(recipe),
        machine=_flat({**record["machine"], **record["machine"]["versions"], "versions": {}}),
        git=record["git"],
        durations=record["durations"],
        files=[(name, FILES[name]) for name in beside],
        **more,
    )


def _history_table(history: dict[str, list[float]]) -> tuple[list[str], list[tuple[int, list[float]]]]:
    """The names of the columns, and for each epoch, of many some, its number and its values."""
    rows = charts.thinned(len(history.get("loss", ())), 50) if history else []
    return list(history), [(i + 1, [values[i] for values in history.values()]) for i in rows]


def _shades(report: Report) -> list[list[int]]:
    """For each cell of the confusion matrix 0 to 6; the diagonal has none, it would drown what one looks for."""
    counts = np.array(report.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) * (1 - np.eye(10))
    scaled: list[list[int]] = np.ceil(SHADES * (shares / max(float(shares.max()), 1e-9))).astype(int).tolist()
    return scaled


def _mistakes(judged: Judged) -> list[dict[str, Any]]:
    """The worst mistakes with their pictures, the first dozen with what their answers hang on."""
    images = judged.dataset.x_test
    found: list[dict[str, Any]] = [
        {"true": m.true, "predicted": m.predicted, "probability": m.probability, "index": m.index,
         "picture": pictures.ink(images[m.index])}
        for m in judged.report.mistakes
    ]  # fmt: skip
    worst = judged.report.mistakes[:SALIENT]
    if worst:
        x = to_input(images[[m.index for m in worst]])
        maps = saliency(judged.model, x, np.array([m.predicted for m in worst]))
        for mistake, pixels in zip(found, maps, strict=False):
            mistake["saliency"] = pictures.signed(pixels)
    return found


def _sureness(judged: Judged) -> dict[str, Any]:
    """How often the network is right when it is so sure, and what it gains where it may abstain."""
    calibration, labels = judged.calibration, judged.dataset.y_test
    versions = {"as trained": judged.probabilities}
    if calibration is not None:
        versions = {"before": judged.probabilities} | {
            "after": apply_temperature(judged.probabilities, calibration.temperature)
        }
    bins = {name: reliability(probabilities, labels) for name, probabilities in versions.items()}
    curve = coverage(list(versions.values())[-1], labels)
    at_threshold = None if calibration is None else _at_threshold(curve, calibration)
    return {
        "calibration": calibration,
        "reliability": figures.reliability_chart(bins),
        "bins": [(name, found, calibration_error(found)) for name, found in bins.items()],
        "abstaining": figures.coverage_chart(curve, at_threshold and at_threshold[0]),
        "coverages": _coverage_rows(curve, COVERAGES),
        "at_threshold": at_threshold,
    }


def _coverage_rows(curve: Coverage, shares: Sequence[float]) -> list[tuple[float, float, float]]:
    """Share accepted, threshold, and share of these that is wrong, where at least each of `shares` is accepted."""
    places = np.searchsorted(curve.coverage, np.array(shares) - 1e-12)
    return [(float(curve.coverage[i]), float(curve.threshold[i]), float(curve.error[i])) for i in places]


def _at_threshold(curve: Coverage, calibration: Calibration) -> tuple[float, float]:
    """Share accepted with the saved threshold, and share of these that is wrong."""
    accepted = np.flatnonzero(curve.threshold >= calibration.threshold)
    if not len(accepted):
        return 0.0, 0.0
    return float(curve.coverage[accepted[-1]]), float(curve.error[accepted[-1]])


def _first_layer(judged: Judged) -> dict[str, Any]:
    layer = first_layer(judged.model, np.asarray(judged.dataset.x_test.any(axis=0)))
    return {"layer": layer, "units": None if layer is None else pictures.sheet(layer.weights)}


def _knobs(recipe: Recipe) -> list[tuple[str, str, str, bool]]:
    """Each knob, its value, classic's, and whether they differ."""
    mine, classic = _flat(recipe.model_dump()), _flat(Recipe().model_dump())
    return [(key, value, classic[key], value != classic[key]) for key, value in mine.items()]


def _flat(facts: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested facts as one level, "augmentation.rotate", as texts."""
    found: dict[str, str] = {}
    for key, value in facts.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = ", ".join(map(str, value)) if isinstance(value, list | tuple) else _said(value)
    return found


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _share(value: float | None, places: int = 2) -> str:
    return "-" if value is None else f"{value:.{places}%}"
