import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tendigits.errors import RunError
from tendigits.model.recipe import Recipe
from tendigits.runs.run import FORMAT, Run, create_run, open_run
from tendigits.train.pipeline import resume_run

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)
NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)


def test_a_new_run_has_its_recipe_and_a_unique_name(tmp_path):
    made = [create_run(tmp_path / "runs", Recipe(epochs=3), None, NOW) for _ in range(3)]
    names = [run.path.name for run in made]
    assert names == ["2026-11-25-01-02-03", "2026-11-25-01-02-03-2", "2026-11-25-01-02-03-3"]
    assert made[0].recipe() == Recipe(epochs=3)
    assert made[0].checkpoints.is_dir()


def test_invalid_names_of_a_run_are_refused(tmp_path):
    run = create_run(tmp_path, Recipe(), "first", NOW)
    with pytest.raises(RunError, match=r"first exists; choose another --name, or continue it with --resume"):
        create_run(tmp_path, Recipe(), "first", NOW)
    run.checkpoints.rmdir()  # as of a finished one, which cannot be resumed
    with pytest.raises(RunError, match=r"first exists; choose another --name$"):
        create_run(tmp_path, Recipe(), "first", NOW)
    for name in ("", "..", "a/b", "con", "NUL.txt", "a:b", "a?", "a."):
        with pytest.raises(RunError, match="expected a plain name"):
            create_run(tmp_path, Recipe(), name, NOW)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot make the run folder"):
        create_run(tmp_path / "file", Recipe(), "x", NOW)


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=5))
def test_history_reads_back_exactly(tmp_path_factory, rows):
    run = Run(tmp_path_factory.mktemp("run"))
    assert run.history() == {}
    history = {"loss": [a for a, _ in rows], "val_loss": [b for _, b in rows]}
    run.write_history(history)
    assert run.history() == history
    for wrong in ("abc", "nan", "inf", "1e308", "", "1,2", "1\n\n2,1", f"1\n2,{'1' * 2**22}"):
        (run.path / "history.csv").write_text(f"epoch,loss\n1,{wrong}\n")
        with pytest.raises(RunError, match="cannot read"):
            run.history()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"is not a run folder: cannot read run\.json"),
        ("[1]", "holds no object"),
        ('{"format": 99}', f"written by another version of tendigits: expected run format {FORMAT}, received 99;"),
    ],
)
def test_a_folder_that_is_not_a_run_of_this_version_is_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match=message):
        open_run(tmp_path)


def test_a_run_is_locked_until_its_process_ends(run):
    code = f"""
import time
from pathlib import Path
from tendigits.runs.run import Run
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
        assert (run.path / ".lock").read_bytes()[1:].startswith(b"%d\n" % os.getpid())


def test_checkpoints_that_are_a_link_are_not_written(run, tmp_path):
    (elsewhere := tmp_path / "elsewhere").mkdir()
    run.checkpoints.symlink_to(elsewhere)
    run.write_record(run.record() | {"status": "interrupted"})
    with pytest.raises(RunError, match=r"checkpoints: expected a file inside .*delete the link"):
        resume_run(run.path)
    assert list(elsewhere.iterdir()) == []
