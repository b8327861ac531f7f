import json

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score

from tendigits.report.metrics import WORST, judge, percent, wilson, write_report


@pytest.fixture
def answers():
    """2,000 labels and probabilities that are right about nine times in ten."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 2000).astype(np.uint8)
    probabilities = rng.random((2000, 10)) + 1.5 * np.eye(10)[np.where(rng.random(2000) < 0.9, labels, 3)]
    return probabilities / probabilities.sum(axis=1, keepdims=True), labels


def test_against_scikit_learn(answers):
    probabilities, labels = answers
    predicted = probabilities.argmax(axis=1)
    report = judge(probabilities, labels)
    assert report.n == 2000
    assert report.accuracy == accuracy_score(labels, predicted)
    assert report.confusion == confusion_matrix(labels, predicted).tolist()
    assert [c.precision for c in report.classes] == pytest.approx(precision_score(labels, predicted, average=None))
    assert [c.recall for c in report.classes] == pytest.approx(recall_score(labels, predicted, average=None))
    assert [c.n for c in report.classes] == np.bincount(labels).tolist()


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (0, 30), (30, 30), (7, 9), (9802, 10000)])
def test_the_interval_is_wilsons(right, n):
    expected = binomtest(right, n).proportion_ci(method="wilson")
    assert wilson(right, n) == pytest.approx((expected.low, expected.high))


def test_the_worst_mistakes_come_first(answers):
    probabilities, labels = answers
    mistakes = judge(probabilities, labels).mistakes
    assert len(mistakes) == WORST
    assert [m.probability for m in mistakes] == sorted((m.probability for m in mistakes), reverse=True)
    wrong = probabilities.argmax(axis=1) != labels
    assert mistakes[0].probability == probabilities[wrong].max()
    for m in mistakes:
        assert m.true == labels[m.index] != m.predicted == probabilities[m.index].argmax()


def test_no_mistake_and_missing_classes():
    labels = np.array([1, 1, 7], np.uint8)
    report = judge(np.eye(10)[labels], labels)
    assert (report.accuracy, report.mistakes, report.interval[1]) == (1.0, [], 1.0)
    assert report.classes[0].precision is None
    assert report.classes[0].recall is None
    assert report.classes[7].recall == 1


def test_written_files(answers, tmp_path):
    probabilities, labels = answers
    report = judge(probabilities, labels)
    images = np.random.default_rng(1).integers(0, 256, (2000, 28, 28), np.uint8)
    write_report(report, tmp_path, images, "Run x", "about it")
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["accuracy"] == report.accuracy
    assert content["mistakes"][0]["index"] == report.mistakes[0].index
    text = (tmp_path / "report.md").read_text()
    assert percent(report) in text
    assert text.startswith("# Run x\n\nabout it\n")
    for picture in ("confusion.png", "mistakes.png"):
        assert picture in text
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def test_written_without_a_mistake(tmp_path):
    labels = np.array([1, 7], np.uint8)
    write_report(judge(np.eye(10)[labels], labels), tmp_path, np.zeros((2, 28, 28), np.uint8), "t", "a")
    assert "every digit is read right" in (tmp_path / "report.md").read_text()
    assert "NaN" not in (tmp_path / "report.json").read_text()
