"""A run at a glance, finished or not."""

import pytest

from tendigits import Recipe, run_recipe
from tendigits.report.run import Run
from tendigits.report.summary import status, summarise


@pytest.fixture(scope="module")
def run(small_npz, tmp_path_factory) -> Run:
    recipe = Recipe(name="tiny", hidden=(8,), epochs=3, patience=5)
    return run_recipe(recipe, small_npz, runs=tmp_path_factory.mktemp("runs"), name="one").run


def test_a_finished_run(run):
    found = summarise(run)
    history = run.history()
    assert (found.name, found.status, found.recipe, found.epochs) == ("one", "finished", "tiny", 3)
    assert found.val_loss == min(history["val_loss"])
    assert found.val_accuracy == history["val_accuracy"][found.best_epoch - 1]
    assert found.test_accuracy == run.record()["result"]["test_accuracy"]
    assert found.seconds > 0


def test_a_run_before_its_first_epoch(run, tmp_path):
    path = tmp_path / "new"
    path.mkdir()
    (path / "recipe.json").write_text((run.path / "recipe.json").read_text())
    record = run.record()
    record.pop("result")
    Run(path).write_record(record | {"status": "running"})
    found = summarise(Run(path))
    assert (found.epochs, found.best_epoch, found.val_loss, found.val_accuracy, found.test_accuracy) == (
        0, None, None, None, None,
    )  # fmt: skip
    assert found.status == "interrupted"  # no process holds it


def test_a_run_that_a_process_holds_is_running(run):
    record = run.record()
    try:
        run.write_record(record | {"status": "running"})
        with run.lock():
            assert status(run) == "running"
        assert status(run) == "interrupted"
    finally:
        run.write_record(record)
