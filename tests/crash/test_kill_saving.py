"""SIGKILL at random moments while saving leaves complete files every time, for models and for checkpoints."""

import json
import random
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tendigits.files import remove_leftovers
from tendigits.model.file import load_model
from tendigits.model.network import build_network
from tendigits.train.checkpoint import load_last_checkpoint

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("saver.py")
saver_module = SimpleNamespace(**runpy.run_path(str(SCRIPT)))
MODEL_MARKS, CHECKPOINT_MARKS, SAVED = saver_module.MODEL_MARKS, saver_module.CHECKPOINT_MARKS, saver_module.SAVED
ROUNDS = 60
SEED = 20261125
PHASES = {
    mark: f"{phase} {name}"
    for name, marks in MODEL_MARKS.items()
    for mark, phase in zip(marks, ("writing", "checking", "replacing"), strict=True)
} | {"": "between two saves"}


@pytest.fixture
def ask_saver(request, tmp_path, monkeypatch):
    """Ask a process to fork a child that saves into a folder, and to kill it; see saver.py."""
    folder, temporary = tmp_path / request.param, tmp_path / "temporary"
    folder.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))  # Keras makes folders there, which a killed process leaves
    # An error where JAX says that it was forked too late.
    options = ["-W", "error", "-W", "ignore:__array__ implementation:DeprecationWarning"]
    command = [sys.executable, *options, SCRIPT, request.param, folder]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(**wanted: object) -> dict:
        process.stdin.write(json.dumps(wanted) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    process.communicate()
    assert process.returncode == 0


def save_whole(ask_saver: Any, marks: str, first: int, saves: int) -> None:
    """Save without a kill."""
    told = ask_saver(first=first, saves=saves, mark=SAVED, nth=saves, delay=0)
    assert told == {"marks": (marks + SAVED) * saves, "status": 0}


def kill(ask_saver: Any, first: int, mark: str, nth: int, delay: float) -> tuple[int, str]:
    """Kill a child; returns the number of finished saves, and the last mark of the unfinished one."""
    told = ask_saver(first=first, saves=1000, mark=mark, nth=nth, delay=delay)
    assert told["status"] == -9
    *whole, last = told["marks"].split(SAVED)
    return len(whole), last[-1:]


def random_delay(rng: random.Random) -> float:
    """Seconds from a mark to the kill: often within the first millisecond, as some phases are short."""
    return 0.2 * rng.random() ** 5


@pytest.mark.parametrize("ask_saver", ["models"], indirect=True)
def test_a_process_killed_while_it_saves_a_model_leaves_whole_models(ask_saver, tmp_path):
    folder = tmp_path / "models"
    marks = "".join(MODEL_MARKS.values())
    known = [build_network(saver_module.recipe(which)).get_weights() for which in (0, 1)]

    def which(name: str) -> int:
        """The number of the model in the file; ModelFileError if it is damaged, ValueError if it is neither."""
        weights = load_model(folder / name).get_weights()
        return [all(map(np.array_equal, weights, other)) for other in known].index(True)

    save_whole(ask_saver, marks, first=0, saves=2)
    hit, rng = Counter(), random.Random(SEED)
    before = {name: which(name) for name in MODEL_MARKS}
    for number in range(ROUNDS):
        nth, mark = rng.choice((0,) * 7 + (1,)), marks[number % len(marks)]
        first, delay = 1 - before["model.keras"], random_delay(rng)
        about = f"seed {SEED}, round {number}: killed {delay:.4f} s after mark {mark} of save {nth}, {before} before"

        whole, last = kill(ask_saver, first, mark, nth, delay)
        leftovers = {path.name.split("-", 3)[3] for path in folder.glob(".writing-*")}
        assert leftovers <= MODEL_MARKS.keys(), about
        remove_leftovers(folder)
        assert sorted(path.name for path in folder.iterdir()) == sorted(MODEL_MARKS), about

        # Saves that returned count; the last one is there file by file, as far as it came.
        saved = [first if i % 2 == 0 else 1 - first for i in range(whole + 1)]
        for name, (*_, replacing) in MODEL_MARKS.items():
            old, new = (saved[-2] if whole else before[name]), saved[-1]
            now = which(name)
            possible = {old, new} if last == replacing else {new} if last > replacing else {old}
            assert now in possible, f"{about}; {name} was {PHASES[last]}, and holds {now}"
            before[name] = now
        hit[PHASES[last]] += 1
    assert {PHASES[mark] for mark in marks} <= set(hit)


@pytest.mark.parametrize("ask_saver", ["checkpoints"], indirect=True)
def test_a_process_killed_while_it_saves_checkpoints_loses_none_that_was_acknowledged(ask_saver, tmp_path):
    folder = tmp_path / "checkpoints"
    save_whole(ask_saver, CHECKPOINT_MARKS, first=1, saves=4)
    hit, rng = Counter(), random.Random(SEED)
    newest = 4
    for number in range(ROUNDS):
        nth, mark = rng.randrange(4), CHECKPOINT_MARKS[number % len(CHECKPOINT_MARKS)]
        delay = random_delay(rng)
        about = f"seed {SEED}, round {number}: killed {delay:.4f} s after mark {mark} of save {nth}, {newest} before"

        whole, last = kill(ask_saver, newest + 1, mark, nth, delay)
        remove_leftovers(folder)
        names = sorted(path.name for path in folder.iterdir())  # more than two where it was killed before the sweep
        assert len(names) >= 2, about
        assert all(name.startswith("epoch-") for name in names), about

        said: list[str] = []
        loaded = load_last_checkpoint(folder, said.append)
        assert said == [], about  # nothing damaged was ever to be seen
        assert loaded is not None, about
        acknowledged = newest + whole
        assert loaded.epoch in ((acknowledged, acknowledged + 1) if last == "c" else (acknowledged,)), about
        same = saver_module.known_checkpoint(loaded.epoch)
        assert (loaded.recipe, loaded.history, loaded.best) == (same.recipe, same.history, same.best), about
        for group in ("variables", "optimizer", "best_weights"):
            assert all(map(np.array_equal, getattr(loaded, group), getattr(same, group))), about
        newest = loaded.epoch
        hit[PHASES[last].replace("model.keras", "")] += 1
    assert {"writing ", "checking ", "replacing "} <= set(hit)
