import numpy as np

from tendigits.model.calibration import coverage, reliability
from tendigits.model.recipe import Recipe
from tendigits.report.charts import BOTTOM, LEFT, RIGHT, TOP
from tendigits.report.figures import coverage_chart, curves, reliability_chart

HISTORY = {"loss": [0.3, 0.2], "accuracy": [0.9, 0.95], "val_loss": [0.2, 0.25], "val_accuracy": [0.93, 0.94]}


def answers():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 500)
    probabilities = rng.random((500, 10)) + 3 * np.eye(10)[np.where(rng.random(500) < 0.9, labels, 3)]
    return probabilities / probabilities.sum(axis=1, keepdims=True), labels


def test_two_curves_with_the_best_epoch():
    accuracy, loss = curves(HISTORY, Recipe())
    assert (accuracy.title, loss.title) == ("Model Accuracy", "Cross Entropy Loss")
    assert [line.name for line in loss.lines] == ["Train", "Test", "Best epoch, 1"]
    assert loss.lines[2].path == f"M{LEFT} {BOTTOM}L{LEFT} {TOP}"
    assert loss.about == "Loss over 2 epochs: Train from 0.30 to 0.20, Test from 0.20 to 0.25."
    assert curves(HISTORY, Recipe(validation_split=0.1))[0].lines[1].name == "Held out"


def test_without_an_epoch_there_is_no_curve():
    assert curves({}, Recipe()) == []


def test_reliability_leaves_empty_bins_out():
    bins = reliability(*answers())
    chart = reliability_chart({"before": bins, "after": bins})
    assert [line.name for line in chart.lines] == ["Right as often as sure", "Before", "After"]
    assert chart.lines[0].path == f"M{LEFT} {BOTTOM}L{RIGHT} {TOP}"
    assert len(chart.lines[1].marks) == sum(one.n > 0 for one in bins) < 15
    assert [line.name for line in reliability_chart({"as trained": bins}).lines][1:] == ["As trained"]


def test_coverage_ends_with_all_digits():
    probabilities, labels = answers()
    chart = coverage_chart(coverage(probabilities, labels), None)
    assert chart.lines[0].path.split("L")[-1].startswith(f"{RIGHT} ")
    assert [line.name for line in coverage_chart(coverage(probabilities, labels), 0.8).lines] == [
        "Wrong",
        "At the threshold",
    ]


def test_coverage_without_a_mistake():
    labels = np.arange(10)
    assert coverage_chart(coverage(np.eye(10), labels), 1.0).lines[0].path
