"""SIGKILL at random moments while saving leaves complete files every time, for models and for checkpoints."""

import random
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context

import numpy as np
import pytest

from saver import killed, known_checkpoint, recipe
from tendigits.files import remove_leftovers
from tendigits.model.file import load_model
from tendigits.model.network import build_network
from tendigits.train.checkpoint import load_last_checkpoint

pytestmark = pytest.mark.slow

ROUNDS = {"models": 20, "checkpoints": 40}
SEED = 20261125


@pytest.fixture
def kill(request, tmp_path, monkeypatch):
    """kill(first, saves, delay) -> the number of completed saves, in a process that only imported Keras."""
    (tmp_path / request.param).mkdir()
    (tmp_path / "temporary").mkdir()
    # Keras makes folders there, which a killed process leaves.
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    imported = {"initializer": import_module, "initargs": ("tendigits.model.file",)}
    with ProcessPoolExecutor(1, get_context("spawn"), **imported) as pool:
        yield lambda *how: pool.submit(killed, request.param, tmp_path / request.param, *how).result()


@pytest.mark.parametrize("kill", ["models"], indirect=True)
def test_a_process_killed_while_it_saves_a_model_leaves_complete_models(kill, tmp_path):
    folder, rng = tmp_path / "models", random.Random(SEED)
    weights = [build_network(recipe(number)).get_weights() for number in (0, 1)]

    def holds(name):
        """0 or 1, the number of the model in the file; raises ModelFileError if it is damaged."""
        found = load_model(folder / name).get_weights()
        return [all(map(np.array_equal, found, each)) for each in weights].index(True)

    last = kill(0, 2, 0) - 1
    for number in range(ROUNDS["models"]):
        delay = rng.uniform(0, 1.0)
        last += kill(last + 1, rng.choice((0, 1, 1)), delay)
        remove_leftovers(folder)
        about = f"round {number}: killed after {delay:.4f} s, {last} was saved"
        assert sorted(path.name for path in folder.iterdir()) == ["model.h5", "model.keras"], about
        state = holds("model.keras"), holds("model.h5")
        saved, coming = last % 2, (last + 1) % 2
        assert state in ((saved, saved), (coming, saved), (coming, coming)), about
        last += state == (coming, coming)


@pytest.mark.parametrize("kill", ["checkpoints"], indirect=True)
def test_a_process_killed_while_it_saves_checkpoints_loses_no_completed_one(kill, tmp_path):
    folder, rng = tmp_path / "checkpoints", random.Random(SEED)
    last = kill(1, 3, 0)
    for number in range(ROUNDS["checkpoints"]):
        delay = rng.uniform(0, 0.1)
        last += kill(last + 1, rng.randrange(3), delay)
        remove_leftovers(folder)
        about = f"round {number}: killed after {delay:.4f} s, {last} was saved"
        assert all(path.name.startswith("epoch-") for path in folder.iterdir()), about
        warnings = []
        loaded = load_last_checkpoint(folder, warnings.append)
        assert warnings == [], about  # no checkpoint is damaged
        assert loaded.epoch in (last, last + 1), about
        expected = known_checkpoint(loaded.epoch)
        assert (loaded.recipe, loaded.history, loaded.best) == (expected.recipe, expected.history, expected.best), about
        for group in ("variables", "optimizer", "best_weights"):
            assert all(map(np.array_equal, getattr(loaded, group), getattr(expected, group))), about
        last = loaded.epoch
