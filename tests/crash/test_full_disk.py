"""A disk that is full while a model or a checkpoint is saved: DiskError, and the old files are unchanged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("kind", "file", "kept"),
    [
        pytest.param("models", "model.keras", ["model.h5", "model.keras"], marks=pytest.mark.slow),
        ("checkpoints", "epoch-0003.npz", ["epoch-0001.npz", "epoch-0002.npz"]),
    ],
)
def test_a_full_disk_while_saving(tmp_path, monkeypatch, kind, file, kept):
    """A limit on file sizes stops a write like a full disk, but at a known byte."""
    folder, temporary = tmp_path / kind, tmp_path / "temporary"
    folder.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    command = [sys.executable, Path(__file__).with_name("saver.py"), "full", kind, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-1500:]}"
    assert "Exception ignored" not in done.stderr
    outcomes = json.loads(done.stdout)
    assert outcomes.pop() == "saved"  # with enough space
    assert len(outcomes) == 9 * 3
    for i in range(0, len(outcomes), 3):
        message, *names = outcomes[i : i + 3]
        assert message.startswith(f"cannot write {folder / file}: ")
        assert "File too large" in message
        assert message.endswith("; free some space or choose another folder")
        assert "\n" not in message
        assert names == kept  # unchanged, and no temporary file
