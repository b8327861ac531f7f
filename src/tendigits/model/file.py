"""Save a model whole or not at all, verify that it loads back the same, and load files that may be hostile.

    saved = save_model(model, folder, x_test)           # model.keras, then model.h5
    model = load_model("runs/first")                       # a run's model.keras, or a .keras or .h5 file

A file may come from anywhere: its sizes, names and links are checked before Keras opens it, nothing in it is
extracted or unpickled, and code in it is refused (`safe_mode`).
"""

import io
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import jax
import keras
import numpy as np
from keras.src.legacy.saving.legacy_h5_format import save_model_to_hdf5

from tendigits.errors import ModelFileError
from tendigits.files import replacing, sha256
from tendigits.model.calibration import Calibration, read_calibration
from tendigits.model.hdf5 import MAX_BYTES, check_hdf5
from tendigits.model.keras_zip import add_metadata, read_metadata, weights_of
from tendigits.model.network import CLASSES, PIXELS, predict
from tendigits.untrusted import path_inside, read_file

TOLERANCE = 1e-6
"""Maximum difference between a probability of the live model and of the same model loaded back."""

MODEL = "model.keras"
"""Name of the model in a run's folder."""

MODELS = (MODEL, "model.h5")
"""What `save_model` writes."""

_CALIBRATION = "tendigits_calibration"


@dataclass(frozen=True)
class SavedModel:
    """A model file that was loaded back and compared with the live model."""

    path: Path
    sha256: str
    n: int
    """Digits whose predictions were compared."""
    largest_difference: float
    """Between any of their probabilities."""


def save_model(
    model: keras.Model,
    folder: Path,
    x: np.ndarray,
    calibration: Calibration | None = None,
    *,
    expected: np.ndarray | None = None,
) -> list[SavedModel]:
    """Write `model.keras` and `model.h5` into `folder`; each is verified before it takes its name.

    Verified: it loads, predicts the same for all of x within TOLERANCE and has the same optimizer; `model.keras` also
    has the optimizer's state, the loss and the metrics, and can go on training. `model.h5` leaves the state out: Keras
    3.15.1 cannot train a model from a .h5 file that has it. It is written from the copy that was loaded back, for
    writing a .h5 file takes the optimizer out of the live model's compile config.

    Args:
        x: float32 (n, 784) in [0, 1] to compare on.
        calibration: goes into model.keras, where `load_calibration` finds it.
        expected: the model's probabilities for x, float32 (n, 10), where they are known.

    Raises:
        DiskError: a file could not be written; the ones before are untouched.
        ModelFileError: a file is not the same when loaded back; it is not kept.
    """
    expected = predict(model, x) if expected is None else expected
    copies: list[keras.Model] = []
    saved: list[SavedModel] = []

    def verify(path: Path, temporary: Path) -> None:
        try:
            copy = _open(temporary, own=True)
            difference = _largest_difference(copy, model, x, expected)
            _verify_optimizer(copy, model)
            if path.suffix == ".keras":
                if load_calibration(temporary) != calibration:
                    raise ModelFileError("loaded back it has lost its calibration")
                _verify_trainable(copy, model, x[:32], expected[:32])
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
        digest: the SHA-256 that the file must have, where it is known.

    Raises:
        ModelFileError: missing, damaged, too large, not safe to open, of other shapes, or with weights that are
            not finite.
    """
    path = model_path(Path(path))
    if digest is not None and path.is_file() and sha256(path) != digest:
        raise ModelFileError(
            f"{path} is not a complete model file: it has not the SHA-256 that was recorded when it was saved; "
            "train again or restore the file"
        )
    check_model_file(path)
    return _open(path)


def model_path(path: Path) -> Path:
    """A run's model.keras, or any other path as it is. Raises ModelFileError if the run's model is a link."""
    if not os.path.lexists(path / MODEL):
        return path
    try:
        return path_inside(path, MODEL)
    except OSError as error:
        raise ModelFileError(f"{path / MODEL}: {error.strerror}; name the model file itself") from None


def load_calibration(path: Path) -> Calibration | None:
    """The calibration in a checked `.keras` file; None if it has none or is a `.h5` file. Raises ModelFileError."""
    if path.suffix != ".keras":
        return None
    try:
        content = read_metadata(path).get(_CALIBRATION)
        return None if content is None else read_calibration(content)
    except Exception as error:  # as in check_model_file
        raise _incomplete(path, error) from error


def check_model_file(path: Path) -> None:
    """Refuse a file that is damaged or unsafe, before Keras opens it. Raises ModelFileError."""
    if not path.is_file():
        raise ModelFileError(f"expected a model file, there is {'a folder' if path.is_dir() else 'none'} at {path}")
    if path.suffix not in (".keras", ".h5"):
        raise ModelFileError(f"expected a .keras or .h5 file, received {path.suffix or 'no ending'!r}: {path}")
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ModelFileError(f"{path}: expected at most {MAX_BYTES >> 20} MB, received {size >> 20} MB")
    try:
        check_hdf5(read_file(path, MAX_BYTES) if path.suffix == ".h5" else weights_of(path))
    except Exception as error:  # zipfile, zlib and json raise a dozen classes on damaged bytes
        raise _incomplete(path, error) from error


def _open(path: Path, own: bool = False) -> keras.Model:
    """Load a file, and check what Keras makes of it.

    Args:
        own: this process has just written the file, which is not checked.
    """
    try:
        with quiet_keras():
            if keras.backend.backend() == "jax" and not own:
                # First without memory: a configuration of a few bytes can ask for weights of any size. Where this
                # passes, they are as large as the arrays in the file.
                jax.eval_shape(lambda: [v.value for v in _load(path, compile=False).variables])
            model = _load(path)
        if path.suffix == ".h5" and getattr(model, "optimizer", None) is not None:
            # Where a .h5 file has the optimizer's state, Keras 3.15.1 builds the optimizer for no variables.
            model.optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    except Exception as error:  # Keras raises nearly every class, also for a damaged file
        raise _incomplete(path, error) from error
    shapes = (getattr(model, "input_shape", None), getattr(model, "output_shape", None))
    if shapes != ((None, PIXELS), (None, CLASSES)):
        raise ModelFileError(
            f"{path}: expected a model from (None, {PIXELS}) to (None, {CLASSES}), "
            f"received one from {shapes[0]} to {shapes[1]}"
        )
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise ModelFileError(f"{path}: expected finite weights, some are not; its predictions are useless, train again")
    return model


def _load(path: Path, **options: Any) -> keras.Model:
    return keras.models.load_model(path, safe_mode=True, **options)


def _incomplete(path: Path, error: Exception) -> ModelFileError:
    # Keras wraps the cause layer by layer; the innermost message tells.
    text = str(error).rsplit("Exception encountered: ", 1)[-1].split(":\n\n", 1)[-1] or type(error).__name__
    reason = " ".join(text.split()).split(". ")[0]
    return ModelFileError(f"{path} is not a complete model file: {reason[:300]}")


def _write_h5(model: keras.Model, path: Path) -> None:
    """Write a .h5 file without the optimizer's state. `model` loses its optimizer.

    HDF5 only ever writes to memory: where the disk is full, h5py 3.16 takes the process down.
    """
    model.optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    image = io.BytesIO()
    with h5py.File(image, "w") as root:
        save_model_to_hdf5(model, root)
        del root["optimizer_weights"]
    path.write_bytes(image.getbuffer())


def _largest_difference(copy: keras.Model, live: keras.Model, x: np.ndarray, expected: np.ndarray) -> float:
    if copy.get_config() == live.get_config():
        # Keras' compiled function takes all weights as arguments: what computes the same is not compiled again.
        live.make_predict_function()
        copy.predict_function = live.predict_function
    difference = float(np.abs(predict(copy, x) - expected).max())
    if not difference <= TOLERANCE:
        raise ModelFileError(f"loaded back it predicts otherwise: the largest difference is {difference}")
    return difference


def _verify_optimizer(copy: keras.Model, live: keras.Model) -> None:
    if copy.optimizer is None or copy.optimizer.get_config() != live.optimizer.get_config():
        raise ModelFileError(f"loaded back it has lost its optimizer, {live.optimizer.name}")


def _verify_trainable(copy: keras.Model, live: keras.Model, x: np.ndarray, y: np.ndarray) -> None:
    """`copy` can go on training as `live` would.

    It is compiled the same, has the state of its optimizer and takes a training step; its weights are as before.
    """
    if copy.get_compile_config() != live.get_compile_config():
        raise ModelFileError("loaded back it has lost its loss or metrics")
    for mine, other in zip(copy.optimizer.variables, live.optimizer.variables, strict=True):
        if not np.array_equal(np.asarray(mine), np.asarray(other)):
            raise ModelFileError(f"loaded back it has lost the optimizer's state, {other.path}")
    weights = copy.get_weights()
    if not np.isfinite(copy.train_on_batch(x, y)[0]):
        raise ModelFileError("loaded back it cannot go on training")
    copy.set_weights(weights)


@contextmanager
def quiet_keras() -> Iterator[None]:
    """Keep Keras from warning that .h5 is a legacy format: here it is asked for."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
