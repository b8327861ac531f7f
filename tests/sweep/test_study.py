"""A search with scripted trials: it proposes, and continues after any end. One search is real."""

from dataclasses import replace

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from tendigits.errors import DivergedError, Failure, Interrupted, RunError
from tendigits.model.recipe_files import load_recipe
from tendigits.runs.run import open_run
from tendigits.sweep import study as module
from tendigits.sweep.study import RUN, importances, open_study, plot_search, search


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
                raise optuna.TrialPruned
        return recipe.learning_rate


@pytest.fixture
def scripted(monkeypatch) -> Scripted:
    trials = Scripted()
    monkeypatch.setattr(module, "run_trial", trials)
    monkeypatch.setattr(module, "plot_search", lambda *_: None)
    return trials


def states(what):
    """The state of each run, in the order of their first trials: a retried trial has the run of the first one."""
    return list({trial.user_attrs[RUN]: trial.state.name for trial in open_study(what).trials}.values())


def test_a_real_search(what):
    shown = []
    best = search(what, 2, lambda study: shown.append([trial.state.name for trial in study.trials]))
    study = open_study(what)
    runs = [open_run(path) for path in sorted((what.folder / "trials").iterdir())]
    for trial, run in zip(study.trials, runs, strict=True):
        assert run.path.name == f"{trial.number:03}"
        assert run.record()["result"]["val_accuracy"] == trial.value
        assert run.recipe().learning_rate == trial.params["learning_rate"]
    assert best.learning_rate == study.best_params["learning_rate"]
    assert load_recipe(str(what.folder / "best.toml")) == best
    assert (what.folder / "search.png").stat().st_size > 10_000
    assert shown == [["COMPLETE"], ["COMPLETE", "COMPLETE"]]


def test_an_interrupted_trial_is_retried_in_its_own_run(what, scripted):
    def interrupt(n, epoch):
        if (n, epoch) == (1, 2):
            raise Interrupted("by SIGINT", 2)

    scripted.event = interrupt
    with pytest.raises(Interrupted):
        search(what, 3)
    assert states(what) == ["COMPLETE", "RUNNING"]
    journal = what.folder / "study.journal"
    journal.write_bytes(journal.read_bytes() + b'{"op_code":')  # a full disk,
    (what.folder / "study.journal.lock").touch()  # or a killed process
    search(what, 3)
    assert states(what) == ["COMPLETE"] * 3
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
    assert states(what) == ["PRUNED", "COMPLETE"]


def test_a_folder_with_another_search_or_other_files_is_refused(what, scripted):
    what.folder.mkdir()
    (what.folder / "best.toml").write_text("mine")
    with pytest.raises(RunError, match="holds other files; choose another --name"):
        search(what, 1)
    assert (what.folder / "best.toml").read_text() == "mine"
    (what.folder / "best.toml").unlink()
    search(what, 1)
    other = replace(what, recipe=what.recipe.with_changes(epochs=4), data=None)
    with pytest.raises(RunError, match="holds a search with another recipe and another data; choose another --name"):
        search(other, 1)
    (what.folder / "sweep.json").write_text("{")
    with pytest.raises(RunError, match=r"sweep\.json is damaged"):
        search(what, 1)


@pytest.mark.parametrize("line", [b"\xff\xfe", b'{"op_code": 0}', b"[" * 50_000], ids=range(3))
def test_a_damaged_journal_is_a_run_error(line, tmp_path):
    what = module.Sweep(tmp_path, load_recipe("classic"), {})
    (tmp_path / "study.journal").write_bytes(line + b"\n")
    with pytest.raises(RunError, match=r"study\.journal is damaged \(\w+: .*; choose another --name") as caught:
        open_study(what)
    assert "\n" not in str(caught.value)


def test_without_a_validation_split_a_tenth_is_held_out(what, scripted):
    best = search(replace(what, recipe=what.recipe.with_changes(validation_split=0.0)), 2)
    assert best.validation_split == 0.1
    expected = f"# The best of 2 trials: {best.learning_rate:.2%} on 10% of the training digits."
    assert (what.folder / "best.toml").read_text().startswith(expected)


def test_processes_propose_different_values(what):
    what.folder.mkdir()
    proposed = [open_study(what, process).ask(what.space).params["learning_rate"] for process in (2, 1, 0)]
    assert len(set(proposed)) == 3


def study_of(n: int, accuracy=lambda i: 0.9 + 0.01 * (i % 4)) -> optuna.Study:
    """Finished trials whose accuracy depends on the learning rate and on nothing else."""
    study = optuna.create_study(direction="maximize")
    distributions = {
        "learning_rate": FloatDistribution(1e-4, 1e-1, log=True),
        "hidden": CategoricalDistribution(["[8]", "[16]"]),
    }
    for i in range(n):
        values = {"learning_rate": 10 ** -(1 + i % 4), "hidden": ["[8]", "[16]"][i % 3 % 2]}
        trial = optuna.trial.create_trial(params=values, distributions=distributions, value=accuracy(i))
        study.add_trial(trial)
    return study


def test_importances_of_settings(tmp_path):
    assert importances(study_of(24))["learning_rate"] > 0.8
    assert importances(study_of(1)) == importances(study_of(6, lambda i: 0.9)) == {}
    plot_search(study_of(24), tmp_path / "search.png")
    assert (tmp_path / "search.png").stat().st_size > 5000
    assert "Best, trial " in (tmp_path / "search.svg").read_text()
