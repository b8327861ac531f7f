"""Is `tendigits.fit` ever slower than `model.fit`? Each kind of layer in its own small model, in turns.

    python bench/layers.py                  # about five minutes; then bench/results/layers.json and bench/README.md
    python bench/layers.py --only conv      # only matching layers, only printed

XLA's code for a layer can be far slower inside a compiled loop than outside, as for convolutions; this finds such
layers. Both train in turns, from the same weights, on the same data; the first epoch of each turn does not count.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import tendigits  # before Keras, whose backend it chooses

# isort: split
import keras
import numpy as np
from keras import layers as L  # noqa: N812

from documents import replace_between
from tendigits.machine import describe_environment

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results" / "layers.json"
README = ROOT / "bench" / "README.md"
BEGIN, END = "<!-- layers: written by bench/layers.py -->", "<!-- /layers -->"
N, BATCH, TURNS, EPOCHS = 2048, 32, 2, 3

IMAGE, SEQUENCE, WIDE, WORDS, VOLUME = (28, 28, 8), (32, 32), (256,), (64,), (8, 8, 8, 4)
CASES: dict[str, tuple[tuple[int, ...], Callable[[], list[Any]]]] = {
    "Dense": (WIDE, lambda: [L.Dense(256, "relu")]),
    "Dropout": (WIDE, lambda: [L.Dense(256, "relu"), L.Dropout(0.3)]),
    "GaussianNoise": (WIDE, lambda: [L.GaussianNoise(0.1), L.Dense(256, "relu")]),
    "BatchNormalization": (IMAGE, lambda: [L.Conv2D(16, 3), L.BatchNormalization(), L.GlobalAveragePooling2D()]),
    "LayerNormalization": (SEQUENCE, lambda: [L.Dense(64), L.LayerNormalization(), L.Flatten()]),
    "GroupNormalization": (IMAGE, lambda: [L.Conv2D(16, 3), L.GroupNormalization(4), L.GlobalAveragePooling2D()]),
    "Conv1D": (SEQUENCE, lambda: [L.Conv1D(64, 5, activation="relu"), L.GlobalMaxPooling1D()]),
    "Conv1D, strided, causal": (SEQUENCE, lambda: [L.Conv1D(64, 5, strides=2, padding="causal"), L.Flatten()]),
    "Conv2D 3x3": (IMAGE, lambda: [L.Conv2D(32, 3, activation="relu"), L.GlobalAveragePooling2D()]),
    "Conv2D 1x1": (IMAGE, lambda: [L.Conv2D(32, 1, activation="relu"), L.GlobalAveragePooling2D()]),
    "Conv2D 5x5, strided": (IMAGE, lambda: [L.Conv2D(32, 5, strides=2, padding="same"), L.GlobalAveragePooling2D()]),
    "Conv2D 9x9": (IMAGE, lambda: [L.Conv2D(16, 9, activation="relu"), L.GlobalAveragePooling2D()]),
    "Conv2D, dilated": (IMAGE, lambda: [L.Conv2D(32, 3, dilation_rate=2), L.GlobalAveragePooling2D()]),
    "Conv2D, 4 groups": (IMAGE, lambda: [L.Conv2D(32, 3, groups=4), L.GlobalAveragePooling2D()]),
    "Conv2D of one channel": ((28, 28, 1), lambda: [L.Conv2D(32, 3), L.GlobalAveragePooling2D()]),
    "Conv2D, two deep": (IMAGE, lambda: [L.Conv2D(16, 3), L.Conv2D(16, 3), L.GlobalAveragePooling2D()]),
    "DepthwiseConv2D": (IMAGE, lambda: [L.Conv2D(8, 1), L.DepthwiseConv2D(3), L.GlobalAveragePooling2D()]),
    "SeparableConv2D": (IMAGE, lambda: [L.Conv2D(8, 1), L.SeparableConv2D(32, 3), L.GlobalAveragePooling2D()]),
    "Conv2DTranspose": (IMAGE, lambda: [L.Conv2D(8, 1), L.Conv2DTranspose(8, 3, 2), L.GlobalAveragePooling2D()]),
    "Conv3D": (VOLUME, lambda: [L.Conv3D(16, 3, activation="relu"), L.GlobalAveragePooling3D()]),
    "MaxPooling2D": (IMAGE, lambda: [L.Conv2D(8, 1), L.MaxPooling2D(), L.Flatten()]),
    "MaxPooling2D, overlapping": (IMAGE, lambda: [L.Conv2D(8, 1), L.MaxPooling2D(3, 2, "same"), L.Flatten()]),
    "MaxPooling2D 6x6": (IMAGE, lambda: [L.Conv2D(8, 1), L.MaxPooling2D(6), L.Flatten()]),
    "AveragePooling2D": (IMAGE, lambda: [L.Conv2D(8, 1), L.AveragePooling2D(2), L.Flatten()]),
    "UpSampling2D": (IMAGE, lambda: [L.Conv2D(8, 1), L.UpSampling2D(), L.GlobalMaxPooling2D()]),
    "UpSampling2D, bilinear": (
        IMAGE,
        lambda: [L.Conv2D(8, 1), L.UpSampling2D(interpolation="bilinear"), L.GlobalMaxPooling2D()],
    ),
    "Embedding": (WORDS, lambda: [L.Embedding(1000, 32), L.GlobalAveragePooling1D()]),
    "SimpleRNN": (SEQUENCE, lambda: [L.SimpleRNN(32)]),
    "LSTM": (SEQUENCE, lambda: [L.LSTM(32)]),
    "GRU, both ways": (SEQUENCE, lambda: [L.Bidirectional(L.GRU(32))]),
    "Attention": (SEQUENCE, lambda: [Attends(), L.Flatten()]),
}


class Attends(L.Layer):  # type: ignore[misc]
    """Self-attention, for a Sequential model."""

    def build(self, shape: tuple[int, ...]) -> None:
        """Two heads of 16 units."""
        self.attention = L.MultiHeadAttention(2, 16)
        self.attention.build(shape, shape)

    def call(self, x: Any) -> Any:
        """Attend to the sequence itself."""
        return self.attention(x, x)


def model_of(shape: tuple[int, ...], make: Callable[[], list[Any]]) -> keras.Model:
    """A model of these layers and ten classes."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(shape), *make(), L.Dense(10, "softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def measure(shape: tuple[int, ...], make: Callable[[], list[Any]]) -> dict[str, list[float]]:
    """Seconds per epoch with each `fit`."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 1000, (N, *shape)) if shape == WORDS else rng.random((N, *shape), dtype=np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, N)]
    ours, theirs = model_of(shape, make), model_of(shape, make)
    ways = {"tendigits": partial(tendigits.fit, ours), "keras": theirs.fit}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(1 + TURNS):
        for name, way in ways.items():
            clock = Clock()
            way(x, y, batch_size=BATCH, epochs=1 + EPOCHS, verbose=0, callbacks=[clock])
            if turn:
                seconds[name] += clock.seconds[1:]
    return seconds


class Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Seconds of each epoch."""

    def on_train_begin(self, logs: Any = None) -> None:
        """The first starts."""
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """One starts."""
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """One has ended."""
        self.seconds.append(time.perf_counter() - self.started)


def main() -> None:
    """Measure, save and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name has this; nothing is kept")
    given = parser.parse_args()
    cases = {}
    for name, (shape, make) in CASES.items():
        if given.only.lower() in name.lower():
            cases[name] = measure(shape, make)
            print(row(name, cases[name]), flush=True)
    if given.only:
        return
    settings = {"n": N, "batch": BATCH, "turns": TURNS, "epochs": EPOCHS}
    record = {"machine": describe_environment(), "load": os.getloadavg(), "settings": settings, "cases": cases}
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    rows = [row(name, seconds) for name, seconds in cases.items()]
    head = "| layer | tendigits.fit, ms | model.fit, ms | ratio |\n| :--- | ---: | ---: | ---: |"
    replace_between(README, BEGIN, END, "\n".join([head, *rows]))


def row(name: str, seconds: dict[str, list[float]]) -> str:
    """A line of the table: medians and their ratio."""
    ours, theirs = (statistics.median(seconds[way]) for way in ("tendigits", "keras"))
    return f"| {name} | {ours * 1e3:.0f} | {theirs * 1e3:.0f} | {ours / theirs:.2f} |"


if __name__ == "__main__":
    main()
