"""The kernel's tests on libraries that stop at the first access outside of an array, or at undefined behaviour."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dense_net import BUILD

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parent.parent
LEVELS = {"": "x86-64", "_v3": "x86-64-v3", "_v4": "x86-64-v4"}
# gcc, whose sanitizers work in a library that Python loads, has another function for roots than clang.
ROOT = "({ V r = (x); EACH(i, LANES) r[i] = __builtin_sqrtf(r[i]); r; })"
GCC = (
    "gcc", "-O1", "-g", "-std=gnu11", "-ffp-contract=fast", "-fno-strict-aliasing", "-shared", "-fPIC", "-pthread",
    "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Wno-unknown-pragmas",
    f"-D__builtin_elementwise_sqrt(x)={ROOT}",
)  # fmt: skip
# The row behind the last one: farther away there may be another array, whose memory may be read.
TOO_FAR = """
import numpy as np, sanitized
from dense_net import LEVELS, DenseNet, kernel
net = DenseNet(kernel.load_library(LEVELS[-1]), (50, 33, 7), "relu", "adam")
sums, rows, labels = np.zeros(2, np.float32), np.array([8], np.int32), np.zeros(2000, np.uint8)
net.library.dense_train(net.net, np.zeros((8, 50), np.float32), 0, labels, rows, 2000, 1, 1, 0, net.keys, sums)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Of processes that load the libraries with sanitizers."""
    folder = tmp_path_factory.mktemp("sanitized")
    for level, machine in LEVELS.items():
        command = [*GCC, f"-march={machine}", "-o", str(folder / f"dense{level}.so"), str(BUILD["SOURCE"])]
        subprocess.run(command, check=True)
    found = [
        subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
        for name in ("libasan.so", "libstdc++.so.6")
    ]  # fmt: skip
    return os.environ | {
        "LD_PRELOAD": " ".join(found), "ASAN_OPTIONS": "detect_leaks=0", "SANITIZED": str(folder),
        "PYTHONPATH": str(TESTS), "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }  # fmt: skip


def test_they_stop_at_a_row_that_is_not_there(environment):
    done = subprocess.run([sys.executable, "-c", TOO_FAR], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "ERROR: AddressSanitizer" in done.stderr


@pytest.mark.parametrize("name", ["test_dense", "test_kernel", "test_interrupts"])
def test_they_find_nothing(environment, name):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "sanitized", str(Path(__file__).with_name(f"{name}.py"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
