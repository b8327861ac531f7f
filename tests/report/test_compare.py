from datetime import UTC, datetime

import pytest

from tendigits.errors import RunError
from tendigits.model.recipe import Recipe
from tendigits.report.compare import RUN_COLUMNS, compare_runs, table_of_runs
from tendigits.report.run import create_run, open_run
from tendigits.train.pipeline import run_recipe


@pytest.fixture(scope="module")
def runs(small_npz, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, recipe in (("a", Recipe(hidden=(16,), epochs=2)), ("b", Recipe(hidden=(24, 8), epochs=3))):
        run_recipe(recipe, small_npz, runs=folder, name=name)
    return folder


def test_the_table_has_a_row_a_run(runs):
    rows = [dict(zip(RUN_COLUMNS, row, strict=True)) for row in table_of_runs(runs)]
    assert [row["run"] for row in rows] == ["a", "b"]
    assert [row["status"] for row in rows] == ["finished", "finished"]
    record, history = open_run(runs / "b").record(), open_run(runs / "b").history()
    assert rows[1]["epochs"] == f"3 (best {record['result']['best_epoch']})"
    assert rows[1]["val_loss"] == f"{min(history['val_loss']):.4f}"
    assert rows[1]["test accuracy"] == f"{record['result']['test_accuracy']:.2%}"


def test_comparison_shows_only_what_differs(runs, tmp_path):
    found = compare_runs([open_run(runs / "a"), open_run(runs / "b")], tmp_path / "compared.png")
    assert found.names == ["a", "b"]
    assert found.recipe == [("hidden", ["16", "24, 8"]), ("epochs", ["2", "3"])]
    assert dict(found.results)["status"] == ["finished", "finished"]
    assert found.picture.read_bytes().startswith(b"\x89PNG")


def test_the_same_run_twice_is_no_comparison(runs, tmp_path):
    for chosen in (["a"], ["a", "a"]):
        with pytest.raises(RunError, match="two or more different runs"):
            compare_runs([open_run(runs / name) for name in chosen], tmp_path / "compared.png")


def test_a_killed_run_is_called_interrupted_and_shows_how_far_it_came(runs, tmp_path):
    record = open_run(runs / "a").record()
    del record["result"]
    run = create_run(tmp_path, Recipe(), "killed", now=datetime.now(UTC))
    run.write_record(record | {"status": "running"})
    row = dict(zip(RUN_COLUMNS, table_of_runs(tmp_path)[0], strict=True))
    assert (row["status"], row["epochs"], row["test accuracy"]) == ("interrupted", "-", "-")
    run.write_history({"loss": [1.0, 0.5], "val_loss": [0.9, 0.6], "accuracy": [0.5, 0.6], "val_accuracy": [0.4, 0.7]})
    assert dict(zip(RUN_COLUMNS, table_of_runs(tmp_path)[0], strict=True))["epochs"] == "2 (best 2)"
    with run.lock():
        assert table_of_runs(tmp_path)[0][1] == "running"


def test_no_runs(tmp_path):
    assert table_of_runs(tmp_path / "nothing") == []
