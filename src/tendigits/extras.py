"""Optional dependencies: a feature without its extra raises an error that names the pip command.

require("tendigits train", "train")
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, cast

from tendigits.errors import MissingExtraError

EXTRAS = {  # extra -> the modules that must be installed, and their names for people
    "train": {"keras": "Keras", "jax": "JAX", "matplotlib": "Matplotlib", "onnx": "ONNX"},
    "sheet": {"fpdf": "fpdf2", "segno": "segno"},
    "serve": {"fastapi": "FastAPI", "uvicorn": "Uvicorn"},
    "export": {"ai_edge_litert": "LiteRT", "ai_edge_quantizer": "its quantizer", "litert_converter": "its converter"},
    "notebook": {"anywidget": "anywidget"},
    "scale": {"optuna": "Optuna", "pyarrow": "PyArrow", "ray": "Ray"},
}
INCLUDES = {
    "serve": "sheet",
    "export": "train",
    "scale": "train",
    "notebook": "train",
}  # extra -> another extra that it includes


def require(feature: str, *extras: str) -> None:
    """Raise MissingExtraError unless everything a feature, named as the user typed it, needs is installed."""
    missing = {
        extra: names
        for extra in extras
        if (names := [name for module, name in EXTRAS[extra].items() if importlib.util.find_spec(module) is None])
    }
    if missing:
        included = {INCLUDES.get(extra) for extra in missing}
        wanted = ",".join(extra for extra in missing if extra not in included)
        listed = ", ".join(chain(*missing.values()))
        raise MissingExtraError(f"{feature} needs {listed}: pip install 'tendigits[{wanted}]'")


@contextmanager
def unseen(*packages: str) -> Iterator[None]:
    """Hide packages from imports within the block, unless they were imported before."""
    modules = cast(dict[str, Any], sys.modules)
    hidden = [name for name in packages if name not in modules]
    modules.update(dict.fromkeys(hidden))  # with None, an import raises ModuleNotFoundError
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]
