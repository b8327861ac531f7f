"""A search with scripted trials: it proposes, prunes, remembers, and continues after any end. One search is real."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import optuna
import pytest
from optuna.distributions import FloatDistribution

from tendigits.errors import DivergedError, Failure, Interrupted, RunError
from tendigits.files import lock_folder
from tendigits.model.recipe_files import load_recipe
from tendigits.runs.run import open_run
from tendigits.sweep import study as module
from tendigits.sweep.study import open_study, search, summarize
from tendigits.sweep.trial import Pruned


class Scripted:
    """Stands in for `run_trial`: the larger the learning rate, the better. `event(n, epoch)` may raise in the n-th."""

    def __init__(self):
        self.calls = []
        self.event = lambda n, epoch: None

    def __call__(self, recipe, data, folder, should_prune):
        self.calls.append((folder.name, recipe.learning_rate))
        for epoch in range(recipe.epochs):
            self.event(len(self.calls) - 1, epoch)
            if should_prune(epoch, recipe.learning_rate):
                raise Pruned
        return recipe.learning_rate


@pytest.fixture
def scripted(monkeypatch) -> Scripted:
    trials = Scripted()
    monkeypatch.setattr(module, "run_trial", trials)
    monkeypatch.setattr(module, "plot_search", lambda *_: None)
    return trials


def states(what):
    return [trial.state for trial in summarize(open_study(what))]


def test_a_real_search(what):
    shown = []
    best = search(what, 2, shown.append)
    study = open_study(what)
    runs = [open_run(path) for path in sorted((what.folder / "trials").iterdir())]
    for trial, run in zip(study.trials, runs, strict=True):
        assert run.path.name == f"{trial.number:03}"
        assert run.record()["result"]["val_accuracy"] == trial.value
        assert run.recipe().learning_rate == trial.params["learning_rate"]
    assert best.learning_rate == study.best_params["learning_rate"]
    assert load_recipe(str(what.folder / "best.toml")) == best
    assert (what.folder / "search.png").stat().st_size > 10_000
    assert [(trial.number, trial.state, trial.epochs) for trial in shown[3]] == [(0, "running", 3)]
    assert shown[-1] == summarize(study)


def test_a_trial_that_is_worse_than_the_median_is_pruned(what, scripted, monkeypatch):
    rates = iter([0.01, 0.02, 0.01, 0.02, 0.01, 1e-4])
    run_next = module.run_next

    def next_rate(sweep, study, *others):
        study.enqueue_trial({"learning_rate": next(rates)})
        run_next(sweep, study, *others)

    monkeypatch.setattr(module, "run_next", next_rate)
    search(what, 6)
    assert states(what) == ["finished"] * 5 + ["pruned"]
    assert summarize(open_study(what))[-1].epochs == 2


def test_more_trials_continue_the_same_search(what, scripted):
    search(what, 2)
    search(what, 3)
    search(what, 3)
    assert states(what) == ["finished"] * 3
    assert len(dict(scripted.calls)) == len({rate for _, rate in scripted.calls}) == 3


def test_an_interrupted_trial_is_retried_in_its_own_run(what, scripted):
    def interrupt(n, epoch):
        if (n, epoch) == (1, 2):
            raise Interrupted("by SIGINT", 2)

    scripted.event = interrupt
    with pytest.raises(Interrupted):
        search(what, 3)
    assert states(what) == ["finished", "running"]
    journal = what.folder / "study.journal"
    journal.write_bytes(journal.read_bytes() + b'{"op_code":')  # a full disk,
    (what.folder / "study.journal.lock").touch()  # or a killed process
    search(what, 3)
    assert states(what) == ["finished"] * 3
    assert scripted.calls[2] == scripted.calls[1]
    assert len({name for name, _ in scripted.calls}) == 3


def test_a_trial_that_diverges_is_pruned(what, scripted):
    def diverge(n, epoch):
        if n != 1:
            raise DivergedError("expected a finite loss")

    scripted.event = diverge
    with pytest.raises(Failure, match="no trial was finished"):
        search(what, 1)
    search(what, 2)
    assert states(what) == ["pruned", "finished"]


def test_two_searches_in_one_folder_at_a_time_are_refused(what):
    what.folder.mkdir()
    with lock_folder(what.folder, ""), pytest.raises(RunError, match="is in use by process"):
        search(what, 1)


def test_another_search_in_the_same_folder_is_refused(what, scripted):
    search(what, 1)
    other = replace(what, recipe=what.recipe.with_changes(epochs=4), data=None)
    with pytest.raises(RunError, match="holds a search with another recipe and another data; choose another --name"):
        search(other, 1)
    (what.folder / "sweep.json").write_text("{")
    with pytest.raises(RunError, match=r"sweep\.json is damaged"):
        search(what, 1)


@pytest.mark.parametrize(
    "line", [b"\xff\xfe", b"[]", b'{"op_code": 0}', b'{"op_code": 99, "worker_id": "a"}', b"[" * 50_000], ids=range(5)
)
def test_a_damaged_journal_is_a_run_error(line, tmp_path):
    what = module.Sweep(tmp_path, load_recipe("classic"), {})
    (tmp_path / "study.journal").write_bytes(line + b"\n")
    with pytest.raises(RunError, match=r"study\.journal is damaged \(\w+: .*; choose another --name") as caught:
        open_study(what)
    assert "\n" not in str(caught.value)


def test_the_best_recipe_has_comments_on_how_it_was_found(what, scripted):
    what = replace(what, recipe=what.recipe.with_changes(validation_split=0.0))
    space = {"learning_rate": FloatDistribution(0.01, 0.02), "augmentation.shift": FloatDistribution(1, 2)}
    best = search(replace(what, space=space), 2)
    assert best.validation_split == 0.1
    path = what.folder / "best.toml"
    first, second, *_ = path.read_text().splitlines()
    assert first == f"# The best of 2 trials: {best.learning_rate:.2%} on 10% of the training digits."
    assert second.startswith("# It was chosen by that figure, so expect less on other digits. Trial ")
    assert load_recipe(str(path)) == best
    assert json.loads((what.folder / "sweep.json").read_text())["format"] == 2


SCRIPT = """
import sys
from pathlib import Path
from optuna.distributions import FloatDistribution
from tendigits.model.recipe import Recipe
from tendigits.sweep.study import Sweep, search

recipe = Recipe(name="tiny", hidden=(16,), epochs=30, patience=99, validation_split=0.2, batch_size=4)
space = {"learning_rate": FloatDistribution(1e-4, 1e-1, log=True)}
search(Sweep(Path(sys.argv[1]), recipe, space, sys.argv[2]), 2, lambda trials: print(len(trials), flush=True))
"""


@pytest.mark.slow
def test_kill_9_in_the_middle_loses_no_epoch(tmp_path, small_npz):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "found"), str(small_npz)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for _ in range(12):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    run = open_run(tmp_path / "found" / "trials" / "000")
    assert 5 < len(run.history()["loss"]) < 30
    subprocess.run(command, check=True, capture_output=True, timeout=200)
    record = run.record()
    assert record["status"] == "finished"
    assert len(record["resumed"]) == 1
    assert len(run.history()["loss"]) == 30
    assert len(list((tmp_path / "found" / "trials").iterdir())) == 2


def test_processes_propose_different_values(what):
    what.folder.mkdir()
    # With a sum of process and trials as the seed, the three would be equal.
    proposed = [open_study(what, process).ask(what.space).params["learning_rate"] for process in (2, 1, 0)]
    assert len(set(proposed)) == 3
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING
