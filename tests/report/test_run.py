import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.errors import RunError
from tendigits.model.recipe import Recipe
from tendigits.report.run import FORMAT, Run, create_run, list_runs, open_run

NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
def run(tmp_path):
    run = create_run(tmp_path, Recipe(epochs=3), "first", NOW)
    run.write_record({"format": FORMAT, "status": "running", "created": NOW.isoformat()})
    return run


def test_a_new_run_has_its_recipe(run):
    assert run.path.name == "first"
    assert run.recipe() == Recipe(epochs=3)
    assert run.checkpoints.is_dir()


def test_the_name_is_the_time_and_never_taken_twice(tmp_path):
    names = [create_run(tmp_path / "runs", Recipe(), None, NOW).path.name for _ in range(3)]
    assert names == ["2026-11-25-01-02-03", "2026-11-25-01-02-03-2", "2026-11-25-01-02-03-3"]


def test_a_taken_name_is_refused(run):
    with pytest.raises(RunError, match=r"first exists; choose another --name, or go on with --resume"):
        create_run(run.path.parent, Recipe(), "first", NOW)
    assert run.recipe() == Recipe(epochs=3)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/tmp/x", "../x"])
def test_a_name_is_a_plain_name(tmp_path, name):
    with pytest.raises(RunError, match="expected a plain name"):
        create_run(tmp_path, Recipe(), name, NOW)


def test_runs_cannot_be_a_file(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(RunError, match="cannot make the run folder"):
        create_run(tmp_path / "runs", Recipe(), "x", NOW)


@given(st.lists(st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)), min_size=1, max_size=5))
def test_history_reads_back_exactly(tmp_path_factory, rows):
    run = Run(tmp_path_factory.mktemp("run"))
    history = {"loss": [a for a, _ in rows], "val_loss": [b for _, b in rows]}
    run.write_history(history)
    assert run.history() == history
    assert (run.path / "history.csv").read_text().splitlines()[0] == "epoch,loss,val_loss"


def test_no_history_yet(run):
    assert run.history() == {}


@pytest.mark.parametrize("content", ["epoch,loss\n1,abc\n", "epoch,loss\n1\n", "\x00"])
def test_a_damaged_history_is_told(run, content):
    (run.path / "history.csv").write_text(content)
    if content == "\x00":
        assert run.history() == {}
        return
    with pytest.raises(RunError, match="cannot read"):
        run.history()


def test_open_refuses_what_is_no_run(tmp_path, run):
    with pytest.raises(RunError, match="there is none at"):
        open_run(tmp_path / "nothing")
    with pytest.raises(RunError, match=r"is not a run folder: cannot read run\.json"):
        open_run(tmp_path)
    (run.path / "run.json").write_text("[1]")
    with pytest.raises(RunError, match="holds no object"):
        open_run(run.path)
    (run.path / "run.json").write_text('{"format": 1')
    with pytest.raises(RunError, match="is not a run folder"):
        open_run(run.path)


@pytest.mark.parametrize("version", [3, "2", None])
def test_another_format_is_refused(run, version):
    (run.path / "run.json").write_text(json.dumps({"format": version}))
    with pytest.raises(RunError, match=rf"expected format 2, received {version!r}; use the tendigits that wrote it"):
        open_run(run.path)


def test_an_older_format_is_refused_in_one_line(run):
    (run.path / "run.json").write_text('{"format": 1}')
    with pytest.raises(RunError, match=r"is a run folder of format 1, made by an older tendigits; train again$"):
        open_run(run.path)


def test_list_is_oldest_first_and_passes_over_the_rest(tmp_path, run):
    older = create_run(tmp_path, Recipe(), "z-older", NOW)
    older.write_record({"format": FORMAT, "status": "finished", "created": "2020-01-01T00:00:00+00:00"})
    (tmp_path / "no-run").mkdir()
    (tmp_path / "file").write_text("")
    assert [found.path.name for found in list_runs(tmp_path)] == ["z-older", "first"]
    assert list_runs(tmp_path / "nothing") == []


def test_a_held_run_is_refused_by_its_process_and_free_after_its_death(run):
    code = f"""
import sys, time
from pathlib import Path
from tendigits.report.run import Run
with Run(Path({str(run.path)!r})).lock():
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        assert run.is_locked()
        with pytest.raises(RunError, match=rf"is in use by process {holder.pid}; wait for it"), run.lock():
            pass
        holder.kill()
    assert not run.is_locked()
    with run.lock():
        assert (run.path / ".lock").read_text() == str(os.getpid())


def test_the_lock_clears_what_a_killed_process_left(run):
    for folder in (run.path, run.checkpoints):
        (folder / ".writing-123-model.keras").write_text("half")
    with run.lock():
        assert not list(run.path.rglob(".writing-*"))


def test_checkpoints_of_a_finished_run_go(run):
    (run.checkpoints / "epoch-0001.npz").write_text("")
    run.remove_checkpoints()
    run.remove_checkpoints()
    assert not run.checkpoints.exists()
