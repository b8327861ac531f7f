"""A `tendigits train` process that is killed and resumed ends with the same bits as an uninterrupted one."""

import json
import random
import signal
import time

import numpy as np
import pytest

from processes import tendigits
from tendigits.model.file import load_model
from tendigits.runs.run import Run

pytestmark = pytest.mark.slow

KILLS = 3
# Many short epochs, so that signals arrive in the middle of one.
SETTINGS = ["--hidden", "48,24", "--batch-size", "8", "--epochs", "40", "--patience", "30"]


def start(npz, runs, *settings):
    return tendigits("train", "--data", npz, "--runs", runs, "--name", "one", "--json", *(settings or SETTINGS))


def resume(runs, output):
    return tendigits("train", "--resume", runs / "one", output)


def errors_of(process, code):
    """Wait for the process to end with this exit code; its standard error."""
    _, errors = process.communicate(timeout=300)
    assert process.returncode == code, errors
    return errors


@pytest.fixture(scope="module")
def uninterrupted(small_npz, tmp_path_factory):
    runs = tmp_path_factory.mktemp("uninterrupted")
    errors_of(start(small_npz, runs), 0)
    return runs / "one"


def assert_same(run, other):
    assert (run / "history.csv").read_bytes() == (other / "history.csv").read_bytes()
    assert (run / "report.json").read_bytes() == (other / "report.json").read_bytes()
    assert Run(run).record()["result"] == Run(other).record()["result"]
    models = [load_model(path / "model.keras") for path in (run, other)]
    variables = [model.variables + model.optimizer.variables for model in models]
    assert len(variables[0]) == len(variables[1]) > 10
    for mine, theirs in zip(*variables, strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def test_signals_before_the_first_epoch_ends_and_in_later_ones(small_npz, tmp_path, uninterrupted):
    """Each of them ends the command, which is then resumed."""
    process = start(small_npz, tmp_path)
    while not (tmp_path / "one" / "run.json").exists() and process.poll() is None:
        time.sleep(0.01)
    for number, epochs in ((signal.SIGINT, 0), (signal.SIGINT, 3), (signal.SIGTERM, 3)):
        for _ in range(epochs):
            assert json.loads(process.stdout.readline())["epoch"]
        process.send_signal(number)
        errors, place = errors_of(process, 128 + number), f" by {number.name} in epoch " if epochs else ""
        assert errors.startswith(f"tendigits: interrupted{place}")
        assert f"resume with: tendigits train --resume {tmp_path / 'one'}\n" in errors
        if epochs:
            assert np.isfinite(load_model(tmp_path / "one" / "model.keras").get_weights()[0]).all()
        process = resume(tmp_path, "--json")
    errors_of(process, 0)
    assert_same(tmp_path / "one", uninterrupted)


def test_sigkill_in_an_epoch(small_npz, tmp_path, uninterrupted):
    rng, runs = random.Random(1), tmp_path
    process = start(small_npz, runs)
    for kill in range(KILLS):
        for _ in range(rng.randrange(1, 3)):
            process.stdout.readline()
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.communicate()
        if Run(runs / "one").record()["status"] == "finished":
            break
        process = resume(runs, "--quiet" if kill == KILLS - 1 else "--json")
    else:
        errors_of(process, 0)
    assert_same(runs / "one", uninterrupted)
    assert not list((runs / "one").rglob(".writing-*"))


@pytest.mark.parametrize("seconds", [0.05, 0.8])  # while the step ends, and while the model is saved
def test_a_second_signal_ends_it_at_once(small_npz, tmp_path, seconds):
    process = start(small_npz, tmp_path, "--epochs", 10000, "--patience", 10000)
    process.stdout.readline()
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(seconds)
    errors = errors_of(process, 130)
    assert "Traceback" not in errors
    assert "--resume" in errors
    assert "best model so far" not in errors or (tmp_path / "one" / "model.keras").exists()
