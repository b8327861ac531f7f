"""A real `tendigits train`, killed by real signals and resumed, ends bit for bit as if it had never stopped."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from tendigits.model.file import load_model
from tendigits.report.run import Run

pytestmark = pytest.mark.alone

# Many short epochs: wherever a signal comes, it comes within one.
KNOBS = ["--hidden", "48,24", "--batch-size", "8", "--epochs", "40", "--patience", "30"]


def train(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tendigits", "train", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def start(npz: Path, runs: Path, name: str) -> subprocess.Popen[str]:
    return train("--data", npz, "--runs", runs, "--name", name, "--json", *KNOBS)


def finish(process: subprocess.Popen[str]) -> str:
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return err


@pytest.fixture(scope="module")
def whole(small_npz, tmp_path_factory) -> Path:
    """The run that nobody interrupts."""
    runs = tmp_path_factory.mktemp("whole")
    finish(start(small_npz, runs, "one"))
    return runs / "one"


def assert_same(run: Path, whole: Path) -> None:
    assert (run / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
    assert (run / "report.json").read_bytes() == (whole / "report.json").read_bytes()
    assert Run(run).record()["result"] == Run(whole).record()["result"]
    mine, theirs = (load_model(path / "model.keras") for path in (run, whole))
    variables = [(m.variables + m.optimizer.variables) for m in (mine, theirs)]
    assert len(variables[0]) == len(variables[1]) > 10
    for one, other in zip(*variables, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    with h5py.File(run / "model.h5") as one, h5py.File(whole / "model.h5") as other:
        paths = []
        one.visititems(lambda path, item: paths.append(path) if isinstance(item, h5py.Dataset) else None)
        for path in paths:
            np.testing.assert_array_equal(one[path][()], other[path][()])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_polite_signal(small_npz, tmp_path, whole, number):
    process = start(small_npz, tmp_path, "one")
    for _ in range(3):
        assert json.loads(process.stdout.readline())["epoch"]
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    lines = err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"tendigits: interrupted by {number.name} in epoch ")
    assert lines[0].endswith(f"go on with: tendigits train --resume {tmp_path / 'one'}")
    assert np.isfinite(load_model(tmp_path / "one" / "model.keras").get_weights()[0]).all()
    finish(train("--resume", tmp_path / "one", "--quiet"))
    assert_same(tmp_path / "one", whole)


def kill_and_resume(npz: Path, runs: Path, whole: Path, rng: random.Random, kills: int) -> None:
    process = start(npz, runs, "one")
    for kill in range(kills):
        for _ in range(rng.randrange(1, 3)):
            process.stdout.readline()
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.communicate()
        if Run(runs / "one").record()["status"] == "finished":
            break
        process = train("--resume", runs / "one", "--quiet" if kill == kills - 1 else "--json")
    else:
        finish(process)
    assert_same(runs / "one", whole)
    assert not list((runs / "one").rglob(".writing-*"))


def test_sigkill_in_an_epoch(small_npz, tmp_path, whole):
    kill_and_resume(small_npz, tmp_path, whole, random.Random(0), kills=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 7))
def test_sigkill_again_and_again(small_npz, tmp_path, whole, seed):
    kill_and_resume(small_npz, tmp_path, whole, random.Random(seed), kills=3)


def start_a_long_one(npz: Path, runs: Path) -> subprocess.Popen[str]:
    process = train("--data", npz, "--runs", runs, "--name", "one", "--json", "--epochs", 10000, "--patience", 10000)
    process.stdout.readline()
    return process


def test_a_second_training_in_the_same_folder_is_refused(small_npz, tmp_path):
    first = start_a_long_one(small_npz, tmp_path)
    second = train("--resume", tmp_path / "one")
    _, err = second.communicate(timeout=120)
    first.kill()
    first.communicate()
    assert second.returncode == 2
    assert err == (
        f"tendigits: {tmp_path / 'one'} is in use by process {first.pid}; wait for it, or choose another --name\n"
    )


def test_ctrl_c_before_the_first_epoch_ends(small_npz, tmp_path, whole):
    process = start(small_npz, tmp_path, "one")
    deadline = time.monotonic() + 120
    while not (tmp_path / "one" / "run.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.startswith("tendigits: interrupted")
    assert f"--resume {tmp_path / 'one'}" in err
    finish(train("--resume", tmp_path / "one", "--quiet"))
    assert_same(tmp_path / "one", whole)


@pytest.mark.parametrize("seconds", [0.05, 0.8])  # while it ends the step, and while it saves
def test_a_second_ctrl_c_does_not_wait(small_npz, tmp_path, seconds):
    process = start_a_long_one(small_npz, tmp_path)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(seconds)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "--resume" in err
    assert "best model so far" not in err or (tmp_path / "one" / "model.keras").exists()
