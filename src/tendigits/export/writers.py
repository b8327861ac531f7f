"""How ONNX, Keras' own formats and StableHLO are written, and loaded by their runtimes; for LiteRT see litert.py.

onnxruntime.InferenceSession("model.onnx").run(None, {"image": images})             # what most runtimes read
keras.models.load_model("model.keras")                                              # Keras on any backend, also .h5
jax.export.deserialize(Path("model.stablehlo").read_bytes()).call(images)           # JAX alone, on CPU, GPU or TPU
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from tendigits.digits.runtime import OnnxNetwork
from tendigits.export.source import Source
from tendigits.model.file import add_metadata, quiet_keras
from tendigits.model.onnx import to_onnx
from tendigits.model.quantize import quantize

CALIBRATION_BATCH = 100  # samples that the ONNX quantizer runs at once
KERAS_METADATA = "tendigits_about"  # key in the metadata of a .keras file, or in the attributes of an .h5 file
STABLEHLO_METADATA = "tendigits.about"  # attribute of the module with the metadata, as JSON


def write_onnx(source: Source, path: Path, samples: np.ndarray | None = None) -> None:
    """Write the network as float32, or with int8 weights and activations, whose ranges are measured on `samples`."""
    data = to_onnx(source.model, source.metadata, source.output)
    if samples is not None:
        data = quantize(data, np.array_split(samples, max(1, len(samples) // CALIBRATION_BATCH)))
    path.write_bytes(data)


def load_onnx(path: Path) -> OnnxNetwork:
    """The file as a function from float32 (n, ...) to float32 (n, labels)."""
    return OnnxNetwork(path.read_bytes(), path.name)


def write_keras(source: Source, path: Path) -> None:
    """Write the network in the format of the suffix, without the optimizer's state and so a third of the size."""
    model = type(source.model).from_config(source.model.get_config())  # a copy that is not compiled
    model.set_weights(source.model.get_weights())
    with quiet_keras():
        model.save(path)
    if path.suffix == ".keras":
        add_metadata(path, {KERAS_METADATA: source.metadata})
    else:
        with h5py.File(path, "a") as root:
            root.attrs[KERAS_METADATA] = json.dumps(source.metadata)


def load_keras(path: Path) -> Any:
    """The file as a function from float32 (n, ...) to float32 (n, labels)."""
    with quiet_keras():
        model = keras.models.load_model(path, safe_mode=True)

    def predict(images: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict(images, batch_size=1000, verbose=0) if len(images) > 1 else model(images))

    return predict


def write_stablehlo(source: Source, path: Path) -> None:
    """Write a portable program for any batch size, with its metadata, that later versions of JAX load."""
    from jax.extend.mlir import serialize_portable_artifact
    from jax.extend.mlir.dialects import stablehlo
    from jax.interpreters.mlir import ir, make_ir_context

    exported = source.lowered(batch=None)
    weeks = stablehlo.StablehloCompatibilityRequirement.WEEK_12  # as for JAX's exports
    version = stablehlo.get_version_from_compatibility_requirement(weeks)
    with make_ir_context():
        module = ir.Module.parse(exported.mlir_module())
        module.operation.attributes[STABLEHLO_METADATA] = ir.StringAttr.get(json.dumps(source.metadata))
        data = serialize_portable_artifact(str(module), version)
    path.write_bytes(replace(exported, mlir_module_serialized=data).serialize())


def load_stablehlo(path: Path) -> Any:
    """The file as a function from float32 (n, ...) to float32 (n, labels)."""
    from jax import export

    exported = export.deserialize(bytearray(path.read_bytes()))
    return lambda images: np.asarray(exported.call(images))
