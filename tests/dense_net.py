"""A network in dense.c without Keras around it, for tests."""

import os
import runpy
from itertools import pairwise
from pathlib import Path

import numpy as np

from tendigits.engine import kernel

ROOT = Path(__file__).parent.parent
# Zig builds the C library anew, half a minute, for a home that is new; it may take what `make setup` has left.
os.environ["ZIG_GLOBAL_CACHE_DIR"] = str(Path("~/.cache/zig").expanduser())
BUILD = runpy.run_path(str(ROOT / "hatch_build.py"))
LEVELS = ["", *(f"_v{n}" for n in (3, 4) if n <= kernel.load_library("").dense_level())]  # that this processor has
ACTIVATIONS = ["linear", "relu", "tanh", "sigmoid"]
OPTIMIZERS = {"sgd": (0, 0.01, 0.9, 0, 0), "adam": (1, 0.001, 0.9, 0.999, 1e-7), "rmsprop": (2, 0.001, 0.9, 0, 1e-7)}


class DenseNet:
    """Its weights and moments as float32 (inputs + 1, units) of each layer, with the biases in the last row."""

    def __init__(self, library, widths, activation, optimizer, *, dropout=0.0, batch=32, threads=1):
        self.library, self.widths, self.keys = library, np.array(widths, np.int32), None
        layers = len(widths) - 1
        activations = np.full(layers, ACTIVATIONS.index(activation), np.int32)
        self.memory = kernel._aligned(library.dense_bytes(layers, self.widths, batch) // 4)
        rates = np.full(layers, dropout, np.float32)
        self.net = library.dense_init(self.memory, layers, self.widths, activations, rates, batch, threads)
        library.dense_optimizer(self.net, *OPTIMIZERS[optimizer])
        library.dense_glorot(self.net, 1)
        self.keys = np.array([[seed, 0] for seed in range(layers)], np.uint32)

    def train(self, x, labels, n, *, rows=None, steps=1, first=0):
        """Returns the error, the sum of the losses and the number of right answers."""
        rows = np.arange(steps * n, dtype=np.int32) if rows is None else rows
        sums, call = np.zeros(2, np.float32), (rows, len(x), steps, n, first)
        self.keys[:, 1] = first
        error = self.library.dense_train(self.net, x, 0, labels, *call, self.keys, sums)
        return error, *sums

    def part(self, part):
        """0: weights, 1 and 2: first and second moments."""
        found = []
        for layer, (inputs, units) in enumerate(pairwise(self.widths)):
            values = np.empty((inputs + 1, units), np.float32)
            self.library.dense_copy(self.net, layer, part, values[:-1], values[-1], 0)
            found.append(values)
        return found

    def scale_weights(self, factor):
        """Multiply them, so that units and probabilities saturate."""
        for layer, values in enumerate(self.part(0)):
            self.library.dense_copy(self.net, layer, 0, factor * values[:-1], factor * values[-1], 1)

    def everything(self):
        """Weights and moments, as bytes."""
        return b"".join(values.tobytes() for part in range(3) for values in self.part(part))


def examples(n, inputs, classes):
    """Inputs of which most are zero, and labels."""
    rng = np.random.default_rng(0)
    x = rng.random((n, inputs), np.float32) * (rng.random((n, inputs)) < 0.3)
    return x, rng.integers(0, classes, n).astype(np.uint8)
