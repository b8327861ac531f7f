"""Two real processes that train together over loopback; one of them is killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from helpers import free_port, tendigits
from tendigits.errors import UserError
from tendigits.model.file import load_model
from tendigits.train.spmd import initialize

SETTINGS = ["--epochs", "2", "--batch-size", "16", "--json"]


def start(*arguments, data):
    """The same command for each process, with its own digits."""
    cluster = ["--coordinator", f"localhost:{free_port()}", "--processes", len(data)]
    return [
        tendigits("train", *cluster, "--process-id", number, "--data", path, *arguments)
        for number, path in enumerate(data)
    ]


def ended(processes):
    """Standard output, standard error and exit code of each."""
    return [(*process.communicate(timeout=300), process.returncode) for process in processes]


def assert_close(runs, first, second, atol):
    one, other = (load_model(runs / name / "model.keras") for name in (first, second))
    for ours, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=atol)


@pytest.mark.slow
def test_the_weights_are_those_of_one_process(small_npz, tmp_path):
    one = tendigits("train", "--data", small_npz, "--runs", tmp_path, "--name", "one", *SETTINGS)
    two = start("--runs", tmp_path, "--name", "two", *SETTINGS, data=[small_npz, small_npz])
    results = ended([one, *two])
    assert [(errors, code) for _, errors, code in results] == [("", 0)] * 3
    losses = [[json.loads(line)["loss"] for line in out.splitlines()] for out, _, _ in results]
    assert len(losses[0]) == 2
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[1] == losses[2]
    assert_close(tmp_path, "one", "two", 3e-5)
    record = json.loads((tmp_path / "two" / "run.json").read_text())
    assert (record["status"], record["devices"]) == ("finished", {"all": 2, "processes": 2})


@pytest.mark.slow
def test_an_ensemble(small_npz, tmp_path):
    settings = ["--runs", tmp_path, "--ensemble-size", 2, "--hidden", 16, "--validation-split", 0.1, *SETTINGS]
    one = tendigits("train", "--data", small_npz, "--name", "one", *settings)
    results = ended([one, *start("--name", "two", *settings, data=[small_npz, small_npz])])
    assert [code for *_, code in results] == [0, 0, 0], results
    assert_close(tmp_path, "one", "two", 3e-5)


@pytest.mark.slow
def test_other_digits_are_an_error_in_every_process(small_npz, tmp_path):
    other = tmp_path / "other.npz"
    with np.load(small_npz) as file:
        arrays = dict(file)
    np.savez(other, **arrays | {"x_train": 255 - arrays["x_train"]})
    for _, errors, code in ended(start("--runs", tmp_path / "runs", *SETTINGS, data=[small_npz, other])):
        assert (code, errors) == (
            2, "tendigits: expected the same digits in every process, found different ones in process 1\n"
        )  # fmt: skip
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, 1])
def test_a_lost_process_ends_the_other_and_the_run_can_be_resumed(small_npz, tmp_path, killed):
    settings = ["--runs", tmp_path, "--hidden", 24, "--epochs", 20, "--patience", 30, "--batch-size", 6, "--json"]
    whole = tendigits("train", "--data", small_npz, "--name", "whole", *settings)
    assert ended([whole])[0][2] == 0
    both = start("--name", "lost", *settings, data=[small_npz, small_npz])
    until = time.monotonic() + 120
    while not list((tmp_path / "lost" / "checkpoints").glob("epoch-*3.npz")) and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(both[killed].pid, signal.SIGKILL)
    _, errors, code = ended(both)[1 - killed]
    assert code
    assert "lost another process in epoch" in errors
    if killed == 1:
        assert code == 1
        assert errors.count("\n") == 1
        assert f"resume with: tendigits train --resume {tmp_path / 'lost'}" in errors
        assert json.loads((tmp_path / "lost" / "run.json").read_text())["status"] == "interrupted"
    cluster = ["--coordinator", f"localhost:{free_port()}", "--processes", 2, "--resume", tmp_path / "lost", "--json"]
    first = tendigits("train", *cluster, "--process-id", 0)
    second = tendigits("train", *cluster, "--process-id", 1, "--data", small_npz)
    results = ended([first, second])
    assert [code for *_, code in results] == [0, 0], results
    assert_close(tmp_path, "whole", "lost", 1e-3)  # after 20 epochs the last bits have spread
    assert len((tmp_path / "lost" / "history.csv").read_text().splitlines()) == 21


@pytest.mark.slow
@pytest.mark.parametrize("process_id", [0, 1])
def test_a_process_that_waits_in_vain_ends_with_one_line(process_id):
    address = f"localhost:{free_port()}"
    code = f"from tendigits.train.spmd import initialize; initialize({address!r}, 2, {process_id}, timeout=1.5)"
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=200)
    assert done.returncode == 1
    assert done.stderr == (
        "tendigits: no answer from another process for 1.5 s at the start; run the same command with each --process-id "
        f"from 0 to 1; each must reach {address}\n"
    )


def test_a_port_in_use_is_refused():
    with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        address = f"localhost:{server.getsockname()[1]}"
        with pytest.raises(UserError, match=rf"--coordinator: cannot listen at {address} \(.*\); choose another port"):
            initialize(address, 2, 0)


@pytest.mark.parametrize(
    ("coordinator", "process_id", "message"),
    [
        ("localhost", 0, "--coordinator: expected HOST:PORT, received 'localhost'"),
        (":12", 0, "--coordinator: expected HOST:PORT"),
        ("a:99999", 0, "--coordinator: expected HOST:PORT"),
        ("a:1", 2, "--process-id: expected 0 to 1, received 2"),
    ],
)
def test_wrong_arguments_are_refused(coordinator, process_id, message):
    with pytest.raises(UserError, match=message):
        initialize(coordinator, 2, process_id)
