"""The fast steps of dense.c against its plain one, for each processor's library; and in WebAssembly."""

import ctypes
import json
import runpy
import struct
import subprocess
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tendigits.engine import kernel

ROOT = Path(__file__).parent.parent.parent
WASM = files("tendigits") / "web" / "page" / "play" / "play.wasm"
LAYERS, WIDTHS, N, RATE = 3, np.array([50, 33, 20, 7], np.int32), 27, 0.5

LEVEL = kernel.load_library("").dense_level()  # of this processor; built by: python hatch_build.py


@pytest.mark.parametrize("activation", kernel.ACTIVATIONS)
@pytest.mark.parametrize("level", ["", *(f"_v{level}" for level in (3, 4) if level <= LEVEL)])
def test_a_fast_step_equals_the_plain_one(level, activation):
    library = kernel.load_library(level)
    rng = np.random.default_rng(0)
    x = rng.random((N, 50), np.float32) * (rng.random((N, 50)) < 0.3)
    labels = rng.integers(0, 7, N).astype(np.uint8)
    weights = [np.float32(rng.normal(0, 0.2, (a, b))) for a, b in pairwise(WIDTHS)]
    biases = [np.float32(rng.normal(0, 0.2, n)) for n in WIDTHS[1:]]
    activations = np.full(LAYERS, kernel.ACTIVATIONS.index(activation), np.int32)

    def address(array):
        return ctypes.c_void_p(array.ctypes.data)

    memory = np.empty(library.dense_bytes(LAYERS, address(WIDTHS), N) + 64, np.uint8)
    memory = memory[-memory.ctypes.data % 64 :]
    settings = map(address, (WIDTHS, activations, np.zeros(LAYERS, np.float32)))
    net = library.dense_init(address(memory), LAYERS, *settings, N, 1)
    library.dense_optimizer(net, 0, RATE, 0, 0, 0)
    for i, both in enumerate(zip(weights, biases, strict=True)):
        library.dense_copy(net, i, 0, *map(address, both), 1)
    sums, keys = np.zeros(2, np.float32), np.zeros((LAYERS, 2), np.uint32)
    library.dense_train(net, address(x), 0, address(labels), None, 1, N, 0, address(keys), address(sums), 0)
    found = [(np.empty_like(w), np.empty_like(b)) for w, b in zip(weights, biases, strict=True)]
    for i, both in enumerate(found):
        library.dense_copy(net, i, 0, *map(address, both), 0)

    before = [w.copy() for w in weights]
    outputs, gradients = (
        [x, *(np.empty((N, n), np.float32) for n in WIDTHS[1:])],
        [np.empty((N, n), np.float32) for n in WIDTHS],
    )

    def addresses(arrays):
        return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))

    lists = (addresses(arrays) for arrays in ([x, *weights], [x, *biases], outputs, gradients))
    library.dense_plain_step(
        LAYERS, address(WIDTHS), address(activations), *lists, address(labels), N, ctypes.c_float(RATE)
    )  # fmt: skip
    for (w, b), plain, bias, start in zip(found, weights, biases, before, strict=True):
        assert np.abs(plain - start).max() > 1e-3
        np.testing.assert_allclose(w, plain, atol=1e-6)
        np.testing.assert_allclose(b, bias, atol=1e-6)


def test_webassembly_learns_digits(digits):
    n = 4000
    sent = struct.pack("<I", n) + digits.x_train[:n].tobytes() + digits.y_train[:n].tobytes()
    script = Path(__file__).parent / "dense_example.mjs"
    done = subprocess.run(["node", script, str(WASM)], input=sent, capture_output=True, check=True)
    assert json.loads(done.stdout)["accuracy"] > 0.85


@pytest.mark.slow
def test_play_wasm_is_what_the_compiler_makes_of_dense_c(tmp_path):
    runpy.run_path(str(ROOT / "hatch_build.py"))["compile_wasm"](tmp_path / "play.wasm")
    assert (tmp_path / "play.wasm").read_bytes() == WASM.read_bytes(), "python hatch_build.py wasm"
