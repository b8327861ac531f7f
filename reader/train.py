"""Train the reader network from the pool, calibrate it, and put it into the package with its model card.

make reader                 # pool, training, file and card; about an hour on two cores
python reader/train.py      # from the pool that is there

All decisions are made on held-out training digits; the test digits are read once, for the card.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import tendigits  # before Keras, whose backend it chooses

# isort: split
import keras
import numpy as np
import onnx

from card import ASSETS, NETWORK, write_card
from digit_network import build
from pool import POOL
from tendigits.digits.network import from_onnx, softmax
from tendigits.machine import describe_environment
from tendigits.model.onnx import to_onnx

BATCH, RATE, SEED = 128, 2e-3, 0
WRONG, REJECTED = 0.01, 0.96
"""Held-out crops: largest share of the accepted digits that may be wrong, least share of non-digits rejected."""

Array = np.ndarray[Any, Any]


def train(x: Array, y: Array, held: tuple[Array, Array], passes: int) -> keras.Model:
    """Train with one-cycle AdamW and an exponential moving average of the weights."""
    keras.utils.set_random_seed(SEED)
    model = build()
    steps = passes * -(-len(y) // BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(
        RATE / 20, steps, alpha=0.002, warmup_target=RATE, warmup_steps=steps // 8
    )
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=0.01, use_ema=True, ema_momentum=0.999),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.02),
        metrics=["accuracy"],
    )
    tendigits.fit(
        model, _input(x), _one_hot(y), batch_size=BATCH, epochs=passes, verbose=2,
        validation_data=(_input(held[0]), _one_hot(held[1])), validation_batch_size=1000,
    )  # fmt: skip
    return model


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


def calibrate_file(path: Path, x: Array, y: Array) -> None:
    """Fit temperature and threshold on held-out crops and write them into the network's file."""
    file = onnx.load(path)
    network = from_onnx(path.read_bytes(), "reader")
    temperature, threshold = calibrate(network.refined_logits(x), y)
    about = {"temperature": f"{temperature:.3f}", "threshold": f"{threshold:.4f}", "labels": "0123456789 and none"}
    del file.metadata_props[:]
    onnx.helper.set_model_props(file, about)
    path.write_bytes(file.SerializeToString())


def _input(x: Array) -> Array:
    return x.reshape(-1, 28, 28, 1).astype("float32") / np.float32(255)


def _one_hot(y: Array) -> Array:
    return np.eye(11, dtype="float32")[y]


def main() -> None:
    """Train, calibrate, save, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="MNIST; default: the package's")
    parser.add_argument("--passes", type=int, default=4, help="Epochs over the pool.")
    given = parser.parse_args()
    with np.load(POOL) as pool:
        x, y, x_held, y_held = (pool[name] for name in ("x", "y", "x_held", "y_held"))
    started = time.perf_counter()
    model = train(x, y, (x_held, y_held), given.passes)
    minutes = (time.perf_counter() - started) / 60
    ASSETS.mkdir(exist_ok=True)
    NETWORK.write_bytes(to_onnx(model, {"temperature": "1", "threshold": "0"}))
    difference = np.abs(
        from_onnx(NETWORK.read_bytes(), "reader").logits(x_held[:1000])
        - model.predict(_input(x_held[:1000]), verbose=0)
    )
    calibrate_file(NETWORK, x_held, y_held)
    made = {
        "parameters": model.count_params(),
        "crops": len(y),
        "passes": given.passes,
        "minutes": round(minutes, 1),
        "machine": describe_environment(),
        "largest_difference_from_keras": float(difference.max()),
    }
    write_card(made, given.data)


if __name__ == "__main__":
    main()
