"""`--to onnx`: the format that most runtimes read, with one or two standard operators per layer.

onnxruntime.InferenceSession("model.onnx").run(None, {"image": images})
"""

from pathlib import Path
from typing import Any

import numpy as np

from tendigits.export.source import Source
from tendigits.model.onnx import to_onnx
from tendigits.model.quantize import quantize

CALIBRATION_BATCH = 100  # samples that the quantizer runs at once


def write(source: Source, path: Path) -> None:
    """Write the network as float32."""
    path.write_bytes(to_onnx(source.model, source.metadata, source.output))


def write_int8(source: Source, path: Path, samples: np.ndarray) -> None:
    """Write the network with int8 weights and activations, whose ranges are measured on `samples`."""
    batches = np.array_split(samples, max(1, len(samples) // CALIBRATION_BATCH))
    path.write_bytes(quantize(to_onnx(source.model, source.metadata, source.output), batches))


def load(path: Path) -> Any:
    """The file as a function from float32 (n, ...) to float32 (n, labels)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    return lambda images: np.asarray(session.run(None, {"image": images})[0])
