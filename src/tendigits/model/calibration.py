"""Calibrate a network: a temperature that makes its confidence match its accuracy, and a threshold to accept answers.

calibration = calibrate(probabilities, labels)       # of held-out digits
calibration.temperature, calibration.threshold
apply_temperature(probabilities, calibration.temperature)

Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, https://arxiv.org/abs/1706.04599
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import exp, log, sqrt
from typing import Any

import numpy as np

LEAST = 1e-12
"""Lower bound for probabilities, so that their logarithms are finite."""

BINS = 15
"""Number of bins of confidence, as in the paper."""

MAX_RISK = 0.01
"""Fraction of the accepted digits that may be wrong at the threshold (the risk)."""

LOWEST, HIGHEST = 0.05, 20.0
"""Range of temperatures that are searched."""

_LIMITS = {"temperature": (LOWEST, HIGHEST), "threshold": (LEAST, 1.0)}


@dataclass(frozen=True)
class Calibration:
    """A temperature and a threshold, and the digits that they were fitted on."""

    temperature: float
    """0.05 to 20; above 1 the network was overconfident."""
    n: int
    """Number of digits it was fitted on."""
    on: str
    """Which digits these are."""
    ece_before: float
    ece_after: float
    """Expected calibration error on those digits, 0 to 1."""
    threshold: float
    """0 to 1: the lowest confidence at which at most 1% of the accepted digits are wrong."""


@dataclass(frozen=True)
class Bin:
    """Digits with a confidence above `low` and at most `high`; the means are None if there are none."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The risk-coverage curve of selective prediction, from the strictest threshold to none; float64 (k,) each."""

    threshold: np.ndarray
    """Lowest confidence that is accepted; falling."""
    coverage: np.ndarray
    """Fraction of all digits that is accepted, rising to 1."""
    risk: np.ndarray
    """Risk: the fraction of the accepted digits that is wrong."""


def calibrate(probabilities: np.ndarray, labels: np.ndarray, on: str = "held-out training digits") -> Calibration:
    """Fit a temperature, and the threshold at which at most 1% of the accepted digits are wrong.

    Args:
        probabilities: float (n, 10), rows sum to 1; of digits that are used neither for training nor for evaluation.
        labels: integers (n,), 0 to 9.
        on: which digits these are.
    """
    temperature = fit_temperature(probabilities, labels)
    after = apply_temperature(probabilities, temperature)
    return Calibration(
        temperature=temperature,
        n=len(labels),
        on=on,
        ece_before=calibration_error(reliability(probabilities, labels)),
        ece_after=calibration_error(reliability(after, labels)),
        threshold=find_threshold(risk_coverage(after, labels)),
    )


def read_calibration(content: Any) -> Calibration:
    """A calibration from untrusted JSON. Raises ValueError if it is not one."""
    names = [field.name for field in fields(Calibration)]
    if not isinstance(content, dict) or set(content) != set(names):
        raise ValueError(f"expected a calibration with {', '.join(names)}")
    limits = {**_LIMITS, "ece_before": (0, 1), "ece_after": (0, 1)}
    for name, (low, high) in limits.items():
        _within(name, content[name], low, high)
    if not isinstance(content["n"], int) or not isinstance(content["on"], str):
        raise ValueError("expected the calibration's n as a whole number and on as a text")
    return Calibration(**content)


def read_texts(about: Mapping[str, str], threshold: float) -> tuple[float, float]:
    """Temperature and threshold from the metadata of an untrusted ONNX file; 1 and `threshold` where it has none.

    Raises:
        ValueError: one is no number, not finite, or out of range.
    """
    found = {"temperature": 1.0, "threshold": threshold}
    for name, (low, high) in _LIMITS.items():
        if name in about:
            found[name] = float(about[name])
            _within(name, found[name], low, high)
    return found["temperature"], found["threshold"]


def _within(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, float | int) or not low <= value <= high:  # NaN is not either
        raise ValueError(f"expected the calibration's {name} from {low:g} to {high:g}, received {value!r:.50}")


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(log(p) / temperature): float (n, 10) -> float64 (n, 10), rows sum to 1; the order in a row stays.

    A softmax is invariant to a constant, so the logarithms of the probabilities serve as logits.
    """
    shares: np.ndarray = np.exp(_log_shares(probabilities, temperature))
    return shares


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the lowest cross entropy, to four places; 1 if every digit is classified correctly.

    The cross entropy is convex in 1 / temperature, so it has one minimum, which a golden-section search finds
    (J. Kiefer, "Sequential minimax search for a maximum", 1953). If all are right, it has none: it falls for ever.
    """
    if (probabilities.argmax(axis=1) == labels).all():
        return 1.0
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return -float(_log_shares(probabilities, exp(log_temperature))[rows, labels].mean())

    golden = (sqrt(5) - 1) / 2
    low, high = log(LOWEST), log(HIGHEST)
    while high - low > 1e-5:
        width = golden * (high - low)
        if loss(high - width) < loss(low + width):
            high = low + width
        else:
            low = high - width
    return min(max(round(exp((low + high) / 2), 4), LOWEST), HIGHEST)


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> list[Bin]:
    """Accuracy and confidence, of digits as for `calibrate`, for `bins` intervals of confidence of equal width."""
    confidence, right = _confidence(probabilities, labels)
    edges = np.linspace(0, 1, bins + 1)
    place = np.searchsorted(edges[1:-1], confidence)
    counts = np.bincount(place, minlength=bins)
    sums = (np.bincount(place, weights, minlength=bins) for weights in (confidence, right))
    return [
        Bin(
            float(edges[i]),
            float(edges[i + 1]),
            int(n),
            confidence=float(confident / n) if n else None,
            accuracy=float(n_right / n) if n else None,
        )
        for i, (n, confident, n_right) in enumerate(zip(counts, *sums, strict=True))
    ]


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error, 0 to 1: the mean gap between confidence and accuracy (equation 3 of the paper)."""
    n = sum(found.n for found in bins)
    return sum(found.n / n * abs((found.accuracy or 0) - (found.confidence or 0)) for found in bins)


def risk_coverage(probabilities: np.ndarray, labels: np.ndarray) -> RiskCoverage:
    """Risk and coverage, of digits as for `calibrate`, at each threshold that separates two of them."""
    confidence, right = _confidence(probabilities, labels)
    order = np.argsort(-confidence, kind="stable")
    confidence, wrong = confidence[order], np.cumsum(~right[order])
    last = np.flatnonzero(np.append(confidence[1:] != confidence[:-1], True))  # equals are accepted together
    accepted = last + 1
    return RiskCoverage(confidence[last], accepted / len(labels), wrong[last] / accepted)


def find_threshold(curve: RiskCoverage, max_risk: float = MAX_RISK) -> float:
    """The lowest threshold with a risk of at most `max_risk`; 1 where there is none."""
    kept = np.flatnonzero(curve.risk <= max_risk)
    return float(curve.threshold[kept[-1]]) if len(kept) else 1.0


def _confidence(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Confidence of each answer, float64 (n,), and whether it is right, bool (n,)."""
    return probabilities.max(axis=1).astype(float), probabilities.argmax(axis=1) == labels


def _log_shares(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    logits = np.log(np.maximum(probabilities.astype(float), LEAST)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    shares: np.ndarray = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return shares
