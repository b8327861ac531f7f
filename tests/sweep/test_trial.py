"""A trial is a run of its own, judged on held-out digits alone, and ends early where it is told to."""

import numpy as np
import pytest

from tendigits.errors import Interrupted
from tendigits.report.run import open_run
from tendigits.sweep.trial import Pruned, run_trial
from tendigits.train import pipeline


def test_a_trial_never_looks_at_the_test_digits(small_npz, tmp_path, recipe, monkeypatch):
    """Test digits that are all wrong change nothing but the run's record of them."""
    with np.load(small_npz) as file:
        arrays = dict(file)
    arrays["x_test"], arrays["y_test"] = arrays["x_test"][::-1] // 2, (arrays["y_test"] + 1) % 10
    np.savez(tmp_path / "other.npz", **arrays)
    seen = {}
    for name, data in (("a", small_npz), ("b", tmp_path / "other.npz")):
        told = []
        accuracy = run_trial(recipe, data, tmp_path / name, lambda epoch, value, told=told: told.append(value) or True)
        run = open_run(tmp_path / name)
        record = run.record()
        assert record["status"] == "finished"
        assert record["evaluated"] is False
        assert set(record["result"]) == {"epochs", "stopped_early", "best_epoch", "val_loss", "val_accuracy"}
        assert accuracy == record["result"]["val_accuracy"] in told
        assert not (run.path / "report.json").exists()
        assert (run.path / "model.keras").exists()
        seen[name] = (told, (run.path / "history.csv").read_bytes())
    assert seen["a"] == seen["b"]


def test_a_trial_that_is_told_to_stop_keeps_what_it_has(small_npz, tmp_path, recipe):
    with pytest.raises(Pruned):
        run_trial(recipe, small_npz, tmp_path / "a", lambda epoch, _: epoch < 1)
    run = open_run(tmp_path / "a")
    assert run.record()["status"] == "interrupted"
    assert len(run.history()["loss"]) == 2
    assert (run.path / "model.keras").exists()


def test_a_trial_that_was_interrupted_goes_on_and_asks_again(small_npz, tmp_path, recipe, monkeypatch):
    whole = run_trial(recipe, small_npz, tmp_path / "whole", lambda *_: True)

    def interrupt(epoch, _):
        if epoch == 1:
            raise Interrupted("by SIGTERM", 15)
        return True

    with pytest.raises(Interrupted):
        run_trial(recipe, small_npz, tmp_path / "a", interrupt)
    asked = []
    monkeypatch.setattr(pipeline, "run_recipe", None)  # it is not begun again
    again = run_trial(recipe, small_npz, tmp_path / "a", lambda epoch, value: asked.append(epoch) or True)
    assert asked == [0, 1, 2]
    assert again == whole
    assert (tmp_path / "a" / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()


def test_a_finished_trial_only_tells_what_came_out(small_npz, tmp_path, recipe):
    first = run_trial(recipe, small_npz, tmp_path / "a", lambda *_: True)
    before = (tmp_path / "a" / "run.json").read_bytes()
    assert run_trial(recipe, small_npz, tmp_path / "a", lambda *_: True) == first
    assert (tmp_path / "a" / "run.json").read_bytes() == before


def test_what_it_was_told_before_may_end_it_now(small_npz, tmp_path, recipe):
    run_trial(recipe, small_npz, tmp_path / "a", lambda *_: True)
    with pytest.raises(Pruned):
        run_trial(recipe, small_npz, tmp_path / "a", lambda epoch, _: epoch < 1)
