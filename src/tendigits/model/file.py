"""Save a Keras model and verify the file, and load model files.

    saved = save_model(model, folder, x_test)       # model.keras and model.h5
    model = load_model("runs/first")                # a run's model.keras, or a .keras or .h5 file

A model file can contain code. Keras' safe mode refuses to run it, and files over 512 MB are refused; open only files
that you trust all the same.
"""

import io
import json
import logging
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras.src.legacy.saving.legacy_h5_format import save_model_to_hdf5

from tendigits.errors import ModelFileError
from tendigits.files import replacing, sha256
from tendigits.model.calibration import Calibration, read_calibration
from tendigits.model.network import CLASSES, PIXELS, predict
from tendigits.untrusted import check_zip, open_file, path_inside

MAX_MODEL_BYTES = 512 * 2**20  # size limit of a model file; the classic network with its optimizer takes 8 MB
MAX_DIFFERENCE = 1e-6  # maximum difference between a probability of the live model and of the same model loaded back
MODEL = "model.keras"  # the model in a run's folder
MODELS = (MODEL, "model.h5")  # the files that `save_model` writes
_METADATA = "metadata.json"
_CALIBRATION = "tendigits_calibration"


@dataclass(frozen=True)
class SavedModel:
    """A model file that was loaded back and compared with the live model."""

    path: Path
    sha256: str
    n: int  # number of digits whose predictions were compared
    largest_difference: float  # largest difference between two of their probabilities


def save_model(
    model: keras.Model,
    folder: Path,
    x: np.ndarray,
    calibration: Calibration | None = None,
    *,
    expected: np.ndarray | None = None,
) -> list[SavedModel]:
    """Write `model.keras` and `model.h5` into `folder`; each file replaces the old one only after it is verified.

    A file is verified by loading it back: it must predict the same for all of x. `model.h5` is written without the
    optimizer's state, with which Keras 3.15.1 could not train the loaded model, and from the model that was loaded
    back, because saving as .h5 removes the optimizer from a model's compile config.

    Args:
        x: float32 (n, 784) in [0, 1] to compare on.
        calibration: stored in model.keras, for `load_calibration`.
        expected: the model's probabilities for x, float32 (n, 10), if they are known already.

    Raises:
        DiskError: a file could not be written; the old one is unchanged.
        ModelFileError: a file does not predict the same when loaded back; the old one is unchanged.
    """
    expected = predict(model, x) if expected is None else expected
    copies: list[keras.Model] = []
    saved: list[SavedModel] = []

    def verify(path: Path, temporary: Path) -> None:
        try:
            copy = _load(temporary)
            if copy.get_config() == model.get_config():
                # The compiled function takes the weights as arguments, so both models can use the same one.
                model.make_predict_function()
                copy.predict_function = model.predict_function
            difference = float(np.abs(predict(copy, x) - expected).max())
            if not difference <= MAX_DIFFERENCE:
                raise ModelFileError(f"loaded back it predicts otherwise: the largest difference is {difference}")
        except ModelFileError as error:
            reason = str(error).replace(f"{temporary}: ", "").replace(str(temporary), "it")
            raise ModelFileError(f"{path} is not saved; {reason}") from error
        copies.append(copy)
        saved.append(SavedModel(path, sha256(temporary), len(x), difference))

    keras_file, h5_file = (folder / name for name in MODELS)
    with replacing(keras_file, check=partial(verify, keras_file)) as temporary:
        model.save(temporary)
        if calibration is not None:
            add_metadata(temporary, {_CALIBRATION: asdict(calibration)})
    with replacing(h5_file, check=partial(verify, h5_file)) as temporary:
        _write_h5(copies[0], temporary)
    return saved


def load_model(path: str | Path, digest: str | None = None) -> keras.Model:
    """Load a model that maps (None, 784) to (None, 10).

    Args:
        path: a run folder, of which model.keras is loaded, or a `.keras` or `.h5` file.
        digest: the SHA-256 that the file must have, if it is known.

    Raises:
        ModelFileError: the file is missing, damaged or too large, contains code, has other shapes, or has weights that
            are not finite.
    """
    path = model_path(Path(path))
    if not path.is_file():
        found = "a folder" if path.is_dir() else "none"
        raise ModelFileError(f"expected a run or a model file, there is {found} at {path}")
    if path.suffix not in (".keras", ".h5"):
        raise ModelFileError(f"expected a .keras or .h5 file, received {path.suffix or 'no ending'!r}: {path}")
    if (size := path.stat().st_size) > MAX_MODEL_BYTES:
        raise ModelFileError(f"{path}: expected at most {MAX_MODEL_BYTES >> 20} MB, received {size >> 20} MB")
    if digest is not None and sha256(path) != digest:
        raise ModelFileError(
            f"{path} is not a complete model file: its SHA-256 is not the one that was recorded when it was saved; "
            "train again or restore the file"
        )
    if path.suffix == ".keras":
        with _expecting_complete(path), open_file(path, MAX_MODEL_BYTES) as file:
            check_zip(file, MAX_MODEL_BYTES)
            with zipfile.ZipFile(file) as archive:
                if (damaged := archive.testzip()) is not None:
                    raise ValueError(f"{damaged!r:.100} is damaged; restore the file")
    return _load(path)


def model_path(path: Path) -> Path:
    """A run's model.keras, or any other path as it is. Raises ModelFileError if the run's model is a link."""
    try:
        return path_inside(path, MODEL) if os.path.lexists(path / MODEL) else path
    except OSError as error:
        raise ModelFileError(f"{path / MODEL}: {error.strerror}; name the model file itself") from None


def load_calibration(path: Path) -> Calibration | None:
    """The calibration in a `.keras` file; None if it has none or is a `.h5` file. Raises ModelFileError."""
    if path.suffix != ".keras":
        return None
    with _expecting_complete(path), zipfile.ZipFile(path) as archive:
        content = json.loads(archive.read(_METADATA)).get(_CALIBRATION)
        return None if content is None else read_calibration(content)


def add_metadata(path: Path, facts: dict[str, Any]) -> None:
    """Add entries to the metadata of a `.keras` file. Keras ignores them.

    With another member in the zip, Keras 3.15.1 would extract the file into a temporary folder at each loading.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[_METADATA] = json.dumps(json.loads(members[_METADATA]) | facts).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _load(path: Path) -> keras.Model:
    """Load a file with Keras, and check shapes and weights. Raises ModelFileError."""
    with _expecting_complete(path), quiet_keras():
        model = keras.models.load_model(path, safe_mode=True)
        if path.suffix == ".h5" and getattr(model, "optimizer", None) is not None:
            # If a .h5 file has the optimizer's state, Keras 3.15.1 builds the optimizer for no variables.
            model.optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    found = f"{getattr(model, 'input_shape', None)} to {getattr(model, 'output_shape', None)}"
    if found != (expected := f"{(None, PIXELS)} to {(None, CLASSES)}"):
        raise ModelFileError(f"{path}: expected a model from {expected}, received one from {found}")
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise ModelFileError(f"{path}: expected finite weights, some are not; its predictions are useless, train again")
    return model


@contextmanager
def _expecting_complete(path: Path) -> Iterator[None]:
    """Raise ModelFileError, with Keras' innermost reason, for any error: damaged files cause nearly every class."""
    try:
        yield
    except Exception as error:
        text = str(error).rsplit("Exception encountered: ", 1)[-1].split(":\n\n", 1)[-1] or type(error).__name__
        reason = " ".join(text.split()).split(". ")[0]
        raise ModelFileError(f"{path} is not a complete model file: {reason[:300]}") from error


def _write_h5(model: keras.Model, path: Path) -> None:
    """Write a .h5 file without the optimizer's state, which `model` loses."""
    model.optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    data = io.BytesIO()  # in memory: on a full disk h5py 3.16 crashes the process
    with h5py.File(data, "w") as root:
        save_model_to_hdf5(model, root)
        del root["optimizer_weights"]
    path.write_bytes(data.getbuffer())


@contextmanager
def quiet_keras() -> Iterator[None]:
    """Suppress Keras' warning that .h5 is a legacy format."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
