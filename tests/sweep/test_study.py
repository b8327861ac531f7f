"""A search, for real on few digits: it finds, remembers, goes on after any end, and leaves the test digits alone."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import optuna
import pytest

from tendigits.errors import Interrupted, RunError
from tendigits.model.recipe import load_recipe
from tendigits.report.run import Run, list_runs, open_run
from tendigits.sweep import study as module
from tendigits.sweep.study import Sweep, open_study, search, shown


def finished(study: optuna.Study) -> int:
    return sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in study.trials)


def test_a_search_from_its_beginning_to_its_end(what):
    told = []
    best = search(what, 7, told.append)
    study = open_study(what)
    assert len(study.trials) == 7
    runs = list_runs(what.folder / "trials")
    assert [run.path.name for run in runs] == [f"{i:03}" for i in range(7)]
    for trial, run in zip(study.trials, runs, strict=True):
        record = run.record()
        if trial.state.name == "COMPLETE":
            assert record["result"]["val_accuracy"] == trial.value
        assert "test_accuracy" not in record.get("result", {})
        assert run.recipe().learning_rate == trial.params["learning_rate"]
    assert study.best_value == max(trial.value for trial in study.trials if trial.value is not None)
    assert best.learning_rate == study.best_trial.params["learning_rate"]
    assert load_recipe(str(what.folder / "best.toml")) == best
    assert (what.folder / "search.png").stat().st_size > 10_000
    assert {state for trials in told for state in {trial.state for trial in trials}} >= {"running", "finished"}
    assert max(len(trials) for trials in told) == 7


def test_a_learning_rate_that_is_much_too_small_is_pruned(what, monkeypatch):
    """The sixth trial is compared with five good ones, and does not come to its end."""
    rates = iter([0.01, 0.02, 0.01, 0.02, 0.01, 1e-6])

    def ask(study):
        study.enqueue_trial({"learning_rate": max(1e-4, next(rates)), "hidden": "[32]"})

    real = module._try

    def propose(sweep, recipe, study, *others):
        ask(study)
        real(sweep, recipe, study, *others)

    monkeypatch.setattr(module, "_try", propose)
    search(what, 6)
    last = open_study(what).trials[-1]
    assert last.state.name == "PRUNED"
    assert 2 <= len(last.intermediate_values) < 3 + 1
    assert [trial.state for trial in shown(open_study(what))] == ["finished"] * 5 + ["pruned"]


def test_more_trials_go_on_with_the_same_search(what):
    search(what, 2)
    search(what, 3)
    study = open_study(what)
    assert finished(study) == 3
    assert len({trial.params["learning_rate"] for trial in study.trials}) == 3
    search(what, 3)
    assert len(open_study(what).trials) == 3


def test_an_interrupted_trial_goes_on_in_its_own_run(what):
    calls = 0

    def interrupt(trials):
        nonlocal calls
        calls += 1
        if len(trials) == 2 and trials[1].epoch == 2:
            raise Interrupted("by SIGINT", 2)

    with pytest.raises(Interrupted):
        search(what, 3, interrupt)
    assert len(open_run(what.folder / "trials" / "001").history()["loss"]) == 2
    search(what, 3)
    trials = shown(open_study(what))
    assert [trial.number for trial in trials if trial.state == "finished"] == [0, 1, 2]
    assert sorted(path.name for path in (what.folder / "trials").iterdir()) == ["000", "001", "002"]
    record = open_run(what.folder / "trials" / "001").record()
    assert len(record["resumed"]) == 1


SCRIPT = """
import sys
from pathlib import Path
from tendigits.sweep.space import Choices, Range, Space
from tendigits.sweep.study import Sweep, search
from tendigits.model.recipe import Recipe

recipe = Recipe(name="tiny", hidden=(16,), epochs=30, patience=99, validation_split=0.2, batch_size=4)
space = Space({"learning_rate": Range(1e-4, 1e-1, log=True)})
search(Sweep(Path(sys.argv[1]), recipe, space, sys.argv[2]), 2, lambda trials: print(len(trials), flush=True))
"""


@pytest.mark.slow
def test_kill_9_in_the_middle_loses_no_epoch(tmp_path, small_npz):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "found"), str(small_npz)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for _ in range(12):
        process.stdout.readline()
    time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    run = open_run(tmp_path / "found" / "trials" / "000")
    before = len(run.history()["loss"])
    assert 5 < before < 30
    subprocess.run(command, check=True, capture_output=True, timeout=200)
    record = run.record()
    assert record["status"] == "finished"
    assert len(record["resumed"]) == 1
    assert len(run.history()["loss"]) == 30
    assert len(list((tmp_path / "found" / "trials").iterdir())) == 2


def test_two_searches_at_a_time_in_one_folder_are_refused(what):
    what.folder.mkdir()
    with Run(what.folder).lock(), pytest.raises(RunError, match="is in use by process"):
        search(what, 1)
    assert not (what.folder / "study.db").exists()


def test_another_search_in_the_same_folder_is_refused(what):
    search(what, 1)
    other = Sweep(what.folder, what.recipe.with_changes(epochs=4), what.space, what.data)
    with pytest.raises(RunError, match="holds a search with another recipe; search anew with another --name"):
        search(other, 1)
    (what.folder / "sweep.json").write_text("{")
    with pytest.raises(RunError, match=r"sweep\.json is damaged"):
        search(what, 1)


def test_a_recipe_without_held_out_digits_holds_some_out(what):
    search(Sweep(what.folder, what.recipe.with_changes(validation_split=0.0), what.space, what.data), 1)
    assert open_run(what.folder / "trials" / "000").recipe().validation_split == 0.1


def test_a_setting_that_diverges_is_no_end(what, monkeypatch):
    from tendigits.errors import DivergedError

    real, calls = module.run_trial, []

    def diverge_first(*arguments, **options):
        calls.append(1)
        if len(calls) == 1:
            raise DivergedError("epoch 1: expected a finite loss")
        return real(*arguments, **options)

    monkeypatch.setattr(module, "run_trial", diverge_first)
    search(what, 2)
    assert [trial.state.name for trial in open_study(what).trials] == ["PRUNED", "COMPLETE"]


def test_the_best_recipe_says_how_it_was_found(what):
    search(what, 2)
    first, second, *rest = (what.folder / "best.toml").read_text().splitlines()
    assert re.fullmatch(r"# The best of 2 trials: \d\d\.\d\d% on 20% of the training digits, held out\.", first)
    assert "so it flatters" in second
    assert "epochs = 3" in rest
    assert json.loads((what.folder / "sweep.json").read_text())["format"] == 1
