"""Whole-file writes; a disk that is really full is in crash/test_full_disk.py."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tendigits.errors import DiskError, ModelFileError, RunError
from tendigits.files import lock_folder, muted, replacing, write_text

NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
H5PY_SAYS = RuntimeError("Unable to flush file (file write failed:\n time = now\n, errno = 28)")


@pytest.fixture
def old(tmp_path):
    """A file that must survive."""
    path = tmp_path / "file.txt"
    path.write_text("old")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_untouched(old: Path) -> None:
    assert old.read_text() == "old"
    assert names(old.parent) == [old.name]


def assert_explains(error: DiskError, path: Path, reason: str) -> None:
    assert str(error).startswith(f"cannot write {path}: ")
    assert reason in str(error)
    assert str(error).endswith("; free some space or choose another folder")
    assert "\n" not in str(error)


def raiser(error):
    def fail(*_):
        raise error

    return fail


def test_write_text_leaves_the_text_and_nothing_else(old):
    write_text(old, "zwölf\n")
    assert old.read_bytes() == b"zw\xc3\xb6lf\n"
    assert names(old.parent) == ["file.txt"]


def test_flushed_before_it_is_checked_and_replaced_and_the_folder_after(old, monkeypatch):
    calls = []
    fsync, replace = os.fsync, Path.replace

    def record_fsync(descriptor):
        names_by_inode = {path.stat().st_ino: path for path in (*old.parent.iterdir(), old.parent)}
        calls.append(("fsync", names_by_inode[os.fstat(descriptor).st_ino], old.read_text()))
        fsync(descriptor)

    def record_replace(self, target):
        calls.append(("replace", self, old.read_text()))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(Path, "replace", record_replace)
    with replacing(old, check=lambda path: calls.append(("check", path, path.read_text()))) as temporary:
        temporary.write_text("new")
    assert temporary.suffix == old.suffix  # Keras takes the format from it
    assert calls == [
        ("fsync", temporary, "old"),
        ("check", temporary, "new"),
        ("replace", temporary, "old"),
        ("fsync", old.parent, "new"),
    ]


@pytest.mark.parametrize("raised", [NO_SPACE, H5PY_SAYS], ids=["OSError", "h5py's RuntimeError"])
def test_the_old_file_survives_a_body_that_cannot_write(old, raised):
    def write():
        with replacing(old) as temporary:
            temporary.write_text("half of the n")
            raise raised

    with pytest.raises(DiskError) as caught:
        write()
    assert_explains(caught.value, old, " ".join(str(raised).split()))
    assert caught.value.__cause__ is raised
    assert_untouched(old)


@pytest.mark.parametrize("raised", [ModelFileError("not what was meant"), KeyboardInterrupt()], ids=type)
def test_the_old_file_survives_a_failing_check(old, raised):
    with pytest.raises(type(raised)) as caught, replacing(old, check=raiser(raised)) as temporary:
        temporary.write_text("new")
    assert caught.value is raised
    assert_untouched(old)


@pytest.mark.parametrize(("owner", "step"), [(os, "fsync"), (Path, "replace")])
def test_the_old_file_survives_a_failing_flush_and_move(old, monkeypatch, owner, step):
    monkeypatch.setattr(owner, step, raiser(NO_SPACE))
    with pytest.raises(DiskError) as caught:
        write_text(old, "new")
    assert_explains(caught.value, old, "No space left on device")
    assert_untouched(old)


def test_a_body_that_wrote_nothing_is_an_error(old):
    with pytest.raises(DiskError, match="No such file"), replacing(old):
        pass
    assert_untouched(old)


@pytest.mark.parametrize(("name", "reason"), [("missing/file.txt", "No such file"), ("folder", "Is a directory")])
def test_a_place_that_cannot_be_written_to(tmp_path, name, reason):
    (tmp_path / "folder" / "in it").mkdir(parents=True)
    with pytest.raises(DiskError) as caught:
        write_text(tmp_path / name, "new")
    assert_explains(caught.value, tmp_path / name, reason)
    assert names(tmp_path) == ["folder"]


KILLED = """
import os, signal, sys
from pathlib import Path
from tendigits.files import replacing

with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half of the n")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_the_old_file_and_a_leftover_that_is_removed(old):
    done = subprocess.run([sys.executable, "-c", KILLED, old], check=False)
    assert done.returncode == -signal.SIGKILL
    assert old.read_text() == "old"
    assert len(names(old.parent)) == 2
    (old.parent / "not.writing-1-a").touch()
    with lock_folder(old.parent, ""):
        assert names(old.parent) == [".lock", "file.txt", "not.writing-1-a"]


def test_muted_discards_what_other_processes_write_too(capfd):
    with muted(1):
        os.write(1, b"hidden")
        subprocess.run(["echo", "hidden too"], check=True)
    os.write(1, b"seen")
    assert capfd.readouterr().out == "seen"


def test_one_process_at_a_time_locks_a_folder(tmp_path):
    said = rf"in use by process {os.getpid()}; wait for it, or take another"
    with lock_folder(tmp_path, "take another"), pytest.raises(RunError, match=said):
        lock_folder(tmp_path, "take another").__enter__()
    with lock_folder(tmp_path, "take another"):
        pass
