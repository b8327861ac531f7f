"""The SVG of each chart, read by an XML parser."""

import re
from math import inf, nan
from xml.etree import ElementTree

import numpy as np
import pytest

from tendigits.model.calibration import confidences, reliability, risk_coverage
from tendigits.model.recipe import Recipe
from tendigits.report.charts import history_charts, reliability_diagram, risk_coverage_chart


def read(chart):
    """The description, the texts, and the number of circles and squares for marks."""
    assert not re.search(r"style|#[0-9a-f]{6}\b|https?:", chart)
    svg = ElementTree.fromstring(chart)
    assert svg.attrib["role"] == "img"
    marks = [sum(use.get("fill") == f"var(--{colour})" for use in svg.iter("use")) for colour in ("first", "second")]
    return svg.attrib["aria-label"], [text.text for text in svg.iter("text")], marks


def test_two_curves_with_the_best_epoch(history):
    charts = history_charts(history, Recipe())
    (_, texts, marks), (description, *_) = map(read, charts)
    assert {"Model Accuracy", "Epoch", "Accuracy", "1", "2", "Train", "Test", "Best epoch, 1"} <= set(texts)
    assert "95.0%" in texts
    assert marks == [3, 3]  # two points and one in the legend
    assert description == (
        "Cross Entropy Loss. Loss over 2 epochs: Train from 0.300 to 0.200, Test from 0.200 to 0.250."
    )
    assert "Validation" in read(history_charts(history, Recipe(validation_split=0.1))[0])[1]
    assert history_charts({}, Recipe()) == []


@pytest.mark.parametrize("values", [[nan], [0.5, inf, -inf], [0, 0], [1e30, 1]])
def test_any_values_can_be_drawn(history, values):
    charts = history_charts(dict.fromkeys(history, values), Recipe())
    assert not any(re.search(r"\b(nan|inf)\b", chart.split(">", 1)[1]) for chart in charts)


def test_a_reliability_diagram_leaves_empty_bins_out(predictions):
    bins = reliability(*predictions)
    filled = sum(one.n > 0 for one in bins)
    assert filled < len(bins)
    _, texts, marks = read(reliability_diagram({"before": bins, "after": bins}))
    assert {"Perfect calibration", "Before", "After", "100%"} <= set(texts)
    assert marks == [filled + 1] * 2  # and one in the legend


def test_the_risk_coverage_chart(predictions):
    curve = risk_coverage(*confidences(*predictions))
    description, texts, _ = read(risk_coverage_chart(curve, 0.8))
    assert description.endswith(f"of all, {curve.risk[-1]:.2%}.")
    assert {"Risk", "At the threshold"} <= set(texts)
    assert "At the threshold" not in read(risk_coverage_chart(curve, None))[1]
    assert (
        "100%" in read(risk_coverage_chart(risk_coverage(*confidences(np.eye(10), np.arange(10))), 1.0))[1]
    )  # without a mistake
