"""Searches by a real Ray, which is started here: each is a study like any other, and a lost process ends nothing."""

import os
import signal
from functools import partial

import pytest

from tendigits.errors import DataError, HostError
from tendigits.model.recipe import load_recipe
from tendigits.report.run import list_runs, open_run
from tendigits.sweep.ray import try_on_ray
from tendigits.sweep.space import Choices, Range, Space
from tendigits.sweep.study import Sweep, open_study, search

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.usefixtures("ray_ends"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:os.fork.. was called:RuntimeWarning"),  # of other tests' JAX in this process
]
HERE = partial(try_on_ray, "local")


def states(sweep):
    return [trial.state.name for trial in open_study(sweep).trials]


def test_a_search_and_more_of_it_without_ray_and_with(what):
    told = []
    search(what, 4, told.append, HERE)
    assert states(what) == ["COMPLETE"] * 4
    assert {trial.state for trials in told for trial in trials} >= {"running", "finished"}
    search(what, 5)
    best = search(what, 7, how=HERE)
    study = open_study(what)
    assert [trial.user_attrs["run"] for trial in study.trials] == list(range(7))
    runs = list_runs(what.folder / "trials")
    assert len(runs) == 7
    for trial in study.trials:
        run = next(run for run in runs if run.path.name == f"{trial.user_attrs['run']:03}")
        assert run.recipe().learning_rate == trial.params["learning_rate"]
        assert len(trial.intermediate_values) == len(run.history()["loss"])
        if trial.state.name == "COMPLETE":
            assert run.record()["result"]["val_accuracy"] == trial.value
            assert "test_accuracy" not in run.record()["result"]
    assert load_recipe(str(what.folder / "best.toml")) == best
    assert best.learning_rate == study.best_trial.params["learning_rate"]


def test_what_promises_little_is_ended_early(what, monkeypatch):
    monkeypatch.setattr("tendigits.sweep.study.FIRST", 2)
    rates = Space({"learning_rate": Choices((1e-9, 0.02))})
    mixed = Sweep(what.folder, what.recipe.with_changes(epochs=8), rates, what.data, seed=1)
    search(mixed, 9, how=HERE)
    pruned = [trial for trial in open_study(mixed).trials if trial.state.name == "PRUNED"]
    assert pruned
    assert {trial.params["learning_rate"] for trial in pruned} == {1e-9}
    for trial in pruned:
        assert 2 <= len(trial.intermediate_values) < 8
        run = open_run(mixed.folder / "trials" / f"{trial.user_attrs['run']:03}")
        assert not run.is_locked()
        assert run.record()["status"] != "finished"


def test_a_process_that_is_killed_goes_on_from_its_last_epoch(tmp_path, recipe, small_npz):
    what = Sweep(
        tmp_path / "found", recipe.with_changes(epochs=12, batch_size=2, patience=99),
        Space({"learning_rate": Range(1e-3, 2e-3, log=True)}), small_npz,
    )  # fmt: skip
    killed = []

    def watch(trials):
        for trial in trials:
            if not killed and trial.state == "running" and trial.epoch == 3:
                killed.append(trial.number)
                os.kill(int((what.folder / "trials" / f"{trial.number:03}" / ".lock").read_text()), signal.SIGKILL)

    search(what, 2, watch, HERE)
    assert len(killed) == 1
    assert states(what) == ["COMPLETE"] * 2
    runs = list_runs(what.folder / "trials")
    assert [len(run.history()["loss"]) for run in runs] == [12, 12]
    resumed = {run.path.name: len(run.record()["resumed"]) for run in runs}
    assert resumed[f"{killed[0]:03}"] == 1
    assert sum(resumed.values()) == 1


def test_what_every_trial_would_raise_is_raised_once(what, tmp_path):
    missing = Sweep(what.folder, what.recipe, what.space, tmp_path / "none.npz")
    with pytest.raises(DataError, match=r"none\.npz"):
        search(missing, 4, how=HERE)
    assert "COMPLETE" not in states(missing)


def test_a_folder_that_a_node_does_not_see(what):
    def elsewhere(sweep, *others):
        (sweep.folder / "sweep.json").unlink()
        try_on_ray("local", sweep, *others)

    with pytest.raises(HostError, match=r"expected .*found on .*, found none; choose --runs that every node"):
        search(what, 2, how=elsewhere)


def test_a_cluster_that_is_not_there(what):
    with pytest.raises(HostError, match="no Ray cluster at localhost:1: "):
        search(what, 2, how=partial(try_on_ray, "localhost:1"))
    assert states(what) == []
