"""`--to stablehlo`: a portable artifact that any later JAX loads without Keras, on CPU, GPU or TPU.

jax.export.deserialize(Path("model.stablehlo").read_bytes()).call(images)
"""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from tendigits.errors import ModelFileError
from tendigits.export.lowered import lowered
from tendigits.export.source import Source

Array = np.ndarray[Any, Any]

ABOUT = "tendigits.about"
"""The module's attribute with the metadata, as JSON."""


def write(source: Source, path: Path) -> None:
    """Write the network, for any number of digits at once; the metadata is an attribute of its module."""
    from jax.extend.mlir import serialize_portable_artifact
    from jax.extend.mlir.dialects import stablehlo

    exported = lowered(source, batch=None)
    about = json.dumps(json.dumps(source.about, ensure_ascii=True))
    text = re.sub(
        r"^module @\S+ attributes \{", lambda found: f"{found[0]}{ABOUT} = {about}, ",
        exported.mlir_module(), count=1, flags=re.MULTILINE,
    )  # fmt: skip
    weeks = stablehlo.StablehloCompatibilityRequirement.WEEK_12  # as JAX's own exports
    version = stablehlo.get_version_from_compatibility_requirement(weeks)
    module = serialize_portable_artifact(text, version)
    path.write_bytes(dataclasses.replace(exported, mlir_module_serialized=module).serialize())


def open_(path: Path) -> Any:
    """What answers for float32 (n, ...) as the file says."""
    from jax import export

    exported = export.deserialize(bytearray(path.read_bytes()))

    def answer(images: Array) -> Array:
        return np.asarray(exported.call(images))

    return answer


def about(path: Path) -> dict[str, str]:
    """The metadata in such a file. Raises ModelFileError where there is none."""
    from jax import export

    module = export.deserialize(bytearray(path.read_bytes())).mlir_module()
    found = re.search(rf'{re.escape(ABOUT)} = ("(?:[^"\\]|\\.)*")', module)
    if found is None:
        raise ModelFileError(f"expected a file that tendigits exported, {path} says nothing of itself")
    facts: dict[str, str] = json.loads(re.sub(r"\\(\\|[0-9A-F]{2})", _unescaped, found[1][1:-1]))
    return facts


def _unescaped(code: re.Match[str]) -> str:
    """What MLIR wrote a backslash and two hexadecimal digits for, or two backslashes."""
    return "\\" if code[1] == "\\" else chr(int(code[1], 16))
