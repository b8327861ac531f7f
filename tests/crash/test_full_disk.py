"""A disk that is full at any byte while a model or a checkpoint is saved: DiskError, and the old files still load."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 2 MB to fill up."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a tmpfs can be mounted only by root: {mounted.stderr}")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.fixture
def tell(tmp_path, monkeypatch):
    """Run disk_filler.py; returns its cases."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))  # not on the disk that is filled

    def run(what, kind, folder):
        command = [sys.executable, Path(__file__).with_name("disk_filler.py"), what, kind, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-1500:]}"
        assert "Exception ignored" not in done.stderr
        return json.loads(done.stdout)

    return run


def assert_old_files_survive(cases, folder, files, reason):
    *failed, last = cases
    assert last[2:] == ["saved", [], True]  # once there is space again
    for name, n_bytes, said, left, kept in failed:
        about = f"{name}, place for {n_bytes} bytes: {said}, left {left}"
        assert said.startswith(f"cannot write {folder / name}: "), about
        assert reason in said, about
        assert said.endswith("; free some space or choose another folder"), about
        assert "\n" not in said, about
        assert left == files, about  # no temporary file
        assert kept, about  # the old files load, and are what they were


MODELS, CHECKPOINTS = ["model.h5", "model.keras"], ["epoch-0001.npz", "epoch-0002.npz"]


@pytest.mark.parametrize(
    ("what", "files", "n"),
    [pytest.param("models", MODELS, 15, marks=pytest.mark.slow), ("checkpoints", CHECKPOINTS, 11)],
    ids=["models", "checkpoints"],
)
def test_a_limit_on_file_sizes_while_saving(tmp_path, tell, what, files, n):
    folder = tmp_path / what
    folder.mkdir()
    cases = tell(what, "limit", folder)
    assert len(cases) == n + 1
    assert_old_files_survive(cases, folder, files, "File too large")


@pytest.mark.parametrize(
    ("what", "files"),
    [pytest.param("models", MODELS, marks=pytest.mark.slow), ("checkpoints", CHECKPOINTS)],
    ids=["models", "checkpoints"],
)
def test_a_full_disk_while_saving(tiny_disk, tell, what, files):
    assert_old_files_survive(tell(what, "disk", tiny_disk), tiny_disk, files, "No space left on device")
