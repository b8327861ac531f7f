"""tendigits: the classic first Keras network on MNIST, end to end.

    import tendigits
    trained = tendigits.run_recipe(tendigits.Recipe(epochs=3))
    trained.history.history["val_accuracy"], trained.report.accuracy

Import it before `keras`: where JAX is installed, it selects it as Keras' backend, unless KERAS_BACKEND names
another. Heavy libraries are imported when they are used.
"""

import importlib
import importlib.util
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tendigits.engine.fit import fit as fit
    from tendigits.errors import TendigitsError as TendigitsError
    from tendigits.model.file import load_model as load_model
    from tendigits.model.recipe import Recipe as Recipe
    from tendigits.model.recipe_files import load_recipe as load_recipe
    from tendigits.notebook.pad import Pad as Pad
    from tendigits.read.page import Page as Page
    from tendigits.read.reader import Reader as Reader
    from tendigits.read.reader import ReaderOptions as ReaderOptions
    from tendigits.read.results import Number as Number
    from tendigits.report.curves import plot_history as plot_history
    from tendigits.report.evaluate import evaluate_run as evaluate_run
    from tendigits.tables.cell import Cell as Cell
    from tendigits.tables.table import Table as Table
    from tendigits.train.pipeline import resume_run as resume_run
    from tendigits.train.pipeline import run_recipe as run_recipe

    __version__: str

if importlib.util.find_spec("jax") is not None:  # the reader alone needs no Keras, and leaves that of others as it is
    os.environ.setdefault("KERAS_BACKEND", "jax")
# JAX 0.10.1 logs its own compiled programs as errors (openxla/xla#44565); real errors are raised as well as logged.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Without this, onnxruntime 1.29 and later report what they run to Microsoft (microsoft/onnxruntime#27379).
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_MODULES: dict[str, tuple[str, ...]] = {  # name -> its module, and the extras that it needs
    "Cell": ("tendigits.tables.cell",),
    "Number": ("tendigits.read.results",),
    "Pad": ("tendigits.notebook.pad", "train", "notebook"),
    "Page": ("tendigits.read.page",),
    "Reader": ("tendigits.read.reader",),
    "ReaderOptions": ("tendigits.read.reader",),
    "Recipe": ("tendigits.model.recipe",),
    "Table": ("tendigits.tables.table",),
    "TendigitsError": ("tendigits.errors",),
    "evaluate_run": ("tendigits.report.evaluate", "train"),
    "fit": ("tendigits.engine.fit", "train"),
    "load_model": ("tendigits.model.file", "train"),
    "load_recipe": ("tendigits.model.recipe_files",),
    "plot_history": ("tendigits.report.curves", "train"),
    "resume_run": ("tendigits.train.pipeline", "train"),
    "run_recipe": ("tendigits.train.pipeline", "train"),
}
__all__ = [*_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        from tendigits.extras import require

        module, *extras = _MODULES[name]
        require(f"tendigits.{name}", *extras)
        return getattr(importlib.import_module(module), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("tendigits")
    raise AttributeError(f"module 'tendigits' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
