import numpy as np
import pytest

from tendigits.report.metrics import MAX_MISTAKES, accuracy_text, classification_report, corrected_text


def test_against_scikit_learn_and_scipy(predictions):
    from scipy.stats import binomtest
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score

    probabilities, labels = predictions
    predicted = probabilities.argmax(axis=1)
    report = classification_report(probabilities, labels)
    assert report.n == 2000
    assert report.accuracy == accuracy_score(labels, predicted)
    interval = binomtest(report.n - report.errors, report.n).proportion_ci(method="wilson")
    assert report.interval == pytest.approx((interval.low, interval.high))
    assert report.errors == (labels != predicted).sum()
    assert report.confusion_matrix == confusion_matrix(labels, predicted).tolist()
    assert [c.precision for c in report.classes] == pytest.approx(precision_score(labels, predicted, average=None))
    assert [c.recall for c in report.classes] == pytest.approx(recall_score(labels, predicted, average=None))
    assert [c.support for c in report.classes] == np.bincount(labels).tolist()


def test_the_worst_mistakes_come_first(predictions):
    probabilities, labels = predictions
    mistakes = classification_report(probabilities, labels).mistakes
    assert len(mistakes) == MAX_MISTAKES
    assert [m.confidence for m in mistakes] == sorted((m.confidence for m in mistakes), reverse=True)
    wrong = probabilities.argmax(axis=1) != labels
    assert mistakes[0].confidence == probabilities[wrong].max()
    for m in mistakes:
        assert m.true == labels[m.index] != m.predicted == probabilities[m.index].argmax()


def test_no_mistake_and_missing_classes():
    labels = np.array([1, 1, 7], np.uint8)
    report = classification_report(np.eye(10)[labels], labels)
    assert (report.accuracy, report.mistakes, report.interval[1]) == (1.0, [], 1.0)
    assert report.classes[0].precision is None
    assert report.classes[7].recall == 1
    assert corrected_text(report) == ""


def test_on_corrected_labels():
    labels = np.array([0, 1, 2, 3], np.uint8)
    report = classification_report(np.eye(10)[[0, 7, 2, 8]], labels, {1: 7, 2: 5, 3: None})
    assert (report.accuracy, report.corrected.n, report.corrected.accuracy) == (0.5, 3, 2 / 3)
    assert f"On corrected labels {accuracy_text(report.corrected)}: " in corrected_text(report)
    assert "digits without a clear label (1) are excluded" in corrected_text(report)
