from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from tendigits.model.calibration import (
    MAX_TEMPERATURE,
    apply_temperature,
    calibrate,
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
def sure():
    """5,000 answers whose logits are 2.5 times what would be right."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (5000, 10))
    labels = np.array([rng.choice(10, p=row) for row in softmax(logits, axis=1)], np.uint8)
    return softmax(2.5 * logits, axis=1).astype(np.float32), labels


def test_the_temperature_is_that_of_an_independent_search(sure):
    from scipy.optimize import minimize_scalar
    from sklearn.metrics import log_loss

    probabilities, labels = sure
    logits = np.log(probabilities.astype(float))

    def loss(temperature):
        return log_loss(labels, softmax(logits / temperature, axis=1), labels=range(10))

    expected = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-6}).x
    assert fit_temperature(probabilities, labels) == pytest.approx(expected, abs=2e-4)
    assert expected == pytest.approx(2.5, abs=0.1)
    calibration = calibrate(probabilities, labels)
    assert calibration.ece_before > 0.2
    assert calibration.ece_after < 0.02
    assert (calibration.n, calibration.on) == (5000, "held-out training digits")


def test_a_temperature_is_a_softmax_of_the_logits_over_it(sure):
    logits = np.random.default_rng(1).normal(0, 3, (50, 10))
    expected = softmax(logits / 1.7, axis=1)
    np.testing.assert_allclose(apply_temperature(softmax(logits, axis=1), 1.7), expected)
    np.testing.assert_allclose(apply_temperature(sure[0], 1.0), sure[0], atol=1e-6)


def test_probabilities_of_zero_and_one_are_taken():
    probabilities = np.eye(10, dtype=np.float32)[[3, 4, 5]]
    calibration = calibrate(probabilities, np.array([3, 4, 6], np.uint8))
    assert 1 < calibration.temperature <= MAX_TEMPERATURE
    assert calibration.ece_after < calibration.ece_before == pytest.approx(1 / 3)


def test_where_all_is_right_there_is_nothing_to_fit():
    labels = np.arange(10, dtype=np.uint8)
    calibration = calibrate(np.eye(10) * 0.8 + 0.02, labels)
    assert calibration.temperature == 1
    assert calibration.threshold == pytest.approx(0.82)


@given(rows)
def test_the_fit_is_never_worse_than_none(answers):
    from sklearn.metrics import log_loss

    probabilities, labels = answers
    after = apply_temperature(probabilities, fit_temperature(probabilities, labels))

    def loss(shares):
        return log_loss(labels, np.maximum(shares, 1e-12), labels=range(10))

    assert loss(after) <= loss(apply_temperature(probabilities, 1.0)) + 1e-6


def test_bins_are_scikit_learns(sure):
    from sklearn.calibration import calibration_curve

    probabilities, labels = sure
    right = probabilities.argmax(axis=1) == labels
    bins = [found for found in reliability(probabilities, labels) if found.n]
    accuracy, confidence = calibration_curve(right, probabilities.max(axis=1), n_bins=15, strategy="uniform")
    assert [found.accuracy for found in bins] == pytest.approx(accuracy)
    assert [found.confidence for found in bins] == pytest.approx(confidence)


@given(rows)
def test_coverage_is_what_counting_says(answers):
    probabilities, labels = answers
    curve = risk_coverage(probabilities, labels)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    assert curve.coverage[-1] == 1
    assert (np.diff(curve.coverage) > 0).all()
    assert (np.diff(curve.threshold) < 0).all()
    for threshold, share, error in zip(curve.threshold, curve.coverage, curve.risk, strict=True):
        accepted = confidence >= threshold
        assert share == pytest.approx(accepted.mean())
        assert error == pytest.approx((~right[accepted]).mean())


@given(rows, st.floats(0, 1))
def test_the_threshold_keeps_its_promise_and_none_below_it_does(answers, wrong):
    probabilities, labels = answers
    threshold = find_threshold(risk_coverage(probabilities, labels), wrong)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels

    def share_wrong(least):
        return (~right[confidence >= least]).mean()

    if threshold < 1:
        assert share_wrong(threshold) <= wrong
    assert all(share_wrong(lower) > wrong for lower in confidence[confidence < threshold])


def test_what_is_no_calibration_is_refused(sure):
    calibration = calibrate(*sure)
    assert read_calibration(asdict(calibration)) == calibration
    for change in (
        {"temperature": 0},
        {"temperature": float("nan")},
        {"threshold": 2},
        {"threshold": 0},
        {"threshold": True},
        {"n": "5"},
        {"other": 1},
    ):
        with pytest.raises(ValueError, match="expected"):
            read_calibration(asdict(calibration) | change)
    with pytest.raises(ValueError, match="expected a calibration with temperature, n, on"):
        read_calibration([])
