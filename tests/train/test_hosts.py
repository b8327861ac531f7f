"""Two real processes that meet over loopback."""

import json

import numpy as np
import pytest

from helpers import free_port, tendigits
from tendigits.errors import UserError
from tendigits.model.file import load_model
from tendigits.train.hosts import _own_number, join

KNOBS = ["--epochs", "2", "--batch-size", "16", "--json"]


@pytest.fixture(scope="module")
def runs(small_npz, tmp_path_factory):
    """A run of one process, one of two, and what the two said."""
    runs = tmp_path_factory.mktemp("runs")
    common = ["train", "--data", small_npz, "--runs", runs, *KNOBS]
    one = tendigits(*common, "--name", "one")
    hosts = f"localhost:{free_port()},localhost"
    two = [tendigits(*common, "--name", "two", "--hosts", hosts, "--host", host) for host in (0, 1)]
    said = [process.communicate(timeout=300) for process in (one, *two)]
    assert [process.returncode for process in (one, *two)] == [0, 0, 0], said
    return runs, said


@pytest.mark.slow
@pytest.mark.alone
def test_the_weights_are_those_of_one_process(runs):
    one, two = (load_model(runs[0] / name / "model.keras") for name in ("one", "two"))
    for ours, theirs in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=3e-5)
    record = json.loads((runs[0] / "two" / "run.json").read_text())
    assert (record["status"], record["devices"]) == ("finished", {"all": 2, "hosts": 2})


@pytest.mark.slow
@pytest.mark.alone
def test_both_say_the_same_and_only_that(runs):
    _, ((one, _), (first, first_errors), (second, second_errors)) = runs
    epochs = [[json.loads(line) for line in said.splitlines()] for said in (one, first, second)]
    losses = [[line["loss"] for line in lines if "loss" in line] for lines in epochs]
    assert len(losses[0]) == 2
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[1] == losses[2]
    assert not [line for line in (first_errors + second_errors).splitlines() if line]


@pytest.mark.parametrize(
    ("hosts", "host", "said"),
    [
        (["a:1"], 0, "expected FIRST:PORT,SECOND,..., received 'a:1'"),
        (["a", "b"], 0, "expected FIRST:PORT,SECOND"),
        (["a:port", "b"], 0, "expected FIRST:PORT,SECOND"),
        ([":12", "b"], 0, "expected FIRST:PORT,SECOND"),
        (["a:1", "b"], 2, "--host: expected 0 to 1, received 2"),
        (["localhost:1", "127.0.0.1"], None, "2 of them are this machine; say which one this is with --host"),
        (["198.51.100.1:1", "203.0.113.1"], None, "none of them is this machine"),
        (["no-such-host.invalid:1", "localhost"], None, "'no-such-host.invalid' cannot be found"),
    ],
)
def test_hosts_that_are_refused(hosts, host, said):
    with pytest.raises(UserError, match=said.replace(".", r"\.")):
        join(hosts, host)


def test_this_machine_is_found_among_them():
    assert _own_number(["198.51.100.1", "localhost"]) == 1
    assert _own_number(["127.0.0.1", "198.51.100.1"]) == 0
