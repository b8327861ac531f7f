"""`--to litert`: for phones, microcontrollers and browsers (formerly TensorFlow Lite), written without TensorFlow.

ai_edge_litert.interpreter.Interpreter("model.tflite")
"""

import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tendigits.errors import UserError
from tendigits.export.source import Source
from tendigits.files import muted

SIGNATURE = "serving_default"
METADATA = "tendigits"  # name of our JSON in the file's metadata table


def write(source: Source, path: Path, samples: np.ndarray | None = None) -> None:
    """Write the network as float32, or with int8 weights and activations, whose ranges are measured on `samples`."""
    data = _convert(source)
    path.write_bytes(_finish(data if samples is None else _quantized(data, samples), source.metadata))


def _quantized(data: bytes, samples: np.ndarray) -> bytes:
    """In int8. Input and output stay float32, so that programs can use it like the float32 export."""
    from ai_edge_quantizer import Quantizer, qtyping, recipe
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    quantizer = Quantizer(data, recipe.static_wi8_ai8())
    for end in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
        quantizer.update_quantization_recipe(".*", end, algorithm_key=AlgorithmName.NO_QUANTIZE)
    with _quiet():
        ranges = quantizer.calibrate({SIGNATURE: [{"image": sample[None]} for sample in samples]}, num_threads=1)
        return bytes(quantizer.quantize(ranges, enable_progress_report=False).quantized_model)


def _convert(source: Source) -> bytes:
    """The flatbuffer for one digit at a time, from JAX's StableHLO."""
    text = source.lowered(batch=1, platforms=("cpu",)).mlir_module()
    with _quiet():
        from litert_converter import converter_api_ext as converter
        from litert_converter.mlir import ir, passmanager

        context = ir.Context()
        converter.prepare_mlir_context(context)
        with context, ir.Location.unknown():
            module = ir.Module.parse(text)
            converter.set_signature(module.operation, SIGNATURE, ["image"], [source.output])
            converter.run_convert_to_tfl_passes(module, passmanager.PassManager(), converter.ConvertToTFLConfig())
            return bytes(converter.export_flatbuffer_to_bytes(module.operation))


def _finish(data: bytes, metadata: dict[str, str]) -> bytes:
    """The flatbuffer for any batch size, with the metadata in it.

    A conversion with a dynamic batch would compute shapes at run time in every layer and would not fuse convolutions
    with their activations. So a batch of 1 is converted, and only the shapes are changed here.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for constant in model.buffers:
        if constant.size:  # the quantizer appends large constants to the file; move them into the model
            constant.data = np.frombuffer(data[constant.offset : constant.offset + constant.size], np.uint8)
            constant.offset = constant.size = 0
    kinds = [code.builtinCode for code in model.operatorCodes]
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            constant = model.buffers[tensor.buffer].data is not None
            if not constant and tensor.shape is not None and len(tensor.shape) and tensor.shape[0] == 1:
                tensor.shapeSignature = np.array([-1, *tensor.shape[1:]], np.int32)
        for operator in graph.operators:
            if kinds[operator.opcodeIndex] == schema.BuiltinOperator.RESHAPE:
                _make_batch_dynamic(model, graph.tensors[operator.inputs[1]].buffer, operator)
    model.metadata = [*(model.metadata or []), schema.MetadataT()]
    model.metadata[-1].name, model.metadata[-1].buffer = METADATA, len(model.buffers)
    model.buffers.append(schema.BufferT())
    model.buffers[-1].data = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _make_batch_dynamic(model: Any, buffer: int, reshape: Any) -> None:
    shape = np.frombuffer(bytes(model.buffers[buffer].data), np.int32).copy()
    if shape[0] not in (1, -1) or (shape[1:] < 0).any():
        raise UserError(f"expected layers that treat each digit alone, one reshapes to {shape.tolist()}; try onnx")
    shape[0] = -1
    model.buffers[buffer].data = np.frombuffer(shape.tobytes(), np.uint8)
    if reshape.builtinOptions is not None:
        reshape.builtinOptions.newShape = shape


def load(path: Path) -> Any:
    """The file as a function from float32 (n, ...) to float32 (n, labels)."""
    from ai_edge_litert.interpreter import Interpreter

    with _quiet():
        interpreter = Interpreter(model_content=path.read_bytes(), num_threads=os.cpu_count())
        interpreter.allocate_tensors()
    (image,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()

    def predict(images: np.ndarray) -> np.ndarray:
        if tuple(interpreter.get_input_details()[0]["shape"]) != images.shape:
            interpreter.resize_tensor_input(image["index"], images.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(image["index"], images)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(output["index"]))

    return predict


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the logs and progress bars of these libraries, some of which C++ code prints."""
    with muted(2), warnings.catch_warnings(action="ignore"):
        try:
            yield
        finally:
            sys.stderr.flush()
