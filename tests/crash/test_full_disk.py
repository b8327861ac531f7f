"""A disk that is full at any byte while a model or a checkpoint is saved: DiskError, and the old files still load."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("what", "files", "n"),
    [
        pytest.param("models", ["model.h5", "model.keras"], 15, marks=pytest.mark.slow),
        ("checkpoints", ["epoch-0001.npz", "epoch-0002.npz"], 11),
    ],
    ids=["models", "checkpoints"],
)
def test_files_that_cannot_grow_while_saving(tmp_path, monkeypatch, what, files, n):
    """A limit on file sizes stops a write like a full disk, but to the byte."""
    folder, temporary = tmp_path / what, tmp_path / "temporary"
    folder.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    command = [sys.executable, Path(__file__).with_name("disk_filler.py"), what, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-1500:]}"
    assert "Exception ignored" not in done.stderr

    *failed, last = json.loads(done.stdout)
    assert len(failed) == n
    assert last[2:] == ["saved", [], True]  # once there is space again
    for name, n_bytes, said, left, kept in failed:
        about = f"{name}, place for {n_bytes} bytes: {said}, left {left}"
        assert said.startswith(f"cannot write {folder / name}: "), about
        assert "File too large" in said, about
        assert said.endswith("; free some space or choose another folder"), about
        assert "\n" not in said, about
        assert left == files, about  # no temporary file
        assert kept, about  # the old files load, and are what they were
