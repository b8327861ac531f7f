"""Searches on one real Ray cluster on this machine."""

import os
import signal
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import pytest
from optuna.distributions import FloatDistribution

from tendigits.cluster import connected
from tendigits.errors import DataError
from tendigits.runs.run import open_run
from tendigits.sweep import ray as ray_module
from tendigits.sweep.ray import WORKER_ENVIRONMENT, run_on_ray
from tendigits.sweep.study import RUN, open_study, search

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:os.fork.. was called:RuntimeWarning"),  # of other tests' JAX in this process
]
HERE = partial(run_on_ray, "local")


@pytest.fixture(scope="module")
def cluster():
    with connected("local", workers=2, environment=WORKER_ENVIRONMENT):
        yield


@pytest.fixture
def shared(cluster, ray_ends, monkeypatch):
    """Searches of the test use the module's cluster."""
    monkeypatch.setattr(ray_module, "connected", lambda *_, **__: nullcontext())


def test_a_search_continues_on_a_cluster_and_a_killed_trial_is_resumed(shared, what):
    what = replace(
        what, recipe=what.recipe.with_changes(epochs=12, batch_size=2, patience=99),
        space={"learning_rate": FloatDistribution(1e-3, 2e-3)},
    )  # fmt: skip
    search(what, 1)
    killed = []

    def kill_one(study):
        for trial in study.trials:
            if not killed and trial.number and trial.state.name == "RUNNING" and len(trial.intermediate_values) >= 3:
                lock = what.folder / "trials" / f"{trial.user_attrs[RUN]:03}" / ".lock"
                os.kill(int(lock.read_bytes()[1:]), signal.SIGKILL)
                killed.append(lock.parent.name)

    search(what, 4, kill_one, HERE)
    trials = [trial for trial in open_study(what).trials if trial.state.name == "COMPLETE"]
    assert len({trial.params["learning_rate"] for trial in trials}) == len(trials) == 4
    runs = [open_run(path) for path in sorted((what.folder / "trials").iterdir())]
    assert [len(run.history()["loss"]) for run in runs] == [12] * 4
    assert {run.path.name for run in runs if run.record()["resumed"]} == set(killed)
    assert len(killed) == 1


def test_an_error_of_a_trial_ends_the_search(shared, what, tmp_path):
    with pytest.raises(DataError, match=r"none\.npz"):
        search(replace(what, data=tmp_path / "none.npz"), 4, run_trials=HERE)
