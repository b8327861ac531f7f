"""`--to onnx`: the format that most runtimes read, with one or two standard operators per layer.

onnxruntime.InferenceSession("model.onnx").run(None, {"image": images})
"""

from pathlib import Path

import numpy as np

from tendigits.digits.runtime import OnnxNetwork
from tendigits.export.source import Source
from tendigits.model.onnx import to_onnx
from tendigits.model.quantize import quantize

CALIBRATION_BATCH = 100  # samples that the quantizer runs at once


def write(source: Source, path: Path, samples: np.ndarray | None = None) -> None:
    """Write the network as float32, or with int8 weights and activations, whose ranges are measured on `samples`."""
    data = to_onnx(source.model, source.metadata, source.output)
    if samples is not None:
        data = quantize(data, np.array_split(samples, max(1, len(samples) // CALIBRATION_BATCH)))
    path.write_bytes(data)


def load(path: Path) -> OnnxNetwork:
    """The file as a function from float32 (n, ...) to float32 (n, labels)."""
    return OnnxNetwork(path.read_bytes(), path.name)
