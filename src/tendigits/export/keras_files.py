"""`--to keras` and `--to h5`: for Keras on any backend, without the optimizer's state and so a third of the size.

keras.models.load_model("model.keras")
"""

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from tendigits.export.source import Source
from tendigits.model.file import add_metadata, quiet_keras

METADATA = "tendigits_about"  # key of ours in the metadata of a .keras file, or in the attributes of an .h5 file


def write(source: Source, path: Path) -> None:
    """Write the network without its optimizer, in the format of the path's suffix."""
    model = type(source.model).from_config(source.model.get_config())  # a copy that is not compiled
    model.set_weights(source.model.get_weights())
    with quiet_keras():
        model.save(path)
    if path.suffix == ".keras":
        add_metadata(path, {METADATA: source.metadata})
    else:
        with h5py.File(path, "a") as root:
            root.attrs[METADATA] = json.dumps(source.metadata)


def load(path: Path) -> Any:
    """The file as a function from float32 (n, ...) to float32 (n, labels)."""
    with quiet_keras():
        model = keras.models.load_model(path, safe_mode=True)

    def predict(images: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict(images, batch_size=1000, verbose=0) if len(images) > 1 else model(images))

    return predict
