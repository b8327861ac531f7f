"""What all peers share: the arguments, the digits, the networks, the clock, and the one line of JSON.

python bench/peers/NAME.py --data mnist.npz --epochs 5 --batch 32 [--model conv] [--limit 2000]

It is imported in every peer's environment, so it needs only NumPy.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from memory import peak_mb  # noqa: F401 - the peers call it here


def arguments() -> argparse.Namespace:
    """The command line of a peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, help="MNIST as an .npz")
    parser.add_argument("--epochs", type=int, default=5, help="timed ones, after one to warm up")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--model", choices=("dense", "conv"), default="dense")
    parser.add_argument("--limit", type=int, help="number of digits to train and test on")
    parser.add_argument("--steps-per-execution", type=int, default=1, help="of Keras; others have none")
    parser.add_argument("--compiled-loop", action="store_true", help="tendigits without its kernel; others have none")
    parser.add_argument("--compile", action="store_true", help="torch.compile; others have none")
    return parser.parse_args()


def digits(given: argparse.Namespace) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """(x, y) to train and to test on: float32 (n, 784), for conv (n, 28, 28, 1), from 0 to 1; labels int32 (n,)."""
    shape = (-1, 784) if given.model == "dense" else (-1, 28, 28, 1)
    parts = []
    with np.load(given.data) as file:
        for part in ("train", "test"):
            x, y = (file[f"{name}_{part}"][: given.limit] for name in "xy")
            parts.append((x.reshape(shape).astype("float32") / np.float32(255), y.astype("int32")))
    return parts[0], parts[1]


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Labels (n,) -> float32 (n, 10)."""
    return np.eye(10, dtype="float32")[labels]


def keras_network(keras: Any, kind: str, **compiling: Any) -> Any:
    """The compiled model, with whichever Keras is given: the classic recipe, or keras.io's small conv net."""
    layers = keras.layers
    dense = [
        keras.Input((784,)),
        layers.Dense(512, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(512, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ]
    conv = [
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]
    model = keras.Sequential(dense if kind == "dense" else conv)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3), loss="categorical_crossentropy", metrics=["accuracy"], **compiling
    )
    return model


class Clock:
    """Seconds of each epoch."""

    def __init__(self) -> None:
        self.last, self.seconds = time.perf_counter(), []

    def tick(self) -> None:
        """An epoch has ended, and the next one starts."""
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now

    def callback(self, keras: Any) -> Any:
        """A Keras callback that ticks; the warm-up's time has the compilation in it."""
        return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: self.tick())


def time_epochs(epochs: int, epoch: Callable[[], float]) -> tuple[list[float], float]:
    """Call `epoch` once to warm up and `epochs` times more; the seconds of each, and what the last one returned."""
    clock, loss = Clock(), float("nan")
    for _ in range(1 + epochs):
        loss = float(epoch())
        clock.tick()
    return clock.seconds, loss


def say(
    peer: str, seconds: list[float], loss: float | None, peak: float, accuracy: float | None, *packages: str
) -> None:
    """Print the one line: `seconds` has the warm-up first."""
    versions = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    record = {"peer": peer, "seconds": seconds[1:], "warmup": seconds[0], "peak_mb": peak, "versions": versions}
    print(json.dumps(record | {"loss": loss, "accuracy": accuracy}), flush=True)
