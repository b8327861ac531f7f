"""Save a model so that it is whole or not there, prove that it loads back the same, and load files with suspicion.

    digests = save_model(model, folder, x_test, y_test)      # model.keras, then model.h5
    model = load_model("runs/first/model.keras")

A file may come from anywhere: its sizes, names and links are checked before Keras opens it, nothing in it is
extracted or unpickled, and code in it is refused (`safe_mode`).
"""

import io
import json
import logging
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py
import jax
import keras
import numpy as np
from keras.src.legacy.saving.legacy_h5_format import save_model_to_hdf5

from tendigits.archive import check_zip
from tendigits.errors import ModelFileError
from tendigits.files import replacing, sha256
from tendigits.model.calibration import Calibration, read_calibration
from tendigits.model.hdf5 import MAX_BYTES, check_hdf5
from tendigits.model.network import CLASSES, PIXELS

_OPTIMIZER_STATE = "tendigits_optimizer_state"
_METADATA = "metadata.json"
_KERAS_MEMBERS = {_METADATA, "config.json", "model.weights.h5"}
_CALIBRATION = "tendigits_calibration"

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Saved:
    """A model file that was loaded back and compared with the live model."""

    path: Path
    sha256: str
    n: int
    """Digits whose predictions were compared."""
    largest_difference: float
    """Between the ten probabilities of any of them."""


def save_model(
    model: keras.Model, folder: Path, x: Array, y: Array, calibration: Calibration | None = None
) -> list[Saved]:
    """Write `model.keras` and `model.h5` into `folder`, each proved before it takes its place.

    Proved: it loads, has the same optimizer, predicts the same on all of x within 1e-6, and can go on training.
    Two faults of Keras 3.15.1 are avoided: writing .h5 takes the optimizer out of the live model, so it is written
    from the reloaded .keras; and a .h5 with the optimizer's state loads as a model that cannot be trained.

    Args:
        x, y: float32 (n, 784) in [0, 1] and one-hot (n, 10) to compare on.
        calibration: goes into model.keras, where `load_calibration` finds it.

    Raises:
        DiskError: a file could not be written; the ones before are untouched.
        ModelFileError: a file did not prove the same; it is not kept.
    """
    expected = model.predict(x, batch_size=1000, verbose=0)
    saved = []
    source = model
    for name in ("model.keras", "model.h5"):
        path = folder / name
        proof: dict[str, Any] = {}

        def prove(temporary: Path, path: Path = path, proof: dict[str, Any] = proof) -> None:
            try:
                check_model_file(temporary)
                proof["copy"] = copy = _open(temporary)
                proof["difference"] = _largest_difference(copy, x, expected)
                proof["sha256"] = sha256(temporary)
                _prove_trainable(model, _open(temporary), x[:32], y[:32])
                if temporary.suffix == ".keras" and load_calibration(temporary) != calibration:
                    raise ModelFileError("loaded back it has lost its calibration")
            except ModelFileError as error:
                reason = str(error).replace(f"{temporary}: ", "").replace(str(temporary), "it")
                raise ModelFileError(f"{path} is not saved; {reason}") from error

        with replacing(path, check=prove) as temporary:
            if temporary.suffix == ".h5":
                _write_h5(source, temporary)
            else:
                source.save(temporary)
                if calibration is not None:
                    add_metadata(temporary, {_CALIBRATION: asdict(calibration)})
        saved.append(Saved(path, proof["sha256"], len(x), proof["difference"]))
        source = proof["copy"]
    return saved


def load_model(path: str | Path, digest: str | None = None) -> keras.Model:
    """Load a `.keras` or `.h5` file that maps (None, 784) to (None, 10).

    Args:
        digest: the SHA-256 that the file must have, where it is known.

    Raises:
        ModelFileError: missing, damaged, too large, not safe to open, of other shapes, or with weights that are
            not finite.
    """
    path = Path(path)
    if digest is not None and path.is_file() and sha256(path) != digest:
        raise ModelFileError(
            f"{path} is not a complete model file: it has not the SHA-256 that was recorded when it was saved; "
            "train again or restore the file"
        )
    check_model_file(path)
    return _open(path)


def load_calibration(path: Path) -> Calibration | None:
    """The calibration in a checked `.keras` file; None where there is none, and of a `.h5` file.

    Raises:
        ModelFileError: it is damaged.
    """
    if path.suffix != ".keras":
        return None
    try:
        content = read_metadata(path).get(_CALIBRATION)
        return None if content is None else read_calibration(content)
    except Exception as error:  # as in check_model_file
        raise _incomplete(path, error) from error


def check_model_file(path: Path) -> None:
    """Refuse a file that is damaged or unsafe, before Keras opens it.

    Raises:
        ModelFileError: saying what is wrong.
    """
    if not path.is_file():
        raise ModelFileError(f"expected a model file, there is {'a folder' if path.is_dir() else 'none'} at {path}")
    if path.suffix not in (".keras", ".h5"):
        raise ModelFileError(f"expected a .keras or .h5 file, received {path.suffix or 'no ending'!r}: {path}")
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ModelFileError(f"{path}: expected at most {MAX_BYTES >> 20} MB, received {size >> 20} MB")
    try:
        check_hdf5(path.read_bytes() if path.suffix == ".h5" else _weights(path))
    except Exception as error:  # zipfile, zlib and json raise a dozen classes on damaged bytes
        raise _incomplete(path, error) from error


def _weights(path: Path) -> bytes:
    """The HDF5 file in a .keras file, whose other members are as they should be."""
    if set(names := check_zip(path, MAX_BYTES)) != _KERAS_MEMBERS:
        raise ValueError(f"expected {sorted(_KERAS_MEMBERS)}, it holds {sorted(names)[:5]}")
    with zipfile.ZipFile(path) as archive:
        for name in (_METADATA, "config.json"):  # reading compares the checksum
            json.loads(archive.read(name))
        return archive.read("model.weights.h5")


def _open(path: Path) -> keras.Model:
    """Load a checked file, and check what Keras makes of it."""
    try:
        with quiet_keras():
            if keras.backend.backend() == "jax":
                # First without memory: a configuration of a few bytes can ask for weights of any size. Where this
                # passes, they are as large as the arrays in the file.
                jax.eval_shape(lambda: [v.value for v in _load(path, compile=False).variables])
            model = _load(path)
        if path.suffix == ".h5":
            _restore_optimizer_state(model, path)
    except Exception as error:  # Keras raises nearly every class, also for a damaged file
        raise _incomplete(path, error) from error
    shapes = (getattr(model, "input_shape", None), getattr(model, "output_shape", None))
    if shapes != ((None, PIXELS), (None, CLASSES)):
        raise ModelFileError(
            f"{path}: expected a model from (None, {PIXELS}) to (None, {CLASSES}), "
            f"received one from {shapes[0]} to {shapes[1]}"
        )
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise ModelFileError(f"{path}: expected finite weights, some are not; it answers nothing of use, train again")
    return model


def _load(path: Path, **options: Any) -> keras.Model:
    return keras.models.load_model(path, safe_mode=True, **options)


def _incomplete(path: Path, error: Exception) -> ModelFileError:
    # Keras puts much around what is wrong, layer by layer; the innermost tells.
    text = str(error).rsplit("Exception encountered: ", 1)[-1].split(":\n\n", 1)[-1] or type(error).__name__
    reason = " ".join(text.split()).split(". ")[0]
    return ModelFileError(f"{path} is not a complete model file: {reason[:300]}")


def read_metadata(path: Path) -> dict[str, Any]:
    """The facts beside Keras' version and date in a `.keras` file."""
    with zipfile.ZipFile(path) as archive:
        facts: dict[str, Any] = json.loads(archive.read(_METADATA))
    return facts


def add_metadata(path: Path, facts: dict[str, Any]) -> None:
    """Write facts beside Keras' version and date, which nothing of Keras reads.

    Not into a member of their own: where Keras 3.15.1 finds a fourth, it extracts the whole file into a temporary
    folder each time that it loads it.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[_METADATA] = json.dumps(json.loads(members[_METADATA]) | facts).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _write_h5(model: keras.Model, path: Path) -> None:
    """Write a .h5 file, with the optimizer's state under a name that Keras does not know.

    Where Keras 3.15.1 finds the state, it builds the optimizer for no variables, and training then fails.
    HDF5 only ever writes to memory: where the disk is full, h5py 3.16 takes the process down.
    """
    image = io.BytesIO()
    with h5py.File(image, "w") as root:
        save_model_to_hdf5(model, root)
        root.move("optimizer_weights", _OPTIMIZER_STATE)
    path.write_bytes(image.getbuffer())


def _restore_optimizer_state(model: keras.Model, path: Path) -> None:
    """Give a .h5 model a new optimizer, with the state that `_write_h5` or Keras put into the file."""
    with h5py.File(path, "r") as root:
        group = root.get(_OPTIMIZER_STATE, root.get("optimizer_weights"))
        if group is None or model.optimizer is None:
            return
        values = [group[name][()] for name in group.attrs["weight_names"]]
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    optimizer.build(model.trainable_variables)
    if [value.shape for value in values] == [tuple(variable.shape) for variable in optimizer.variables]:
        for variable, value in zip(optimizer.variables, values, strict=True):
            variable.assign(value)
    model.optimizer = optimizer


def _largest_difference(copy: keras.Model, x: Array, expected: Array) -> float:
    difference = float(np.abs(copy.predict(x, batch_size=1000, verbose=0) - expected).max())
    if not difference <= 1e-6:
        raise ModelFileError(f"loaded back it predicts otherwise: the largest difference is {difference}")
    return difference


def _prove_trainable(live: keras.Model, copy: keras.Model, x: Array, y: Array) -> None:
    """`copy` has `live`'s optimizer, with its state, and takes a training step."""
    if copy.optimizer is None or copy.optimizer.get_config() != live.optimizer.get_config():
        raise ModelFileError(f"loaded back it has lost its optimizer, {live.optimizer.name}")
    for mine, other in zip(copy.optimizer.variables, live.optimizer.variables, strict=True):
        if not np.array_equal(np.asarray(mine), np.asarray(other)):
            raise ModelFileError(f"loaded back it has lost the optimizer's state, {other.path}")
    if not np.isfinite(copy.train_on_batch(x, y)[0]):
        raise ModelFileError("loaded back it cannot go on training")


@contextmanager
def quiet_keras() -> Iterator[None]:
    """Keep Keras from calling .h5 a legacy format on a user's screen: this file is asked for."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
