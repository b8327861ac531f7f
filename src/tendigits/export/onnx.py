"""`--to onnx`: the format that most runtimes read, with as few and as plain operators as the network has layers.

onnxruntime.InferenceSession("model.onnx").run(None, {"image": images})
"""

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from tendigits.export.source import Source
from tendigits.model.onnx import to_onnx


def write(source: Source, path: Path) -> None:
    """Write the network as float32."""
    path.write_bytes(to_onnx(source.model, source.metadata, source.output))


def write_int8(source: Source, path: Path, samples: np.ndarray) -> None:
    """Write the network with int8 weights and activations, in the ranges that `samples` have.

    The final softmax stays float32: that costs nothing, and int8 is too coarse for it.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Samples(CalibrationDataReader):  # type: ignore[misc]
        batches = iter(np.array_split(samples, max(1, len(samples) // 100)))

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.batches, None)
            return None if batch is None else {"image": batch}

    with tempfile.TemporaryDirectory() as folder:
        float32, int8 = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        write(source, float32)
        logging.disable(logging.WARNING)  # it advises to fold the normalisation into the layers, which is done already
        try:
            quantize_static(
                float32, int8, Samples(), quant_format=QuantFormat.QDQ, per_channel=True,
                op_types_to_quantize=["Conv", "Gemm", "MatMul", "MaxPool"],
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            )  # fmt: skip
        finally:
            logging.disable(logging.NOTSET)
        model = onnx.load(int8)
    del model.metadata_props[:]
    helper.set_model_props(model, source.metadata)
    path.write_bytes(model.SerializeToString())


def load(path: Path) -> Any:
    """The file as a function from float32 (n, ...) to float32 (n, labels)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    return lambda images: np.asarray(session.run(None, {"image": images})[0])


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata in an ONNX file."""
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}
