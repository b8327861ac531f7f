"""Put the trained network for single digits into the package, calibrated, with its model card.

python reader/bundle_digits.py      # reader/digits.npz -> src/tendigits/digits/assets/reader.onnx

All decisions are made on held-out training digits; the test digits are read once, for the card.
"""

import argparse
import json
from typing import Any

# isort: split
import numpy as np

from bundle import CREDIT, with_weights
from card import NETWORK, write_card
from digit_network import build
from pool import POOL
from tendigits.digits.network import from_onnx, softmax
from tendigits.machine import describe_environment
from tendigits.model.onnx import to_onnx, with_metadata
from training import FOLDER, Task

WRONG, REJECTED = 0.01, 0.96
"""Held-out crops: largest share of the accepted digits that may be wrong, least share of non-digits rejected."""

Array = np.ndarray[Any, Any]


def calibrate(logits: Array, labels: Array) -> tuple[float, float]:
    """Find the temperature with the least cross entropy, and the least threshold that satisfies WRONG and REJECTED."""
    temperatures = np.linspace(0.3, 3, 136)
    rows = np.arange(len(labels))
    losses = [-np.log(np.maximum(softmax(logits / t)[rows, labels], 1e-12)).mean() for t in temperatures]
    temperature = float(temperatures[int(np.argmin(losses))])
    probabilities = softmax(logits / temperature)
    label, confidence = probabilities[:, :10].argmax(axis=1), probabilities[:, :10].max(axis=1)
    digits = np.flatnonzero(labels < 10)
    order = digits[np.argsort(-confidence[digits], kind="stable")]
    wrong = np.cumsum(label[order] != labels[order]) / np.arange(1, len(order) + 1)
    least = confidence[order[np.flatnonzero(wrong <= WRONG)[-1]]]
    none = confidence[labels == 10]
    return temperature, float(max(least, np.quantile(none, REJECTED) if len(none) else 0.0))


def main() -> None:
    """Convert, calibrate, save, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="MNIST; default: the package's")
    given = parser.parse_args()
    with np.load(POOL) as pool:
        x_held, y_held = pool["x_held"], pool["y_held"]
    model = with_weights(build(), "digits")
    data = to_onnx(model, {"temperature": "1", "threshold": "0"})
    network = from_onnx(data, "reader")
    difference = np.abs(
        network.logits(x_held[:1000]) - model.predict(x_held[:1000, ..., None] / np.float32(255), verbose=0)
    )
    temperature, threshold = calibrate(network.refined_logits(x_held), y_held)
    about = {"temperature": f"{temperature:.3f}", "threshold": f"{threshold:.4f}", "labels": "0123456789 and none"}
    NETWORK.write_bytes(with_metadata(data, about | {"credit": CREDIT.read_text()}))
    learned = json.loads((FOLDER / "digits" / "log.json").read_text())
    made = {
        "parameters": model.count_params(),
        "crops": learned["chunks"] * Task.chunk,
        "minutes": round(learned["minutes"], 1),
        "machine": describe_environment(),
        "largest_difference_from_keras": float(difference.max()),
    }
    write_card(made, given.data)


if __name__ == "__main__":
    main()
