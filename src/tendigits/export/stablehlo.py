"""`--to stablehlo`: a portable program that later versions of JAX load without Keras, on CPU, GPU or TPU.

jax.export.deserialize(Path("model.stablehlo").read_bytes()).call(images)
"""

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from tendigits.errors import ModelFileError
from tendigits.export.source import Source

if TYPE_CHECKING:
    from jax.export import Exported

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")

METADATA = "tendigits.about"
"""Attribute of the module with the metadata, as JSON."""


def lower(source: Source, batch: int | None, platforms: tuple[str, ...] = PLATFORMS) -> "Exported":
    """The network as a StableHLO module with its weights as constants.

    Args:
        batch: number of digits; None for any number.
    """
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

    exported = lower(source, batch=None)
    metadata = json.dumps(json.dumps(source.metadata, ensure_ascii=True))
    text = re.sub(
        r"^module @\S+ attributes \{", lambda found: f"{found[0]}{METADATA} = {metadata}, ",
        exported.mlir_module(), count=1, flags=re.MULTILINE,
    )  # fmt: skip
    weeks = stablehlo.StablehloCompatibilityRequirement.WEEK_12  # as for JAX's exports
    version = stablehlo.get_version_from_compatibility_requirement(weeks)
    module = serialize_portable_artifact(text, version)
    path.write_bytes(dataclasses.replace(exported, mlir_module_serialized=module).serialize())


def load(path: Path) -> Any:
    """The file as a function from float32 (n, ...) to float32 (n, labels)."""
    exported = _deserialize(path)
    return lambda images: np.asarray(exported.call(images))


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata in a StableHLO file. Raises ModelFileError if it has none."""
    found = re.search(rf'{re.escape(METADATA)} = ("(?:[^"\\]|\\.)*")', _deserialize(path).mlir_module())
    if found is None:
        raise ModelFileError(f"expected a file that tendigits exported, {path} has no metadata")
    return dict(json.loads(re.sub(r"\\(\\|[0-9A-F]{2})", _unescape, found[1][1:-1])))


def _deserialize(path: Path) -> "Exported":
    from jax import export

    return export.deserialize(bytearray(path.read_bytes()))


def _unescape(code: re.Match[str]) -> str:
    """Decode an escape of MLIR: a backslash and two hexadecimal digits, or two backslashes."""
    return "\\" if code[1] == "\\" else chr(int(code[1], 16))
