"""Optional dependencies: a feature whose extra is not installed says so in one line, with the pip command.

require("tendigits train", "train")
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from tendigits.errors import MissingExtraError

EXTRAS = {
    "train": {"keras": "Keras", "jax": "JAX", "matplotlib": "Matplotlib", "onnx": "ONNX"},
    "serve": {"fastapi": "FastAPI", "uvicorn": "Uvicorn"},
    "export": {"ai_edge_litert": "LiteRT", "ai_edge_quantizer": "its quantizer", "litert_converter": "its converter"},
    "notebook": {"anywidget": "anywidget"},
    "scale": {"optuna": "Optuna", "pyarrow": "PyArrow", "ray": "Ray"},
}
"""Extra -> the modules that show whether it is installed, and what people call them."""

INCLUDES = {"export": "train", "scale": "train", "notebook": "train"}
"""Extra -> another one that it includes."""


def require(feature: str, *extras: str) -> None:
    """Check that everything a feature needs is installed, without importing it.

    Args:
        feature: the command, option or function, as the user typed it.

    Raises:
        MissingExtraError: something is missing.
    """
    missing = {
        extra: absent
        for extra in extras
        if (absent := [name for module, name in EXTRAS[extra].items() if importlib.util.find_spec(module) is None])
    }
    if missing:
        included = {INCLUDES.get(extra) for extra in missing}
        wanted = ",".join(extra for extra in missing if extra not in included)
        names = [name for absent in missing.values() for name in absent]
        listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
        raise MissingExtraError(f"{feature} needs {listed}: pip install 'tendigits[{wanted}]'")


@contextmanager
def unseen(*packages: str) -> Iterator[None]:
    """Within the block no import finds these packages, unless they were imported before."""
    modules = cast(dict[str, Any], sys.modules)
    hidden = [name for name in packages if name not in modules]
    modules.update(dict.fromkeys(hidden))  # None: Python then says that there is no such module
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]
