"""Save a model so that it is whole or not there, prove that it loads back the same, and load files with suspicion.

    digests = save_model(model, folder, x_test, y_test)      # model.keras, then model.h5
    model = load_model("runs/first/model.keras")

A file may come from anywhere: its sizes, names and links are checked before Keras opens it, nothing in it is
extracted or unpickled, and code in it is refused (`safe_mode`).
"""

import json
import logging
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import h5py
import keras
import numpy as np

from tendigits.errors import ModelFileError
from tendigits.files import replacing, sha256
from tendigits.train.network import CLASSES, PIXELS

MAX_BYTES = 512 * 2**20
"""The most that a model file may hold, unpacked; the classic network has 8 MB with its optimizer."""
_MAX_OBJECTS = 10_000
_OPTIMIZER_STATE = "tendigits_optimizer_state"
_KERAS_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}

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


def save_model(model: keras.Model, folder: Path, x: Array, y: Array) -> list[Saved]:
    """Write `model.keras` and `model.h5` into `folder`, each proved before it takes its place.

    Proved: it loads, has the same optimizer, predicts the same on all of x within 1e-6, and can go on training.
    Two faults of Keras 3.15.1 are avoided: writing .h5 takes the optimizer out of the live model, so it is written
    from the reloaded .keras; and a .h5 with the optimizer's state loads as a model that cannot be trained.

    Args:
        x, y: float32 (n, 784) in [0, 1] and one-hot (n, 10) to compare on.

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

        def prove(temporary: Path, proof: dict[str, Any] = proof) -> None:
            proof["copy"] = copy = load_model(temporary)
            proof["difference"] = _largest_difference(temporary.name, copy, x, expected)
            proof["sha256"] = sha256(temporary)
            _prove_trainable(temporary.name, model, load_model(temporary), x[:32], y[:32])

        with replacing(path, check=prove) as temporary, _quiet_keras():
            source.save(temporary)
            if temporary.suffix == ".h5":
                _hide_optimizer_state(temporary)
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
    check_model_file(path)
    if digest is not None and sha256(path) != digest:
        raise ModelFileError(
            f"{path} is not a complete model file: it has not the SHA-256 that was recorded when it was saved; "
            "train again or restore the file"
        )
    try:
        with _quiet_keras():
            model = keras.models.load_model(path, safe_mode=True)
        if path.suffix == ".h5":
            _restore_optimizer_state(model, path)
    except Exception as error:  # Keras raises nearly every class, also for a damaged file
        reason = (str(error) or type(error).__name__).splitlines()[0].split(". ")[0]
        raise ModelFileError(f"{path} is not a complete model file: {reason}") from error
    shapes = (getattr(model, "input_shape", None), getattr(model, "output_shape", None))
    if shapes != ((None, PIXELS), (None, CLASSES)):
        raise ModelFileError(
            f"{path}: expected a model from (None, {PIXELS}) to (None, {CLASSES}), "
            f"received one from {shapes[0]} to {shapes[1]}"
        )
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise ModelFileError(f"{path}: expected finite weights, some are not; it answers nothing of use, train again")
    return model


def check_model_file(path: Path) -> None:
    """Refuse a file that is damaged or unsafe, reading no more than its directory and bounded parts of it.

    Raises:
        ModelFileError: saying what is wrong.
    """
    if not path.is_file():
        raise ModelFileError(f"expected a model file, there is none at {path}")
    if path.stat().st_size > MAX_BYTES:
        raise ModelFileError(f"{path}: expected at most {MAX_BYTES >> 20} MB, received {path.stat().st_size >> 20} MB")
    try:
        match path.suffix:
            case ".keras":
                _check_keras(path)
            case ".h5":
                with path.open("rb") as file:
                    _check_hdf5(file)
            case suffix:
                raise ModelFileError(f"expected a .keras or .h5 file, received {suffix or 'no ending'!r}: {path}")
    except ModelFileError:
        raise
    except Exception as error:  # zipfile, zlib, json and h5py raise a dozen classes on damaged bytes
        raise ModelFileError(f"{path} is not a complete model file: {error}") from error


def _check_keras(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = {member.filename for member in members}
        if names != _KERAS_MEMBERS or len(members) != len(names):
            raise ValueError(f"expected {sorted(_KERAS_MEMBERS)}, it holds {sorted(names)[:5]}")
        if sum(member.file_size for member in members) > MAX_BYTES:
            raise ValueError(f"unpacked it would be over {MAX_BYTES >> 20} MB")
        if (damaged := archive.testzip()) is not None:
            raise ValueError(f"{damaged} is damaged")
        json.loads(archive.read("config.json"))
        with archive.open("model.weights.h5") as weights:
            _check_hdf5(weights)


def _check_hdf5(file: IO[bytes]) -> None:
    """Refuse links out of the file, data kept elsewhere, and shapes that would fill the memory."""
    with h5py.File(file, "r") as root:
        groups, seen, size = [root], 0, 0
        while groups:
            group = groups.pop()
            for name in group:
                seen += 1
                if seen > _MAX_OBJECTS:
                    raise ValueError(f"it holds more than {_MAX_OBJECTS} objects")
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"{group.name}/{name} is a link, which no model needs")
                item = group[name]
                if isinstance(item, h5py.Group):
                    groups.append(item)
                    continue
                if item.is_virtual or item.external:
                    raise ValueError(f"{item.name} keeps its data in another file")
                size += item.nbytes
                if size > MAX_BYTES:
                    raise ValueError(f"{item.name} of shape {item.shape} makes it over {MAX_BYTES >> 20} MB")


def _hide_optimizer_state(path: Path) -> None:
    """Rename the optimizer's state in a .h5 file, so that Keras loads the model with a fresh, working optimizer.

    Where Keras 3.15.1 finds the state, it builds the optimizer for no variables, and training then fails.
    """
    with h5py.File(path, "r+") as root:
        root.move("optimizer_weights", _OPTIMIZER_STATE)


def _restore_optimizer_state(model: keras.Model, path: Path) -> None:
    """Give a .h5 model the optimizer's state that `_hide_optimizer_state` put aside."""
    with h5py.File(path, "r") as root:
        if (group := root.get(_OPTIMIZER_STATE)) is None or model.optimizer is None:
            return
        values = [group[name][()] for name in group.attrs["weight_names"]]
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(model.optimizer.variables, values, strict=True):
        variable.assign(value)


def _largest_difference(name: str, copy: keras.Model, x: Array, expected: Array) -> float:
    difference = float(np.abs(copy.predict(x, batch_size=1000, verbose=0) - expected).max())
    if not difference <= 1e-6:
        raise ModelFileError(f"{name} loaded back predicts otherwise: the largest difference is {difference}")
    return difference


def _prove_trainable(name: str, live: keras.Model, copy: keras.Model, x: Array, y: Array) -> None:
    """`copy` has `live`'s optimizer, with its state, and takes a training step."""
    if copy.optimizer is None or copy.optimizer.get_config() != live.optimizer.get_config():
        raise ModelFileError(f"{name} loaded back has lost its optimizer, {live.optimizer.name}")
    for mine, other in zip(copy.optimizer.variables, live.optimizer.variables, strict=True):
        if not np.array_equal(np.asarray(mine), np.asarray(other)):
            raise ModelFileError(f"{name} loaded back has lost the optimizer's state, {other.path}")
    if not np.isfinite(copy.train_on_batch(x, y)[0]):
        raise ModelFileError(f"{name} loaded back cannot go on training")


@contextmanager
def _quiet_keras() -> Iterator[None]:
    """Keep Keras from calling .h5 a legacy format on a user's screen: this file is asked for."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
