"""Real trainings: a trial is a run, evaluated on validation digits alone, that stops when it is pruned."""

import numpy as np
import optuna
import pytest

from tendigits.errors import Interrupted
from tendigits.runs.run import open_run
from tendigits.sweep.study import run_trial
from tendigits.train import pipeline


@pytest.fixture(scope="module")
def finished(small_npz, recipe, tmp_path_factory):
    """The folder of a whole trial, and what it reported."""
    folder = tmp_path_factory.mktemp("trials") / "whole"
    reports = []
    result = run_trial(recipe, small_npz, folder, lambda *report: reports.append(report))
    return folder, reports, result


def test_a_trial_does_not_use_the_test_digits(finished, small_npz, tmp_path, recipe):
    folder, reports, result = finished
    record = open_run(folder).record()
    assert record["status"] == "finished"
    assert set(record["result"]) == {"epochs", "stopped_early", "best_epoch", "val_loss", "val_accuracy"}
    assert result == record["result"]["val_accuracy"] in [accuracy for _, accuracy in reports]
    assert (folder / "model.keras").exists()
    assert not (folder / "report.json").exists()
    with np.load(small_npz) as file:
        arrays = dict(file)
    arrays["x_test"], arrays["y_test"] = arrays["x_test"][::-1] // 2, (arrays["y_test"] + 1) % 10
    np.savez(tmp_path / "other.npz", **arrays)
    assert run_trial(recipe, tmp_path / "other.npz", tmp_path / "a", lambda *_: False) == result
    assert (tmp_path / "a" / "history.csv").read_bytes() == (folder / "history.csv").read_bytes()


def test_a_pruned_trial_keeps_what_it_reached(small_npz, tmp_path, recipe):
    with pytest.raises(optuna.TrialPruned):
        run_trial(recipe, small_npz, tmp_path / "a", lambda epoch, _: epoch == 1)
    run = open_run(tmp_path / "a")
    assert run.record()["status"] == "interrupted"
    assert len(run.history()["loss"]) == 2
    assert (run.path / "model.keras").exists()


def test_an_interrupted_trial_resumes_and_reports_its_first_epochs_again(
    finished, small_npz, tmp_path, recipe, monkeypatch
):
    def interrupt(epoch, _):
        if epoch == 1:
            raise Interrupted("by SIGTERM", 15)

    with pytest.raises(Interrupted):
        run_trial(recipe, small_npz, tmp_path / "a", interrupt)
    monkeypatch.delattr(pipeline, "run_recipe")  # it does not start again
    reports = []
    result = run_trial(recipe, small_npz, tmp_path / "a", lambda *report: reports.append(report))
    folder, *expected = finished
    assert [reports, result] == expected
    assert (tmp_path / "a" / "history.csv").read_bytes() == (folder / "history.csv").read_bytes()
