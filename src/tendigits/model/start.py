"""Import Keras fast, for a process that is ours alone: the command's.

Keras 3.15 imports pandas, scikit-learn, IPython and pyplot wherever it finds them, for data frames, wrappers and
notebooks that the command has nothing of: 1.3 of 3 seconds, and 90 MB.
"""

import sys

UNUSED = ("IPython", "matplotlib.pyplot", "pandas", "sklearn")


def import_keras() -> None:
    """Import Keras as if those were not installed; afterwards they can be imported as ever."""
    hidden = [name for name in UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: importing it raises ImportError
    try:
        import keras  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]
