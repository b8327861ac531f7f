"""`--to keras` and `--to h5`: for Keras on any backend, without the optimizer's state, so of a third of the size.

keras.models.load_model("model.keras")
"""

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from tendigits.export.source import Source
from tendigits.model.file import add_metadata, quiet_keras, read_metadata

Array = np.ndarray[Any, Any]

ABOUT = "tendigits_about"
"""Where the metadata is: among the facts of a .keras file, an attribute of a .h5 file."""


def write(source: Source, path: Path) -> None:
    """Write the network for answering alone, in the format of the path's ending."""
    model = type(source.model).from_config(source.model.get_config())  # a copy that was never compiled
    model.set_weights(source.model.get_weights())
    with quiet_keras():
        model.save(path)
    if path.suffix == ".keras":
        add_metadata(path, {ABOUT: source.about})
    else:
        with h5py.File(path, "a") as root:
            root.attrs[ABOUT] = json.dumps(source.about)


def open_(path: Path) -> Any:
    """What answers for float32 (n, ...) as the file says."""
    with quiet_keras():
        model = keras.models.load_model(path, safe_mode=True)

    def answer(images: Array) -> Array:
        return np.asarray(model.predict(images, batch_size=1000, verbose=0) if len(images) > 1 else model(images))

    return answer


def about(path: Path) -> dict[str, str]:
    """The metadata in such a file."""
    facts: dict[str, str]
    if path.suffix == ".keras":
        facts = read_metadata(path)[ABOUT]
    else:
        with h5py.File(path) as root:
            facts = json.loads(root.attrs[ABOUT])
    return facts
