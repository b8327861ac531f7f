"""SIGKILL at random moments while checkpoints are saved leaves complete files every time."""

import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from saver import assert_same, killed, known_checkpoint
from tendigits.files import remove_leftovers
from tendigits.train.checkpoint import load_last_checkpoint

pytestmark = pytest.mark.slow

ROUNDS = 40
SEED = 20261125


def test_a_process_killed_while_it_saves_checkpoints_loses_no_completed_one(tmp_path):
    folder, rng, last = tmp_path, random.Random(SEED), 0
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for number in range(ROUNDS):
            saves, delay = (rng.randrange(3), rng.uniform(0, 0.1)) if number else (3, 0)
            last += pool.submit(killed, folder, last + 1, saves, delay).result()
            remove_leftovers(folder)
            about = f"round {number}: killed after {delay:.4f} s, {last} was saved"
            assert all(path.name.startswith("epoch-") for path in folder.iterdir()), about
            warnings = []
            loaded = load_last_checkpoint(folder, warnings.append)
            assert warnings == [], about  # no checkpoint is damaged
            assert loaded.epoch in (last, last + 1), about
            assert_same(loaded, known_checkpoint(loaded.epoch))
            last = loaded.epoch
