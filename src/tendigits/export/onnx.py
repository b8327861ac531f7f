"""`--to onnx`: the format that most runtimes read, as few and as plain operators as the network has layers.

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

Array = np.ndarray[Any, Any]


def write(source: Source, path: Path) -> None:
    """Write the network with float32 weights."""
    path.write_bytes(to_onnx(source.model, source.about, source.output))


def write_int8(source: Source, path: Path, samples: Array) -> None:
    """Write the network with weights and activations of 8 bits, in the ranges that `samples` show.

    What makes probabilities of the last numbers stays float32: it costs nothing, and 8 bits are too coarse for it.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Samples(CalibrationDataReader):  # type: ignore[misc]
        rows = iter(np.array_split(samples, max(1, len(samples) // 100)))

        def get_next(self) -> dict[str, Array] | None:
            batch = next(self.rows, None)
            return None if batch is None else {"image": batch}

    with tempfile.TemporaryDirectory() as folder:
        plain, coarse = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        write(source, plain)
        logging.disable(logging.WARNING)  # it advises what is done already: normalisation is folded into the layers
        try:
            quantize_static(
                plain, coarse, Samples(), quant_format=QuantFormat.QDQ, per_channel=True,
                op_types_to_quantize=["Conv", "Gemm", "MatMul", "MaxPool"],
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            )  # fmt: skip
        finally:
            logging.disable(logging.NOTSET)
        model = onnx.load(coarse)
    del model.metadata_props[:]
    helper.set_model_props(model, source.about)
    path.write_bytes(model.SerializeToString())


def open_(path: Path) -> Any:
    """What answers for float32 (n, ...) as the file says."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])

    def answer(images: Array) -> Array:
        return np.asarray(session.run(None, {"image": images})[0])

    return answer


def about(path: Path) -> dict[str, str]:
    """The metadata in such a file."""
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}
