"""dense.c: fast steps against the plain one, for each processor and in WebAssembly; bits, rows, subnormal numbers."""

import ctypes
import hashlib
import json
import struct
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from dense_net import BUILD, LEVELS, OPTIMIZERS, DenseNet, examples
from tendigits.data.preprocess import to_input
from tendigits.engine import kernel

WASM = files("tendigits") / "web" / "page" / "play" / "play.wasm"
WIDTHS = (50, 33, 20, 7)  # nothing is a multiple of a vector's width
SMALLEST = np.float32(2**-126)  # that is not subnormal


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The library with the plain step, which users do not get."""
    path, source = tmp_path_factory.mktemp("plain") / "dense.so", Path(__file__).with_name("plain_step.c")
    BUILD["compile_library"](path, BUILD["MACHINE"], "-I.", source=str(source))
    return ctypes.CDLL(str(path))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("activation", "optimizer"),
    [("relu", "adam"), ("tanh", "sgd"), ("sigmoid", "rmsprop"), ("linear", "sgd")],
)
def test_fast_steps_equal_the_plain_ones(plain, level, activation, optimizer):
    x, labels = examples(54, WIDTHS[0], WIDTHS[-1])
    net = DenseNet(kernel.load_library(level), WIDTHS, activation, optimizer, dropout=0.3, batch=27)
    before = net.part(0)
    parts = [net.part(part) for part in range(3)]
    outputs = [np.empty((27, n), np.float32) for n in WIDTHS[1:]]
    gradients = [np.empty((27, n), np.float32) for n in WIDTHS]
    for step in range(2):
        rows = slice(27 * step, 27 * (step + 1))
        net.train(x[rows], labels[rows], 27, first=step)
        values = [[None, *weights_or_moments] for weights_or_moments in parts] + [[x[rows], *outputs], gradients]
        lists = [(ctypes.c_void_p * 4)(*(array is not None and array.ctypes.data for array in part)) for part in values]
        at = (ctypes.c_void_p(array.ctypes.data) for array in (labels[rows], net.keys))
        plain.dense_plain_step(ctypes.c_void_p(net.net), *lists, next(at), 27, next(at), step + 1)
    assert all(np.abs(after - start).max() > 1e-3 for after, start in zip(parts[0], before, strict=True))
    for part, values in enumerate(parts):
        for found, expected in zip(net.part(part), values, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=3e-6, err_msg=str(part))


def test_libraries_and_threads_give_the_same_bits():
    """Of two kinds: with and without instructions that multiply and add in one."""
    found = {}
    for level in LEVELS:
        for threads in (1, 2, 5):
            digest = hashlib.sha256()
            for optimizer, activation in zip(OPTIMIZERS, ("relu", "tanh", "sigmoid"), strict=True):
                net = DenseNet(kernel.load_library(level), WIDTHS, activation, optimizer, dropout=0.2, threads=threads)
                error, loss, right = net.train(*examples(640, WIDTHS[0], WIDTHS[-1]), 32, steps=20)
                digest.update(net.everything() + struct.pack("fff", error, loss, right))
            found.setdefault(level in ("_v3", "_v4"), set()).add(digest.digest())
    assert all(len(digests) == 1 for digests in found.values())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("hidden", [(32, 32), (32, 32, 32, 32)])
def test_no_subnormal_number_stays_in_memory(digits, hidden, activation, optimizer):
    """Moments decay where inputs are always blank; outputs and gradients vanish where weights have become large."""
    x, labels = to_input(digits.x_train[:2000]).reshape(-1, 784), digits.y_train[:2000].astype(np.uint8)
    x[:, 0] = 0.123  # where the numbers begin in memory: before it there are offsets, small integers
    net = DenseNet(kernel.load_library(LEVELS[-1]), (784, *hidden, 10), activation, optimizer)
    for epoch in range(3):
        net.train(x, labels, 2, steps=1000, first=1000 * epoch)
    for factor in (1, 100):
        net.scale_weights(factor)
        net.train(x, labels, 32)
        numbers = np.abs(net.memory[np.flatnonzero(net.memory == x[0, 0])[0] :])
        assert (numbers >= SMALLEST).sum() > 40_000
        assert ((numbers > 0) & (numbers < SMALLEST)).sum() == 0, factor


@pytest.mark.parametrize(
    ("rows", "label", "n"),
    [([0, 8], 0, 2), ([0, -1], 0, 2), ([2**31 - 1, 0], 0, 2), ([0, 1], 7, 2), (None, 0, 9), ([0] * 33, 0, 33)],
)
def test_rows_and_labels_that_are_not_there_are_refused(rows, label, n):
    x, labels = examples(8, WIDTHS[0], 7)
    labels[1] = label
    net = DenseNet(kernel.load_library(LEVELS[-1]), WIDTHS, "relu", "adam")
    before = net.everything()
    assert net.train(x, labels, n, rows=None if rows is None else np.array(rows, np.int32)) == (1, 0, 0)
    assert net.everything() == before


@pytest.mark.parametrize("wrong", [np.zeros((8, 50)), np.zeros((8, 100), np.float32)[:, ::2], None])
def test_arrays_of_another_kind_never_reach_c(wrong):
    net = DenseNet(kernel.load_library(LEVELS[-1]), WIDTHS, "relu", "adam")
    with pytest.raises((ctypes.ArgumentError, TypeError)):
        net.train(wrong, np.zeros(8, np.uint8), 8)


def test_webassembly_learns_digits_and_has_the_bits_of_the_library(digits):
    n = 4000
    sent = struct.pack("<I", n) + digits.x_train[:n].tobytes() + digits.y_train[:n].tobytes()
    script = Path(__file__).parent / "dense_example.mjs"
    done = subprocess.run(["node", script, str(WASM)], input=sent, capture_output=True, check=True)
    result = json.loads(done.stdout)
    assert result["accuracy"] > 0.85
    net = DenseNet(kernel.load_library(""), (784, 64, 64, 10), "relu", "adam", dropout=0.2)
    x = digits.x_train[:n].reshape(n, 784) * np.float32(1 / 255)
    net.train(x, digits.y_train[:n].astype(np.uint8), 32, steps=n // 32)
    assert result["weights"] == hashlib.sha256(net.part(0)[0].tobytes()).hexdigest()


@pytest.mark.slow
def test_play_wasm_is_what_the_compiler_makes_of_dense_c(tmp_path):
    BUILD["compile_wasm"](tmp_path / "play.wasm")
    assert (tmp_path / "play.wasm").read_bytes() == WASM.read_bytes(), "python hatch_build.py wasm"
