import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.errors import RunError
from tendigits.model.recipe import Recipe
from tendigits.report.run import FORMAT, Run, best_epoch, create_run, list_runs, open_run, summarise

NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)


def test_a_new_run_has_its_recipe_and_a_name_that_is_never_taken_twice(tmp_path):
    made = [create_run(tmp_path / "runs", Recipe(epochs=3), None, NOW) for _ in range(3)]
    names = [run.path.name for run in made]
    assert names == ["2026-11-25-01-02-03", "2026-11-25-01-02-03-2", "2026-11-25-01-02-03-3"]
    assert made[0].recipe() == Recipe(epochs=3)
    assert made[0].checkpoints.is_dir()


def test_a_taken_name_what_is_no_plain_name_and_a_file_are_refused(tmp_path):
    create_run(tmp_path, Recipe(), "first", NOW)
    with pytest.raises(RunError, match=r"first exists; choose another --name, or continue it with --resume"):
        create_run(tmp_path, Recipe(), "first", NOW)
    for name in ("", "..", "a/b"):
        with pytest.raises(RunError, match="expected a plain name"):
            create_run(tmp_path, Recipe(), name, NOW)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot make the run folder"):
        create_run(tmp_path / "file", Recipe(), "x", NOW)


@given(st.lists(st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)), min_size=1, max_size=5))
def test_history_reads_back_exactly(tmp_path_factory, rows):
    run = Run(tmp_path_factory.mktemp("run"))
    assert run.history() == {}
    history = {"loss": [a for a, _ in rows], "val_loss": [b for _, b in rows]}
    run.write_history(history)
    assert run.history() == history
    (run.path / "history.csv").write_text("epoch,loss\n1,abc\n")
    with pytest.raises(RunError, match="cannot read"):
        run.history()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"is not a run folder: cannot read run\.json"),
        ("[1]", "holds no object"),
        ('{"format": 1}', f"written by an older version of tendigits: expected run format {FORMAT}, received 1; train"),
        ('{"format": 99}', f"written by another version of tendigits: expected run format {FORMAT}, received 99;"),
    ],
)
def test_a_folder_that_is_not_a_run_of_this_version_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match=message):
        open_run(tmp_path)


def test_the_list_is_oldest_first_and_reports_what_it_cannot_read(run, tmp_path):
    older = create_run(tmp_path, Recipe(), "z-older", NOW)
    older.write_record({"format": FORMAT, "status": "finished", "created": "2020-01-01T00:00:00+00:00"})
    (tmp_path / "not-a-run").mkdir()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "run.json").write_text('{"format": 1}')
    errors = []
    assert [found.path.name for found in list_runs(tmp_path, errors.append)] == ["z-older", "a"]
    assert [str(error).split(" was")[0] for error in errors] == [str(tmp_path / "old")]
    assert list_runs(tmp_path / "nothing") == []


def test_the_best_epoch_is_the_first_of_equals():
    history = {"val_loss": [0.4, 0.2, 0.2, 0.3], "val_accuracy": [0.85, 0.9, 0.92, 0.91]}
    assert best_epoch(history, Recipe()) == 2
    assert best_epoch(history, Recipe(monitor="val_accuracy")) == 3


def test_summary_of_a_run_that_was_killed_before_its_first_epoch_ended(run):
    (run.path / "history.csv").unlink()
    record = run.record()
    del record["result"]
    run.write_record(record | {"status": "running"})
    summary = summarise(run)
    assert (summary.epochs, summary.best_epoch, summary.val_loss, summary.test_accuracy) == (0, None, None, None)
    assert summary.status == "interrupted"
    with run.lock():
        assert summarise(run).status == "running"


def test_a_locked_run_is_refused_by_its_process_and_free_after_its_death(run):
    code = f"""
import time
from pathlib import Path
from tendigits.report.run import Run
with Run(Path({str(run.path)!r})).lock():
    print("locked", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "locked\n"
        assert run.is_locked()
        with pytest.raises(RunError, match=rf"is in use by process {holder.pid}; wait for it"), run.lock():
            pass
        holder.kill()
    assert not run.is_locked()
    for folder in (run.path, run.checkpoints):
        folder.mkdir(exist_ok=True)
        (folder / ".writing-123-model.keras").write_text("half")
    with run.lock():
        assert not list(run.path.rglob(".writing-*"))
        assert (run.path / ".lock").read_text() == str(os.getpid())
