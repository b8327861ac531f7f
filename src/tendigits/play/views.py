"""What the page shows of networks: test results, weights as pictures, activations, single units, a comparison.

evaluate(learner)                            # a dict for JSON, once an epoch
describe_unit(learner, layer=1, unit=7)
compare(learner_a, learner_b)
draw(learner, crop)

Pictures are uint8 in base64, 784 bytes each.
"""

from typing import Any

import numpy as np

from tendigits.data.preprocess import to_input
from tendigits.digits.layers import as_bytes, encode
from tendigits.errors import DivergedError, UserError
from tendigits.play.learner import Learner
from tendigits.report.mcnemar import mcnemar
from tendigits.report.metrics import classification_report

MAX_WEIGHT_PICTURES = 64  # units of the first layer whose weights are shown, eight by eight
MAX_MISTAKES = 12
MAX_CHANGED = 24  # digits shown of those that two networks read differently; the others are only counted
N_BINS = 24  # of a histogram of activations
N_SAMPLED = 1000  # test digits for histograms, and for the mean gradient of a unit
N_SEARCHED = 5000  # training digits that are searched for those that excite a unit most
N_EXCITING = 12
MIN_PROBABILITY = 1e-7  # lower probabilities count as this in the loss, as in Keras


def evaluate(learner: Learner) -> dict[str, Any]:
    """Test the network, and add the result to its curve. Raises DivergedError if its outputs are not finite."""
    labels = learner.dataset.y_test
    *hidden, probabilities = learner.outputs(learner.test_input)
    _check_finite(probabilities)
    report = classification_report(probabilities, labels)
    of_label = np.maximum(probabilities[np.arange(report.n), labels], MIN_PROBABILITY)
    loss = float(-np.log(of_label).mean())
    learner.test_curve.add(learner.progress, loss, report.accuracy)
    return {
        "epoch": learner.progress,
        "loss": loss,
        **{name: getattr(report, name) for name in ("accuracy", "interval", "n")},
        "confusion": report.confusion_matrix,
        "mistakes": [
            {name: getattr(mistake, name) for name in ("true", "predicted", "confidence")}
            | {"picture": encode(learner.dataset.x_test[mistake.index])}
            for mistake in report.mistakes[:MAX_MISTAKES]
        ],
        "weights": [encode(as_picture(unit)) for unit in np.asarray(learner.weights[0]).T[:MAX_WEIGHT_PICTURES]],
        "histograms": [_histogram(layer[:N_SAMPLED]) for layer in hidden],
    }


def describe_unit(learner: Learner, layer: int, unit: int) -> dict[str, Any]:
    """What a unit responds to, as a picture, and the training digits that excite it most.

    For the first layer the picture is its weights; for a deeper one the gradient of its output with respect to the
    pixels, averaged over test digits. Raises UserError if there is no such unit; DivergedError as `evaluate`.
    """
    sizes = [each.units for each in learner.dense]
    if layer >= len(sizes) or unit >= sizes[layer]:
        raise UserError(f"expected a unit of layers with {sizes} units, received layer {layer}, unit {unit}")
    x, images = learner.test_input[:N_SAMPLED], learner.images[:N_SEARCHED]
    picture = learner.gradient(x, layer, unit) if layer else np.asarray(learner.weights[0])[:, unit]
    outputs = learner.outputs(to_input(images))[layer][:, unit]
    _check_finite(outputs)
    best = np.argsort(-outputs, kind="stable")[:N_EXCITING]
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


def compare(first: Learner, second: Learner) -> dict[str, Any]:
    """McNemar's test in words, and the test digits that the networks A and B read differently."""
    a, b = (learner.outputs(learner.test_input)[-1].argmax(axis=1) for learner in (first, second))
    images, true = first.dataset.x_test, first.dataset.y_test
    verdict = mcnemar(np.flatnonzero(a != true), np.flatnonzero(b != true), len(true))
    changed = np.flatnonzero(a != b)
    return {
        "words": verdict.words,
        "is_significant": verdict.is_significant,
        "p": verdict.p,
        "n_changed": len(changed),
        "changed": [
            {"true": int(true[i]), "a": int(a[i]), "b": int(b[i]), "picture": encode(images[i])}
            for i in changed[:MAX_CHANGED]
        ],
    }


def draw(learner: Learner, crop: np.ndarray) -> dict[str, Any] | None:
    """What a network outputs for a drawing, uint8 (28, 28): the probabilities, and each hidden layer as bytes.

    None if its outputs are no longer finite numbers.
    """
    outputs = learner.outputs(to_input(crop[np.newaxis]))
    if not all(np.isfinite(layer).all() for layer in outputs):
        return None
    *hidden, (probabilities,) = outputs
    return {"probabilities": probabilities.round(5).tolist(), "layers": [as_bytes(layer[0]) for layer in hidden]}


def as_picture(values: np.ndarray) -> np.ndarray:
    """Weights as grey: zero is 128, and the largest absolute value is 1 or 255. uint8 of the same shape."""
    scale = max(float(np.abs(values).max()), 1e-12)
    grey: np.ndarray = np.rint(128 + 127 * values / scale).astype(np.uint8)
    return grey


def _check_finite(outputs: np.ndarray) -> None:
    if not np.isfinite(outputs).all():
        raise DivergedError("the weights became too large to compute with; try a smaller learning rate")


def _histogram(outputs: np.ndarray) -> dict[str, Any]:
    """How often each activation occurs, and how many units never change: with ReLU they are always zero."""
    counts, edges = np.histogram(outputs, N_BINS)
    return {
        "low": float(edges[0]),
        "high": float(edges[-1]),
        "fractions": (counts / outputs.size).round(5).tolist(),
        "units": outputs.shape[1],
        "silent": int((outputs.max(axis=0) == outputs.min(axis=0)).sum()),
    }
