from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from tendigits.model.calibration import (
    apply_temperature,
    calibrate,
    confidences,
    find_threshold,
    fit_temperature,
    read_calibration,
    reliability,
    risk_coverage,
)

rows = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, (n, 10), elements=st.floats(-30, 30)).map(lambda logits: softmax(logits, axis=1)),
        arrays(np.uint8, n, elements=st.integers(0, 9)),
    )
)


@pytest.fixture
def overconfident():
    """5,000 predictions whose logits are 2.5 times too large."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (5000, 10))
    labels = np.array([rng.choice(10, p=row) for row in softmax(logits, axis=1)], np.uint8)
    return softmax(2.5 * logits, axis=1).astype(np.float32), labels


def test_the_temperature_against_scipy(overconfident):
    from scipy.optimize import minimize_scalar
    from sklearn.metrics import log_loss

    probabilities, labels = overconfident
    logits = np.log(probabilities.astype(float))

    def loss(temperature):
        return log_loss(labels, softmax(logits / temperature, axis=1), labels=range(10))

    expected = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-6}).x
    assert fit_temperature(probabilities, labels) == pytest.approx(expected, abs=2e-4)
    assert expected == pytest.approx(2.5, abs=0.1)
    np.testing.assert_allclose(apply_temperature(probabilities, 1.7), softmax(logits / 1.7, axis=1))
    calibration = calibrate(probabilities, labels)
    assert calibration.ece_before > 0.2
    assert calibration.ece_after < 0.02
    assert (calibration.n, calibration.on) == (5000, "held-out training digits")


def test_probabilities_of_zero_and_one():
    probabilities = np.eye(10, dtype=np.float32)[[3, 4, 5] * 100]
    calibration = calibrate(probabilities, np.array([3, 4, 6] * 100, np.uint8))
    assert 1 < calibration.temperature <= 20
    assert calibration.ece_after < calibration.ece_before == pytest.approx(1 / 3)
    assert calibrate(probabilities, np.array([3, 4, 5] * 100)).temperature == 1  # without a mistake


def test_fewer_than_300_digits_calibrate_nothing(overconfident):
    probabilities, labels = overconfident
    assert calibrate(probabilities[:299], labels[:299]) is None
    assert calibrate(probabilities[:300], labels[:300]).n == 300


@given(rows)
def test_no_temperature_makes_the_calibration_worse(answers):
    probabilities, labels = (np.concatenate([each] * 300) for each in answers)
    calibration = calibrate(probabilities, labels)
    assert calibration.ece_after <= calibration.ece_before


def test_a_temperature_that_would_is_not_kept():
    """A few digits that are surely wrong decide the cross entropy; the others are as sure as they are right."""
    sure, half = np.full(10, 1e-9), np.full(10, 0.4 / 9)
    sure[0], half[0] = 1 - 9e-9, 0.6
    probabilities = np.stack([sure] * 5 + [half] * 500)
    labels = np.array([1] * 5 + [0] * 300 + [1] * 200)
    calibration = calibrate(probabilities, labels)
    assert fit_temperature(probabilities, labels) != 1 == calibration.temperature
    assert calibration.ece_after == calibration.ece_before


def test_bins_against_scikit_learn(overconfident):
    from sklearn.calibration import calibration_curve

    probabilities, labels = overconfident
    right = probabilities.argmax(axis=1) == labels
    bins = [found for found in reliability(probabilities, labels) if found.n]
    accuracy, confidence = calibration_curve(right, probabilities.max(axis=1), n_bins=15, strategy="uniform")
    assert [found.accuracy for found in bins] == pytest.approx(accuracy)
    assert [found.confidence for found in bins] == pytest.approx(confidence)


@given(rows)
def test_risk_and_coverage_against_counting(answers):
    probabilities, labels = answers
    curve = risk_coverage(*confidences(probabilities, labels))
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    assert curve.coverage[-1] == 1
    assert (np.diff(curve.coverage) > 0).all()
    assert (np.diff(curve.threshold) < 0).all()
    for threshold, coverage, risk in zip(curve.threshold, curve.coverage, curve.risk, strict=True):
        accepted = confidence >= threshold
        assert coverage == pytest.approx(accepted.mean())
        assert risk == pytest.approx((~right[accepted]).mean())


@given(rows, st.floats(0, 1))
def test_the_threshold_is_the_lowest_with_the_risk(answers, max_risk):
    probabilities, labels = answers
    threshold = find_threshold(risk_coverage(*confidences(probabilities, labels)), max_risk)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels

    def risk(threshold):
        return (~right[confidence >= threshold]).mean()

    if threshold < 1:
        assert risk(threshold) <= max_risk
    assert all(risk(lower) > max_risk for lower in confidence[confidence < threshold])


def test_an_invalid_calibration_is_refused(overconfident):
    calibration = calibrate(*overconfident)
    assert read_calibration(asdict(calibration)) == calibration
    for change in ({"temperature": float("nan")}, {"threshold": 2}, {"threshold": True}, {"n": "5"}, {"other": 1}):
        with pytest.raises(ValueError, match="expected"):
            read_calibration(asdict(calibration) | change)
    with pytest.raises(ValueError, match="expected a calibration with temperature, n, on"):
        read_calibration([])
