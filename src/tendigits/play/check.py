"""What a network knows at the moment: results on the test digits, first weights as pictures, activations, single units.

check(learner)                             # a dict for JSON, once an epoch
describe_unit(learner, layer=1, unit=7)

Pictures are uint8 in base64, 784 bytes each.
"""

import base64
from typing import Any

import numpy as np

from tendigits.data.preprocess import to_input
from tendigits.errors import DivergedError, UserError
from tendigits.play.learner import Learner
from tendigits.report.metrics import classification_report

MAX_PICTURES = 64
"""Units of the first layer whose weights are shown, eight by eight."""

MISTAKES = 12

BINS = 24
"""Of a histogram of activations."""

SAMPLE = 1000
"""Test digits whose activations are counted, and over which a unit's gradient is averaged."""

SEARCHED = 5000
"""Training digits among which those are looked for that excite a unit most."""

EXCITING = 12

SMALLEST = 1e-7
"""A probability below this counts as this in the loss, as in Keras."""


def check(learner: Learner) -> dict[str, Any]:
    """Test the network on the test digits, add the result to its curve, and look into its layers.

    Raises:
        DivergedError: its weights are so large that its outputs are no longer finite numbers.
    """
    digits = learner.digits
    probabilities = learner.probe(learner.weights, digits.test_input)[-1]
    _refuse_infinite(probabilities)
    report = classification_report(probabilities, digits.y_test)
    right = np.maximum(probabilities[np.arange(report.n), digits.y_test], SMALLEST)
    loss = float(-np.log(right).mean())
    learner.curve.tested(learner.progress, loss, report.accuracy)
    hidden = learner.probe(learner.weights, digits.test_input[:SAMPLE])[:-1]
    return {
        "epoch": learner.progress,
        "loss": loss,
        "accuracy": report.accuracy,
        "interval": report.interval,
        "n": report.n,
        "confusion": report.confusion_matrix,
        "mistakes": [
            {
                "true": mistake.true,
                "predicted": mistake.predicted,
                "confidence": mistake.confidence,
                "picture": encode(digits.x_test[mistake.index]),
            }
            for mistake in report.mistakes[:MISTAKES]
        ],
        "weights": [encode(as_picture(kernel)) for kernel in _first_kernel(learner).T[:MAX_PICTURES]],
        "histograms": [_histogram(layer) for layer in hidden],
    }


def describe_unit(learner: Learner, layer: int, unit: int) -> dict[str, Any]:
    """What a unit looks for, and the training digits that excite it most.

    For the first layer the picture is its weights; for a deeper one, the weights through which each pixel reaches the
    unit, summed over all ways that are open (the gradient of its output), on average over test digits.

    Raises:
        UserError: there is no such unit.
        DivergedError: as for `check`.
    """
    sizes = [each.units for each in learner.dense]
    if layer >= len(sizes) or unit >= sizes[layer]:
        raise UserError(f"expected a unit of layers with {sizes} units, received layer {layer}, unit {unit}")
    if layer == 0:
        picture = _first_kernel(learner)[:, unit]
    else:
        picture = learner.probe.gradient(learner.weights, learner.digits.test_input[:SAMPLE], layer, unit)
    images = learner.images[:SEARCHED]
    outputs = learner.probe(learner.weights, to_input(images))[layer][:, unit]
    _refuse_infinite(outputs)
    best = np.argsort(-outputs, kind="stable")[:EXCITING]
    return {
        "layer": layer,
        "unit": unit,
        "is_weights": layer == 0,
        "picture": encode(as_picture(picture)),
        "searched": len(images),
        "digits": [
            {"label": int(learner.labels[i]), "output": float(outputs[i]), "picture": encode(images[i])} for i in best
        ],
    }


def as_picture(values: np.ndarray) -> np.ndarray:
    """Weights as grey: 128 is zero, the largest of them, up or down, is 255 or 1. uint8 of the same shape."""
    scale = max(float(np.abs(values).max()), 1e-12)
    grey: np.ndarray = np.rint(128 + 127 * values / scale).astype(np.uint8)
    return grey


def encode(picture: np.ndarray) -> str:
    """uint8 in base64, row by row."""
    return base64.b64encode(np.ascontiguousarray(picture, np.uint8).tobytes()).decode()


def _refuse_infinite(outputs: np.ndarray) -> None:
    if not np.isfinite(outputs).all():
        raise DivergedError("the weights became too large to compute with; try a smaller learning rate")


def _first_kernel(learner: Learner) -> np.ndarray:
    """float32 (784, units)."""
    return np.asarray(learner.weights[0])


def _histogram(outputs: np.ndarray) -> dict[str, Any]:
    """How often each activation occurs, and how many units never do anything: with ReLU they are always zero."""
    counts, edges = np.histogram(outputs, BINS)
    return {
        "low": float(edges[0]),
        "high": float(edges[-1]),
        "shares": (counts / outputs.size).round(5).tolist(),
        "units": outputs.shape[1],
        "silent": int((outputs.max(axis=0) == outputs.min(axis=0)).sum()),
    }
