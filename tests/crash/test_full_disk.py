"""A disk that is full while a model or a checkpoint is saved: DiskError, and the old files are unchanged."""

import numpy as np
import pytest

from samples import full_disk
from saver import known_checkpoint
from tendigits.errors import DiskError
from tendigits.model.file import save_model
from tendigits.model.network import build_network, compile_network
from tendigits.model.recipe import Recipe
from tendigits.train.checkpoint import save_checkpoint


def model_saver(folder):
    recipe, x = Recipe(hidden=(16,)), np.random.default_rng(0).random((32, 784), np.float32)
    model = compile_network(build_network(recipe), recipe)
    model.optimizer.build(model.trainable_variables)
    return lambda number: save_model(model, folder, x)


def checkpoint_saver(folder):
    return lambda number: save_checkpoint(known_checkpoint(number), folder)


@pytest.mark.parametrize(
    ("saver", "largest", "file"),
    [
        pytest.param(model_saver, "model.keras", "model.keras", marks=pytest.mark.slow),
        (checkpoint_saver, "epoch-0002.npz", "epoch-0003.npz"),
    ],
)
def test_a_full_disk_while_saving(tmp_path, saver, largest, file):
    (folder := tmp_path / "folder").mkdir()
    save = saver(folder)
    save(1)
    save(2)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    n = len(before[largest])
    for limit in (0, 1, 100, 2048, 10_000, n // 2, n - 5000, n - 100, n - 1):
        with full_disk(limit), pytest.raises(DiskError) as caught:
            save(3)
        message = str(caught.value)
        assert message.startswith(f"cannot write {folder / file}: ")
        assert "File too large" in message
        assert message.endswith("; free some space or choose another folder")
        assert "\n" not in message
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before  # and no temporary file
    save(3)
