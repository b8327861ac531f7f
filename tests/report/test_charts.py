import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.model.calibration import reliability, risk_coverage
from tendigits.model.recipe import Recipe
from tendigits.report.charts import (
    BOTTOM,
    LEFT,
    MAX_MARKS,
    RIGHT,
    TOP,
    Axis,
    Series,
    axis_for,
    history_charts,
    plot,
    reliability_diagram,
    risk_coverage_chart,
    thin_out,
)

HISTORY = {"loss": [0.3, 0.2], "accuracy": [0.9, 0.95], "val_loss": [0.2, 0.25], "val_accuracy": [0.93, 0.94]}

numbers = st.floats(-1e6, 1e6).map(lambda value: round(value, 6))


@pytest.mark.parametrize(
    ("axis", "texts"),
    [
        (Axis("", 0, 1, percent=True), ["0%", "20%", "40%", "60%", "80%", "100%"]),
        (Axis("", 0.95, 1, percent=True), ["95%", "96%", "97%", "98%", "99%", "100%"]),
        (Axis("", 0.994, 0.999, percent=True), ["99.4%", "99.5%", "99.6%", "99.7%", "99.8%", "99.9%"]),
        (Axis("", 0.05, 0.25), ["0.05", "0.10", "0.15", "0.20", "0.25"]),
        (Axis("", 1, 2, whole=True), ["1", "2"]),
        (Axis("", 1, 15, whole=True), ["5", "10", "15"]),
    ],
)
def test_ticks_are_round_numbers(axis, texts):
    assert [axis.text(tick) for tick in axis.ticks()] == texts


@given(st.lists(numbers, min_size=1))
def test_an_axis_holds_all_values_and_has_a_few_ticks(values):
    axis = axis_for("x", [*values, math.nan, math.inf])
    slack = 1e-6 * (axis.high - axis.low)
    assert axis.low - slack <= min(values) <= max(values) <= axis.high + slack
    assert 2 <= len(axis.ticks()) <= 8
    assert len({axis.text(tick) for tick in axis.ticks()}) == len(axis.ticks())


def test_an_axis_of_nothing():
    assert axis_for("x", []).ticks()


def test_a_line_goes_from_corner_to_corner():
    chart = plot("t", Axis("x", 0, 10), Axis("y", 0, 1), [Series("one", "a", [0, 5, 10], [0, 0.5, 1], [1, 2, 3])])
    middle = ((LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2)
    assert chart.lines[0].path == f"M{LEFT} {BOTTOM}L{middle[0]:g} {middle[1]:g}L{RIGHT} {TOP}"
    assert chart.lines[0].marks == [(LEFT, BOTTOM, 1.0), (*middle, 2.0), (RIGHT, TOP, 3.0)]
    assert [text for _, text in chart.y_ticks] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=300))
def test_no_point_leaves_the_plotting_area(points):
    chart = plot("t", Axis("x", 0, 1), Axis("y", 0, 1), [Series("one", "b", *([p[i] for p in points] for i in (0, 1)))])
    pairs = [pair.split() for pair in chart.lines[0].path.removeprefix("M").split("L") if pair]
    assert all(LEFT <= float(x) <= RIGHT and TOP <= float(y) <= BOTTOM for x, y in pairs)
    assert len(chart.lines[0].marks) <= MAX_MARKS


@given(st.integers(0, 2000), st.integers(2, 300))
def test_thinning_out_keeps_both_ends(n, max_points):
    rows = thin_out(n, max_points)
    assert len(rows) == min(n, max_points)
    assert rows == sorted(rows)
    if n:
        assert (rows[0], rows[-1]) == (0, n - 1)


def test_a_long_line_has_no_marks():
    values = list(range(1000))
    line = plot("t", Axis("x", 0, 999), Axis("y", 0, 999), [Series("one", "a", values, values)]).lines[0]
    assert line.path.count("L") == 199
    assert line.marks == []


@pytest.fixture(scope="module")
def predictions():
    """Probabilities of 500 digits, right about nine times in ten, and the labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 500)
    probabilities = rng.random((500, 10)) + 3 * np.eye(10)[np.where(rng.random(500) < 0.9, labels, 3)]
    return probabilities / probabilities.sum(axis=1, keepdims=True), labels


def test_two_curves_with_the_best_epoch():
    accuracy, loss = history_charts(HISTORY, Recipe())
    assert (accuracy.title, loss.title) == ("Model Accuracy", "Cross Entropy Loss")
    assert [line.name for line in loss.lines] == ["Train", "Test", "Best epoch, 1"]
    assert loss.lines[2].path == f"M{LEFT} {BOTTOM}L{LEFT} {TOP}"
    assert loss.description == "Loss over 2 epochs: Train from 0.30 to 0.20, Test from 0.20 to 0.25."
    assert history_charts(HISTORY, Recipe(validation_split=0.1))[0].lines[1].name == "Validation"
    assert history_charts({}, Recipe()) == []


def test_a_reliability_diagram_leaves_empty_bins_out(predictions):
    bins = reliability(*predictions)
    chart = reliability_diagram({"before": bins, "after": bins})
    assert [line.name for line in chart.lines] == ["Perfect calibration", "Before", "After"]
    assert chart.lines[0].path == f"M{LEFT} {BOTTOM}L{RIGHT} {TOP}"
    assert len(chart.lines[1].marks) == sum(one.n > 0 for one in bins) < 15
    assert [line.name for line in reliability_diagram({"as trained": bins}).lines][1:] == ["As trained"]


def test_a_risk_coverage_curve_ends_with_all_digits(predictions):
    curve = risk_coverage(*predictions)
    (line,) = risk_coverage_chart(curve, None).lines
    assert line.path.split("L")[-1].startswith(f"{RIGHT} ")
    assert [line.name for line in risk_coverage_chart(curve, 0.8).lines] == ["Risk", "At the threshold"]
    assert risk_coverage_chart(risk_coverage(np.eye(10), np.arange(10)), 1.0).lines[0].path  # without a mistake
