"""tendigits: the classic first Keras network on MNIST, end to end.

    import tendigits
    trained = tendigits.run_recipe(tendigits.Recipe(epochs=3))
    trained.history.history["val_accuracy"], trained.report.accuracy

Import it before `keras`: it chooses JAX as Keras' backend, unless KERAS_BACKEND names another.
Nothing heavy is imported until it is used.
"""

import importlib
import os
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tendigits.errors import TendigitsError
    from tendigits.read.reader import Reader
    from tendigits.train.curves import plot_history
    from tendigits.train.evaluate import evaluate_run
    from tendigits.train.fit import fit
    from tendigits.train.model_file import load_model
    from tendigits.train.recipe import Recipe, load_recipe
    from tendigits.train.stages import resume_run, run_recipe

os.environ.setdefault("KERAS_BACKEND", "jax")

__version__ = version("tendigits")

_HOMES = {
    "Reader": "tendigits.read.reader",
    "Recipe": "tendigits.train.recipe",
    "TendigitsError": "tendigits.errors",
    "evaluate_run": "tendigits.train.evaluate",
    "fit": "tendigits.train.fit",
    "load_model": "tendigits.train.model_file",
    "load_recipe": "tendigits.train.recipe",
    "plot_history": "tendigits.train.curves",
    "resume_run": "tendigits.train.stages",
    "run_recipe": "tendigits.train.stages",
}

__all__ = [
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
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tendigits' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
