"""Calibrate a network: a temperature that makes its confidence match its accuracy, and a threshold to accept answers.

calibration = calibrate(probabilities, labels)       # of held-out digits
calibration.temperature, calibration.threshold
apply_temperature(probabilities, calibration.temperature)

Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, https://arxiv.org/abs/1706.04599
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from math import exp, log, sqrt
from typing import Any

import numpy as np

MIN_PROBABILITY = 1e-12  # lower bound for probabilities, so that their logarithms are finite
BINS = 15  # number of confidence bins, as in the paper
MIN_DIGITS = 300  # fewer, all read correctly, do not show that at most 1% are wrong (Hanley, Lippman-Hand, JAMA 1983)
FITTED_ON = "held-out training digits"
MAX_RISK = 0.01  # fraction of the accepted digits that may be wrong at the threshold
MIN_TEMPERATURE = 0.05  # lower end of the temperature search
MAX_TEMPERATURE = 20.0  # upper end of the temperature search
_LIMITS = {"temperature": (MIN_TEMPERATURE, MAX_TEMPERATURE), "threshold": (MIN_PROBABILITY, 1.0)}


@dataclass(frozen=True)
class Calibration:
    """A temperature and a threshold, and the digits that they were fitted on."""

    temperature: float  # above 1 if the network was overconfident
    n: int  # number of digits that it was fitted on
    on: str  # which digits these are
    ece_before: float  # expected calibration error on those digits without the temperature, 0 to 1
    ece_after: float  # the same with the temperature
    threshold: float  # 0 to 1: the lowest confidence at which at most 1% of the accepted digits are wrong


@dataclass(frozen=True)
class Bin:
    """Digits with a confidence above `low` and at most `high`."""

    low: float
    high: float
    n: int
    confidence: float | None  # the mean; None for an empty bin
    accuracy: float | None  # None for an empty bin


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """The risk-coverage curve of selective prediction, from the highest threshold to the lowest; float64 (k,) each."""

    threshold: np.ndarray  # lowest accepted confidence, in falling order
    coverage: np.ndarray  # fraction of all answers that is accepted, rising to 1
    risk: np.ndarray  # fraction of the accepted digits that is wrong


def calibrate(probabilities: np.ndarray, labels: np.ndarray) -> Calibration | None:
    """Fit a temperature, and the threshold at which at most 1% of the accepted digits are wrong.

    Returns None for fewer than 300 digits. A temperature that would make the calibration error larger is not kept.

    Args:
        probabilities: float (n, 10), rows sum to 1; of held-out digits, used neither for training nor for evaluation.
        labels: integers (n,), 0 to 9.
    """
    if len(labels) < MIN_DIGITS:
        return None
    temperature = fit_temperature(probabilities, labels)
    after = apply_temperature(probabilities, temperature)
    ece_before, ece_after = (calibration_error(reliability(each, labels)) for each in (probabilities, after))
    if ece_after > ece_before:
        temperature, after, ece_after = 1.0, probabilities, ece_before
    threshold = find_threshold(risk_coverage(*confidences(after, labels)))
    return Calibration(temperature, len(labels), FITTED_ON, ece_before, ece_after, threshold)


def read_calibration(content: Any) -> Calibration:
    """A calibration from parsed JSON. Raises ValueError if a field is missing, unknown or out of range."""
    names = [field.name for field in fields(Calibration)]
    if not isinstance(content, dict) or set(content) != set(names):
        raise ValueError(f"expected a calibration with {', '.join(names)}")
    for name, (low, high) in (_LIMITS | {"ece_before": (0, 1), "ece_after": (0, 1)}).items():
        _check_range(name, content[name], low, high)
    if not isinstance(content["n"], int) or not isinstance(content["on"], str):
        raise ValueError("expected the calibration's n as a whole number and on as a text")
    return Calibration(**content)


def temperature_and_threshold(metadata: Mapping[str, str], default_threshold: float) -> tuple[float, float]:
    """Temperature and threshold from the metadata of an ONNX file; without them 1 and `default_threshold`.

    Raises ValueError if one is not a number or out of range.
    """
    values = {"temperature": 1.0, "threshold": default_threshold}
    for name, (low, high) in _LIMITS.items():
        if name in metadata:
            values[name] = float(metadata[name])
            _check_range(name, values[name], low, high)
    return values["temperature"], values["threshold"]


def _check_range(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, float | int) or not low <= value <= high:  # NaN fails, too
        raise ValueError(f"expected the calibration's {name} from {low:g} to {high:g}, received {value!r:.50}")


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(log(p) / temperature): float (n, 10) -> float64 (n, 10), rows sum to 1.

    The logarithms of the probabilities serve as logits: a softmax does not change if a constant is added to them.
    """
    return np.asarray(np.exp(_log_probabilities(probabilities, temperature)))


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the lowest cross entropy, rounded to four decimals.

    The cross entropy is convex in 1 / temperature, so a golden-section search finds its minimum (J. Kiefer, "Sequential
    minimax search for a maximum", 1953). If every prediction is right there is no minimum; the result is then 1.
    """
    if (probabilities.argmax(axis=1) == labels).all():
        return 1.0
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return -float(_log_probabilities(probabilities, exp(log_temperature))[rows, labels].mean())

    golden = (sqrt(5) - 1) / 2
    low, high = log(MIN_TEMPERATURE), log(MAX_TEMPERATURE)
    while high - low > 1e-5:
        width = golden * (high - low)
        if loss(high - width) < loss(low + width):
            high = low + width
        else:
            low = high - width
    return min(max(round(exp((low + high) / 2), 4), MIN_TEMPERATURE), MAX_TEMPERATURE)


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> list[Bin]:
    """Accuracy and mean confidence of the digits in 15 intervals of equal width. Arguments: see `calibrate`."""
    confidence, right = confidences(probabilities, labels)
    edges = np.linspace(0, 1, BINS + 1)
    index = np.searchsorted(edges[1:-1], confidence)
    found = []
    for i, (low, high) in enumerate(pairwise(edges.tolist())):
        inside = index == i
        means = (float(confidence[inside].mean()), float(right[inside].mean())) if inside.any() else (None, None)
        found.append(Bin(low, high, int(inside.sum()), *means))
    return found


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error, 0 to 1: the mean gap between confidence and accuracy (equation 3 of the paper)."""
    n = sum(each.n for each in bins)
    return sum(each.n / n * abs((each.accuracy or 0) - (each.confidence or 0)) for each in bins)


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> RiskCoverage:
    """Risk and coverage at each threshold that separates two answers: confidence, float (n,); right, bool (n,)."""
    order = np.argsort(-confidence, kind="stable")
    confidence, wrong = confidence[order], np.cumsum(~right[order])
    last = np.flatnonzero(np.append(confidence[1:] != confidence[:-1], True))  # equal ones are accepted together
    accepted = last + 1
    return RiskCoverage(confidence[last], accepted / len(right), wrong[last] / accepted)


def find_threshold(curve: RiskCoverage, max_risk: float = MAX_RISK) -> float:
    """The lowest threshold with a risk of at most `max_risk`; 1 if none has."""
    low_risk = np.flatnonzero(curve.risk <= max_risk)
    return float(curve.threshold[low_risk[-1]]) if len(low_risk) else 1.0


def confidences(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Confidence of each answer, float64 (n,), and whether it is right, bool (n,)."""
    return probabilities.max(axis=1).astype(float), probabilities.argmax(axis=1) == labels


def _log_probabilities(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    logits = np.log(np.maximum(probabilities.astype(float), MIN_PROBABILITY)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))
