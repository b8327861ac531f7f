"""tendigits: the classic first Keras network on MNIST, end to end.

    import tendigits
    trained = tendigits.run_recipe(tendigits.Recipe(epochs=3))
    trained.history.history["val_accuracy"], trained.report.accuracy

Import it before `keras`: it chooses JAX as Keras' backend, unless KERAS_BACKEND names another.
Nothing heavy is imported until it is used.
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tendigits.engine.fit import fit
    from tendigits.errors import TendigitsError
    from tendigits.model.file import load_model
    from tendigits.model.recipe import Recipe
    from tendigits.model.recipe_files import load_recipe
    from tendigits.notebook.pad import Pad
    from tendigits.read.reader import Reader
    from tendigits.report.curves import plot_history
    from tendigits.report.evaluate import evaluate_run
    from tendigits.train.pipeline import resume_run, run_recipe

    __version__: str

os.environ.setdefault("KERAS_BACKEND", "jax")
# JAX 0.10.1 takes its own compiled programs for errors (openxla/xla#44565); real ones are raised as well as logged.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# From 1.29 on, onnxruntime keeps an id of the machine on the disk and reports to Microsoft what it runs, unless this is
# set before it is imported (microsoft/onnxruntime#27379).
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {
    "Pad": "tendigits.notebook.pad",
    "Reader": "tendigits.read.reader",
    "Recipe": "tendigits.model.recipe",
    "TendigitsError": "tendigits.errors",
    "evaluate_run": "tendigits.report.evaluate",
    "fit": "tendigits.engine.fit",
    "load_model": "tendigits.model.file",
    "load_recipe": "tendigits.model.recipe_files",
    "plot_history": "tendigits.report.curves",
    "resume_run": "tendigits.train.pipeline",
    "run_recipe": "tendigits.train.pipeline",
}

_NEEDS = {
    "Pad": ("train", "notebook"),
    "evaluate_run": ("train",),
    "fit": ("train",),
    "load_model": ("train",),
    "plot_history": ("train",),
    "resume_run": ("train",),
    "run_recipe": ("train",),
}
"""Name -> the extras that it needs."""

__all__ = [
    "Pad",
    "Reader",
    "Recipe",
    "TendigitsError",
    "evaluate_run",
    "fit",
    "load_model",
    "load_recipe",
    "plot_history",
    "resume_run",
    "run_recipe",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        if name in _NEEDS:
            from tendigits.extras import require

            require(f"tendigits.{name}", *_NEEDS[name])
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("tendigits")
    raise AttributeError(f"module 'tendigits' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
