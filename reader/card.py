"""The model card of the reader network: how it was made, and how well it reads digits it has not learned from.

python reader/card.py     # writes reader.json in the package and the table in reader/README.md anew
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from pool import POOL
from tendigits.data.load import load
from tendigits.digits.find import find_digit
from tendigits.digits.network import Network, Predictions, from_onnx

ROOT = Path(__file__).parent.parent
ASSETS = ROOT / "src" / "tendigits" / "digits" / "assets"
NETWORK, CARD = ASSETS / "reader.onnx", ASSETS / "reader.json"
README = ROOT / "reader" / "README.md"
BEGIN, END = "<!-- card: written by reader/card.py -->", "<!-- /card -->"
BINS = 15

Array = np.ndarray[Any, Any]


def write_card(made: dict[str, Any], data: str | None) -> None:
    """Evaluate the network in the package on held-out crops and on MNIST's test digits, and write the card.

    Args:
        made: how it was made.
        data: MNIST in a file; None takes the package's.
    """
    network = from_onnx(NETWORK.read_bytes(), "reader")
    with np.load(POOL) as pool:
        x_held, y_held = pool["x_held"], pool["y_held"]
    mnist = load(data)
    crops = np.array([find_digit(image).crop for image in mnist.x_test])
    card = {
        "made": made,
        "temperature": network.temperature,
        "threshold": network.threshold,
        "results": {
            "held-out training digits, half of them by synthetic writers, and non-digits": evaluate(
                network, x_held, y_held
            ),
            "MNIST's test digits through the whole reader": evaluate(network, crops, mnist.y_test),
        },
    }
    CARD.write_text(json.dumps(card, indent=1) + "\n")
    before, rest = README.read_text().split(BEGIN)
    README.write_text(f"{before}{BEGIN}\n\n{table(card)}\n\n{END}{rest.split(END)[1]}")


def evaluate(network: Network, crops: Array, labels: Array) -> dict[str, float | int]:
    """Evaluate the network on crops with labels 0 to 9, or 10 for non-digits."""
    predictions = network(crops)
    digits = labels < 10
    right = predictions.digits.argmax(axis=1) == labels
    accepted = (predictions.confidence >= network.threshold) & (predictions.is_digit >= 0.5)
    result: dict[str, float | int] = {
        "digits": int(digits.sum()),
        "accuracy": float(right[digits].mean()),
        "digits_accepted": float(accepted[digits].mean()),
        "wrong_among_accepted_digits": float(1 - right[accepted & digits].mean()),
        "wrong_among_accepted": float(1 - right[accepted].mean()),
        "calibration_error": calibration_error(predictions, right),
    }
    if not digits.all():
        result |= {"nondigits": int((~digits).sum()), "nondigits_rejected": float(1 - accepted[~digits].mean())}
    return result


def calibration_error(predictions: Predictions, right: Array) -> float:
    """Expected calibration error over BINS bins of confidence.

    (Guo et al., On calibration of modern neural networks, 2017.)
    """
    bins = np.minimum((predictions.confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(float(predictions.confidence[bins == b].sum()) - float(right[bins == b].sum())) for b in range(BINS)]
    return sum(gaps) / len(right)


def table(card: dict[str, Any]) -> str:
    """Format the card as Markdown."""
    made = card["made"]
    rows = [
        f"{made['parameters']:,} parameters, {NETWORK.stat().st_size / 1e6:.2f} MB; {made['passes']} passes over "
        f"{made['crops']:,} crops in {made['minutes']:.0f} minutes on {made['machine']['cores']} cores of an "
        f"{made['machine']['processor']}. Temperature {card['temperature']:.2f}, threshold {card['threshold']:.3f}.",
        "",
        "| evaluated on | digits | read right | accepted | wrong of accepted digits | non-digits | of them rejected | "
        "wrong of all accepted | calibration error |",
        "| :--- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, result in card["results"].items():
        nondigits = result.get("nondigits")
        cells = [
            name,
            f"{result['digits']:,}",
            *(f"{result[key]:.2%}" for key in ("accuracy", "digits_accepted", "wrong_among_accepted_digits")),
            f"{nondigits:,}" if nondigits else "",
            f"{result['nondigits_rejected']:.2%}" if nondigits else "",
            f"{result['wrong_among_accepted']:.2%}",
            f"{result['calibration_error']:.3f}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    """Evaluate the network in the package and write its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="MNIST; default: the package's")
    write_card(json.loads(CARD.read_text())["made"], parser.parse_args().data)


if __name__ == "__main__":
    main()
