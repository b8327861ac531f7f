"""What a host does that follows: real processes, one of them killed."""

import json
import os
import signal
import time

import numpy as np
import pytest

from helpers import free_port, tendigits
from tendigits.model.file import load_model

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def two(*arguments, data, **others):
    hosts = f"localhost:{free_port()},localhost"
    return [tendigits("train", "--hosts", hosts, "--host", host, "--data", data[host], *arguments) for host in (0, 1)]


def ended(processes):
    return [(process.communicate(timeout=300), process.returncode) for process in processes]


@pytest.mark.parametrize("killed", [0, 1])
def test_a_lost_host_ends_the_other_and_the_run_goes_on_where_it_was(small_npz, tmp_path, killed):
    knobs = ["--runs", tmp_path, "--hidden", "24", "--epochs", "20", "--patience", "30", "--batch-size", "6", "--json"]
    whole = tendigits("train", "--data", small_npz, "--name", "whole", *knobs)
    assert ended([whole])[0][1] == 0
    processes = two("--name", "lost", *knobs, data=[small_npz] * 2)
    checkpoints = tmp_path / "lost" / "checkpoints"
    until = time.monotonic() + 120
    while not list(checkpoints.glob("epoch-*3.npz")) and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(processes[killed].pid, signal.SIGKILL)
    (_, errors), code = ended(processes)[1 - killed]
    assert "lost another host in epoch" in errors
    if killed == 1:
        assert code == 1
        assert errors.count("\n") == 1
        assert f"go on with: tendigits train --resume {tmp_path / 'lost'}" in errors
        assert json.loads((tmp_path / "lost" / "run.json").read_text())["status"] == "interrupted"
    else:
        assert code != 0
    resumed = ended(two("--resume", tmp_path / "lost", "--json", data=[small_npz] * 2))
    assert [code for _, code in resumed] == [0, 0], resumed
    one, other = (load_model(tmp_path / name / "model.keras") for name in ("whole", "lost"))
    for ours, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3)  # 20 epochs of other last bits
    assert len((tmp_path / "lost" / "history.csv").read_text().splitlines()) == 21


def test_other_digits_on_the_second_host(small_npz, tmp_path):
    other = tmp_path / "other.npz"
    with np.load(small_npz) as file:
        arrays = dict(file)
    np.savez(other, **arrays | {"x_train": 255 - arrays["x_train"]})
    for (_, errors), code in ended(two("--runs", tmp_path, "--epochs", "1", data=[small_npz, other])):
        assert code == 2
        assert errors.splitlines()[-1].startswith("tendigits: expected the same digits on every host, found others on")


def test_an_ensemble_of_two_hosts(small_npz, tmp_path):
    recipe = tmp_path / "two.toml"
    recipe.write_text("ensemble_size = 2\nhidden = [16]\nepochs = 2\nvalidation_split = 0.1\n")
    knobs = ["--runs", tmp_path, "--recipe", recipe, "--json"]
    alone = tendigits("train", "--data", small_npz, "--name", "alone", *knobs)
    for (said, errors), code in ended([alone, *two("--name", "parted", *knobs, data=[small_npz] * 2)]):
        assert code == 0, said + errors
    one, other = (load_model(tmp_path / name / "model.keras") for name in ("alone", "parted"))
    for ours, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=3e-5)
