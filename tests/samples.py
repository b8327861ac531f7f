"""Records, data files, corrections and networks that several tests use."""

import gzip
import signal
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tendigits.data.dataset import ARRAYS
from tendigits.digits.network import bundled_file
from tendigits.errors import DataError
from tendigits.numbers.network import bundled_file as bundled_numbers_file
from tendigits.teach.store import Correction, NumberCorrection

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RECORD = {
    "format": 2, "status": "running", "created": "2026-11-25T12:00:00+00:00", "resumed": [], "seed": 0,
    "data": {"name": "MNIST", "source": "the tendigits package", "path": None, "sha256": {}},
    "machine": {"python": "3.11", "versions": {"keras": "3.15.1"}}, "git": None, "durations": {}, "parameters": 0,
}  # fmt: skip
"""What run.json holds when a training begins."""


def idx_bytes(array: Any) -> bytes:
    """An array as an IDX file."""
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def write_idx(folder: Path, arrays: dict[str, Any], *, separator: str = "-", ending: str = "") -> None:
    """Write MNIST's four files, the name's separator and ending as asked."""
    for key in ARRAYS:
        stem = f"{'train' if key.endswith('train') else 't10k'}-{'images' if key.startswith('x') else 'labels'}"
        data = idx_bytes(arrays[key])
        path = folder / f"{stem}{separator}idx{arrays[key].ndim}-ubyte{ending}"
        path.write_bytes(gzip.compress(data) if ending else data)


@contextmanager
def full_disk(limit: int = 0) -> Iterator[None]:
    """A limit on file sizes, in bytes, stops a write like a full disk, but at a known byte."""
    resource = pytest.importorskip("resource", reason="a full disk is emulated by a limit of POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def peak_while_refusing(read: Callable[[], Any]) -> tuple[int, str]:
    """Bytes of memory that a DataError took, and its message, which is one line."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    return peak, str(caught.value)


def correction(crop: Any, label: int | None = 3, **changes: Any) -> Correction:
    values = {"predicted": 5, "source": "draw", "network": "0" * 64, "created": NOW} | changes
    return Correction(np.asarray(crop, np.uint8), label, **values)


def number(strip: Any, text: str, **changes: Any) -> NumberCorrection:
    values = {"predicted": "5", "source": "picture", "network": "0" * 64, "created": NOW} | changes
    return NumberCorrection(strip, text, **values)


def changed(factor: float) -> bytes:
    """The package's network with its last layer's weights multiplied."""
    return multiplied(bundled_file(), factor)


def changed_numbers(factor: float) -> bytes:
    """The package's network for numbers with its last layer's weights multiplied."""
    return multiplied(bundled_numbers_file(), factor)


def multiplied(data: bytes, factor: float) -> bytes:
    file = onnx.load_from_string(data)
    last = [node for node in file.graph.node if node.op_type in ("Conv", "Gemm")][-1]
    (weights,) = (constant for constant in file.graph.initializer if constant.name == last.input[1])
    value = onnx.numpy_helper.to_array(weights) * np.float32(factor)
    weights.CopyFrom(onnx.numpy_helper.from_array(value, weights.name))
    return file.SerializeToString()
