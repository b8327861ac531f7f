"""Checkpoints: everything that the next epoch depends on, in one file that is either complete or absent.

One `.npz` for each epoch holds the weights, the dropout seeds, the optimizer, the best weights so far and, as JSON, the
recipe, the history and the state of early stopping; zip has a checksum of each. The last two checkpoints are kept: if
the newer one is damaged, the older one is used.
"""

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tendigits.errors import RunError, reason_of
from tendigits.files import replacing
from tendigits.model.recipe import Recipe
from tendigits.untrusted import check_zip, open_file, path_inside

if TYPE_CHECKING:
    import keras

FORMAT = 2
MAX_CHECKPOINT_BYTES = 2**30  # a checkpoint is 4/3 of the size of a model file, whose limit is half of this
MAX_CHECKPOINTS = 2  # the one before the last is needed if the last is damaged
_GROUPS = ("variables", "optimizer", "best_weights")

Arrays = list[np.ndarray]
History = dict[str, list[float]]


@dataclass(frozen=True)
class Checkpoint:
    """The state at the end of an epoch; `wait`, `best` and `best_epoch` (from 0) are those of Keras' EarlyStopping."""

    recipe: Recipe
    epoch: int  # number of finished epochs
    history: History
    stopped: bool  # whether early stopping has ended the training
    wait: int
    best: float
    best_epoch: int
    variables: Arrays  # the model's trainable and non-trainable variables, seed states included
    optimizer: Arrays
    best_weights: Arrays  # the result of `get_weights` at the best epoch


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write `epoch-0007.npz` into `folder` and delete all but the last two. Raises DiskError."""
    path = folder / f"epoch-{checkpoint.epoch:04d}.npz"
    meta = {name: value for name, value in vars(checkpoint).items() if name not in _GROUPS}
    meta |= {"format": FORMAT, "recipe": checkpoint.recipe.model_dump(mode="json")}
    arrays = {f"{group}/{i:03d}": array for group in _GROUPS for i, array in enumerate(getattr(checkpoint, group))}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    for old in _newest_first(folder)[MAX_CHECKPOINTS:]:
        old.unlink()
    return path


def load_checkpoint(path: Path) -> Checkpoint:
    """Read one checkpoint. Raises RunError if it is damaged or of another format."""
    try:
        checked = path_inside(path.parent, path.name)
        # np.load would not close the file of a damaged zip.
        with open_file(checked, MAX_CHECKPOINT_BYTES) as opened:
            check_zip(opened, MAX_CHECKPOINT_BYTES, deflated=True)
            # NumPy reads as far as an array's header says, and checksums are compared only at the end.
            with zipfile.ZipFile(opened) as archive:
                if (damaged := archive.testzip()) is not None:
                    raise ValueError(f"{damaged} is damaged")
            opened.seek(0)
            arrays = dict(np.load(opened, allow_pickle=False))
        meta = json.loads(arrays.pop("meta").tobytes())
        if (found := meta.pop("format")) != FORMAT:
            raise ValueError(f"expected format {FORMAT}, received {found}; use the tendigits that wrote it")
        groups: dict[str, Any] = {g: [arrays[n] for n in sorted(arrays) if n.startswith(f"{g}/")] for g in _GROUPS}
        return Checkpoint(**(meta | {"recipe": Recipe(**meta["recipe"])}), **groups)
    except Exception as error:  # damaged bytes raise a dozen classes, from zipfile to pydantic
        raise RunError(f"{path} is not a complete checkpoint: {reason_of(error) or type(error).__name__}") from error


def load_last_checkpoint(folder: Path, warn: Callable[[str], None]) -> Checkpoint | None:
    """The newest complete checkpoint in `folder`; None without one.

    Args:
        warn: called with one line for each damaged checkpoint that is skipped.
    """
    for path in _newest_first(folder):
        try:
            return load_checkpoint(path)
        except RunError as error:
            warn(f"{error}; falling back to the one before")
    return None


def checkpoint_of(
    model: "keras.Model", stopping: "keras.callbacks.EarlyStopping", recipe: Recipe, history: History
) -> Checkpoint:
    """The state of a model in training after the last epoch of `history`."""
    return Checkpoint(
        recipe=recipe,
        epoch=len(history["loss"]),
        history={name: list(values) for name, values in history.items()},
        stopped=bool(model.stop_training),
        wait=stopping.wait,
        best=float(stopping.best),
        best_epoch=stopping.best_epoch,
        variables=[np.asarray(v) for v in _variables(model)],
        optimizer=[np.asarray(v) for v in model.optimizer.variables],
        best_weights=stopping.best_weights,
    )


def restore(model: "keras.Model", checkpoint: Checkpoint) -> None:
    """Overwrite the variables of a compiled model and of its optimizer with the checkpoint's."""
    model.optimizer.build(model.trainable_variables)
    for variable, value in zip(_variables(model), checkpoint.variables, strict=True):
        variable.assign(value)
    for variable, value in zip(model.optimizer.variables, checkpoint.optimizer, strict=True):
        variable.assign(value)


def _variables(model: "keras.Model") -> list[Any]:
    return [*model.trainable_variables, *model.non_trainable_variables]


def _newest_first(folder: Path) -> list[Path]:
    # By length first: epoch 10000 comes after 9999.
    return sorted(folder.glob("epoch-*.npz"), key=lambda path: (len(path.name), path.name), reverse=True)
