"""Weigh the evidence for numbers: on generated pages, how often is a number with such evidence read right?

python reader/calibrate.py          # writes weights and thresholds into src/tendigits/lines/assets/lines.onnx

The weights come from one half of the pages, the thresholds from the other. Real pictures are for measuring only.
"""

import argparse
import json
from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray

from bundle import ASSETS
from synthesis.pages import SIDE, Number
from tendigits.files import replacing
from tendigits.lines.reading import Reading, evidence
from tendigits.read.reader import Reader
from train_lines import page_writer

SEED = 11
PAGES = 1500

ERRORS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
"""Shares of wrong numbers among the accepted, for which a threshold is kept."""

HARDER = 2.0
"""How many times as many of the accepted numbers are wrong on generated pages, with their close cells and hidden
points, as on the real pictures that were measured."""

LEGIBLE = 12.0
"""Pixels: digits lower than this can hardly be read by anybody."""

EDGE = 6
"""Pixels: a number closer to the edge of the picture may be cut off, and tells nothing."""

DECAY = 1e-3
"""Weight of the squared weights beside the mean cross-entropy."""

Floats = NDArray[np.float64]


def main() -> None:
    """Read pages, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=PAGES)
    given = parser.parse_args()
    values, right = (np.array(each, float) for each in zip(*read_pages(given.pages), strict=True))
    half = len(right) // 2
    weights, bias = fit(values[:half], right[:half])
    confidence = 1 / (1 + np.exp(-(values[half:] @ weights + bias)))
    thresholds = [(error, threshold_for(confidence, right[half:], error * HARDER)) for error in ERRORS]
    for error, threshold in thresholds:
        accepted = confidence >= threshold
        share = (accepted & (right[half:] > 0)).sum() / right[half:].sum()
        print(f"at most {error:.1%} wrong: from {threshold:.4f}, {share:.1%} of the right numbers accepted")
    print(f"{len(right)} numbers, {right.mean():.1%} right; weights {np.round(weights, 3)}, bias {bias:.3f}")
    path = ASSETS / "lines.onnx"
    file = onnx.load(path)
    about = {entry.key: entry.value for entry in file.metadata_props}
    about["trust"] = json.dumps({"weights": weights.tolist(), "bias": bias, "thresholds": thresholds})
    del file.metadata_props[:]
    onnx.helper.set_model_props(file, about)
    with replacing(path) as temporary:
        temporary.write_bytes(file.SerializeToString())


def read_pages(n: int) -> Iterator[tuple[tuple[float, ...], bool]]:
    """The evidence for each number that is read on generated pages, and whether it is right."""
    reader = Reader().lines
    for page in page_writer(LEGIBLE).pages(np.random.default_rng(SEED), n):
        for reading in reader.readings(page.picture):
            number = number_at(reading, page.numbers)
            if number is None:
                if number_at(reading, page.hidden) is None:
                    yield evidence(reading).values(), False
            elif is_clear(number) and (reading.text == number.text or bare(reading.text) != bare(number.text)):
                yield evidence(reading).values(), reading.text == number.text


def is_clear(number: Number) -> bool:
    """Whether a number is whole and apart from others, so that its text is what a person would read."""
    ends = [*number.start.tolist(), *number.end.tolist()]
    return number.clear and all(EDGE < edge < SIDE - EDGE for edge in ends)


def bare(text: str) -> str:
    """Without points, which patterns below small digits may hide from anybody."""
    return "".join(character for character in text if character not in ".,:")


def number_at(reading: Reading, numbers: list[Number]) -> Number | None:
    """The number that stands in a place."""
    middle = np.array([reading.place.x, reading.place.y])
    for number in numbers:
        axis = number.end - number.start
        along = float(np.clip((middle - number.start) @ axis / max(1e-6, float(axis @ axis)), 0, 1))
        if np.linalg.norm(middle - number.start - along * axis) < number.height / 2:
            return number
    return None


def fit(values: Floats, right: Floats) -> tuple[Floats, float]:
    """Logistic regression by Newton's method: the weights and the bias."""
    x = np.column_stack([values, np.ones(len(values))])
    weights = np.zeros(x.shape[1])
    penalty = DECAY * np.eye(x.shape[1])
    for _ in range(30):
        share = 1 / (1 + np.exp(-(x @ weights)))
        slope = x.T @ (share - right) / len(x) + penalty @ weights
        weights -= np.linalg.solve((x.T * (share * (1 - share))) @ x / len(x) + penalty, slope)
    return weights[:-1], float(weights[-1])


def threshold_for(confidence: Floats, right: Floats, error: float) -> float:
    """The smallest confidence from which on at most this share is wrong."""
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(1 - right[order]) / np.arange(1, len(order) + 1)
    fitting = np.flatnonzero(wrong <= error)
    return float(confidence[order[fitting[-1]]]) if len(fitting) else 1.0


if __name__ == "__main__":
    main()
