"""`--to litert`: for phones, microcontrollers and browsers; what was called TensorFlow Lite, without TensorFlow.

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
from tendigits.export.lowered import lowered
from tendigits.export.source import Source

Array = np.ndarray[Any, Any]

SIGNATURE = "serving_default"
ABOUT = "tendigits"
"""The name of the metadata, JSON, in the file's own table of metadata."""


def write(source: Source, path: Path) -> None:
    """Write the network with float32 weights."""
    path.write_bytes(_finished(_converted(source), source.about))


def write_int8(source: Source, path: Path, samples: Array) -> None:
    """Write the network with weights and activations of 8 bits, in the ranges that `samples` show.

    Input and output stay float32, so that a program need not know.
    """
    from ai_edge_quantizer import Quantizer, qtyping, recipe
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    quantizer = Quantizer(_converted(source), recipe.static_wi8_ai8())
    for end in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
        quantizer.update_quantization_recipe(".*", end, algorithm_key=AlgorithmName.NO_QUANTIZE)
    with _quiet():
        ranges = quantizer.calibrate({SIGNATURE: [{"image": sample[None]} for sample in samples]}, num_threads=1)
        coarse = quantizer.quantize(ranges, enable_progress_report=False).quantized_model
    path.write_bytes(_finished(bytes(coarse), source.about))


def _converted(source: Source) -> bytes:
    """The flatbuffer for one digit at a time, from the StableHLO of JAX."""
    text = lowered(source, batch=1, platforms=("cpu",)).mlir_module()
    with _quiet():
        from litert_converter import converter_api_ext as converter
        from litert_converter.mlir import ir, passmanager

        context = ir.Context()
        converter.prepare_mlir_context(context)
        with context, ir.Location.unknown():
            module = ir.Module.parse(text)
            converter.set_signature(module.operation, SIGNATURE, ["image"], [source.output])
            converter.run_convert_to_tfl_passes(module, passmanager.PassManager(), converter.ConvertToTFLConfig())
            data: bytes = converter.export_flatbuffer_to_bytes(module.operation)
    return data


def _finished(data: bytes, about: dict[str, str]) -> bytes:
    """The flatbuffer for any number of digits at once, with the metadata in it.

    Converted for any number from the start, every layer measures its input first, and convolutions are not fused with
    what follows them. Here only what says "one" is made to say "as many as come".
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for constant in model.buffers:
        if constant.size:  # the quantizer puts large ones behind the table, which is packed anew below
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
                _let_any_number_through(model, graph.tensors[operator.inputs[1]].buffer, operator)
    model.metadata = [*(model.metadata or []), schema.MetadataT()]
    model.metadata[-1].name, model.metadata[-1].buffer = ABOUT, len(model.buffers)
    model.buffers.append(schema.BufferT())
    model.buffers[-1].data = np.frombuffer(json.dumps(about).encode(), np.uint8)
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _let_any_number_through(model: Any, buffer: int, operator: Any) -> None:
    """Make the constant shape of a reshaping begin with -1 in place of 1."""
    shape = np.frombuffer(bytes(model.buffers[buffer].data), np.int32).copy()
    if shape[0] not in (1, -1) or (shape[1:] < 0).any():
        raise UserError(f"expected layers that treat each digit alone, one reshapes to {shape.tolist()}; try onnx")
    shape[0] = -1
    model.buffers[buffer].data = np.frombuffer(shape.tobytes(), np.uint8)
    if operator.builtinOptions is not None:
        operator.builtinOptions.newShape = shape


def open_(path: Path) -> Any:
    """What answers for float32 (n, ...) as the file says."""
    from ai_edge_litert.interpreter import Interpreter

    with _quiet():
        interpreter = Interpreter(model_content=path.read_bytes(), num_threads=os.cpu_count())
        interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()

    def answer(images: Array) -> Array:
        if tuple(interpreter.get_input_details()[0]["shape"]) != images.shape:
            interpreter.resize_tensor_input(given["index"], images.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], images)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(made["index"]))

    return answer


def about(path: Path) -> dict[str, str]:
    """The metadata in such a file."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    names = [entry.name.decode() for entry in model.metadata]
    entry = model.metadata[names.index(ABOUT)]
    facts: dict[str, str] = json.loads(bytes(model.buffers[entry.buffer].data))
    return facts


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what these libraries tell their own developers, from C++ and by a bar, off a person's screen."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
