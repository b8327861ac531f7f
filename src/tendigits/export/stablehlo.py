"""`--to stablehlo`: a portable program that later versions of JAX load without Keras, on CPU, GPU or TPU.

jax.export.deserialize(Path("model.stablehlo").read_bytes()).call(images)
"""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from tendigits.export.source import Source

if TYPE_CHECKING:
    from jax.export import Exported

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
METADATA = "tendigits.about"  # attribute of the module with the metadata, as JSON


def lower(source: Source, batch: int | None, platforms: tuple[str, ...] = PLATFORMS) -> "Exported":
    """The network as a StableHLO module with its weights as constants, for `batch` digits; None for any number."""
    from jax import export

    n: Any = export.symbolic_shape("n")[0] if batch is None else batch

    def predict(image: Any) -> Any:
        return source.model(image, training=False)

    predict.__name__ = source.output
    return export.export(jax.jit(predict), platforms=platforms)(jax.ShapeDtypeStruct((n, *source.shape), np.float32))


def write(source: Source, path: Path) -> None:
    """Write the network for any batch size, with its metadata."""
    from jax.extend.mlir import serialize_portable_artifact
    from jax.extend.mlir.dialects import stablehlo
    from jax.interpreters.mlir import ir, make_ir_context

    exported = lower(source, batch=None)
    weeks = stablehlo.StablehloCompatibilityRequirement.WEEK_12  # as for JAX's exports
    version = stablehlo.get_version_from_compatibility_requirement(weeks)
    with make_ir_context():
        module = ir.Module.parse(exported.mlir_module())
        module.operation.attributes[METADATA] = ir.StringAttr.get(json.dumps(source.metadata))
        data = serialize_portable_artifact(str(module), version)
    path.write_bytes(dataclasses.replace(exported, mlir_module_serialized=data).serialize())


def load(path: Path) -> Any:
    """The file as a function from float32 (n, ...) to float32 (n, labels)."""
    from jax import export

    exported = export.deserialize(bytearray(path.read_bytes()))
    return lambda images: np.asarray(exported.call(images))
