"""Searches on a real Ray cluster on this machine, by the command: Ray's driver has a process of its own."""

import os
import signal
import time
from dataclasses import replace

import pytest
from optuna.distributions import FloatDistribution

from processes import tendigits
from tendigits.model.recipe_files import to_toml
from tendigits.runs.run import open_run
from tendigits.sweep.study import RUN, open_study, search

pytestmark = pytest.mark.slow


@pytest.fixture
def start(what):
    """Start the command for a search with four trials on a cluster."""

    def start(what, *options):
        recipe, space = what.folder.with_name("tiny.toml"), what.folder.with_name("space.toml")
        recipe.write_text(to_toml(what.recipe))
        space.write_text("learning_rate = { low = 1e-3, high = 2e-3 }")
        where = "--name", what.folder.name, "--runs", what.folder.parent
        files = "--recipe", recipe, "--space", space, "--data", what.data
        return tendigits("sweep", *files, *where, "--trials", 4, *options, "--ray", "local")

    return start


def kill_one(what, process) -> str:
    """Kill the process of a trial in one of its epochs; returns the name of its run."""
    while process.poll() is None:
        for trial in open_study(what).trials:
            if trial.number and trial.state.name == "RUNNING" and len(trial.intermediate_values) >= 3:
                lock = what.folder / "trials" / f"{trial.user_attrs[RUN]:03}" / ".lock"
                os.kill(int(lock.read_bytes()[1:]), signal.SIGKILL)
                return lock.parent.name
        time.sleep(0.1)
    raise AssertionError(process.communicate())


def test_a_search_continues_on_a_cluster_and_a_killed_trial_is_resumed(what, start):
    recipe = what.recipe.with_changes(epochs=12, batch_size=2, patience=99)
    what = replace(what, recipe=recipe, space={"learning_rate": FloatDistribution(1e-3, 2e-3)})
    search(what, 1)
    process = start(what)
    killed = kill_one(what, process)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, ""), out
    trials = [trial for trial in open_study(what).trials if trial.state.name == "COMPLETE"]
    assert len({trial.params["learning_rate"] for trial in trials}) == len(trials) == 4
    runs = [open_run(path) for path in sorted((what.folder / "trials").iterdir())]
    assert [len(run.history()["loss"]) for run in runs] == [12] * 4
    assert [run.path.name for run in runs if run.record()["resumed"]] == [killed]


def test_an_error_of_a_trial_ends_the_search(what, start, tmp_path):
    process = start(replace(what, data=tmp_path / "none.npz"))
    _, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert err.count("\n") == 1
    assert "none.npz" in err
