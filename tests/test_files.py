"""Whole-file writes; crashes and a full disk are in tests/crash."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tendigits.errors import DiskError, ModelFileError, reason_of
from tendigits.files import lock_folder, make_inside, muted, replacing, write_text, writing

NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
H5PY_NO_SPACE = RuntimeError("Unable to flush file (file write failed:\n time = now\n, errno = 28)")


@pytest.fixture
def old(tmp_path):
    """A file that must survive."""
    path = tmp_path / "file.txt"
    path.write_text("old")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_explains(error: DiskError, path: Path, reason: str) -> None:
    assert str(error).startswith(f"cannot write {path}: ")
    assert reason in str(error)
    assert str(error).endswith("; free some space or choose another folder")
    assert "\n" not in str(error)


def test_the_new_file_is_flushed_and_checked_before_it_replaces_the_old_one(old, monkeypatch):
    calls = []
    fsync = os.fsync

    def record_fsync(descriptor):
        calls.append((os.fstat(descriptor).st_ino, old.read_text()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record_fsync)
    with replacing(old, check=lambda path: calls.append((path.name, old.read_text()))) as temporary:
        temporary.write_text("new")
    assert temporary.suffix == old.suffix  # Keras takes the format from it
    assert calls == [(old.stat().st_ino, "old"), (temporary.name, "old"), (old.parent.stat().st_ino, "new")]


@pytest.mark.parametrize("raised", [NO_SPACE, H5PY_NO_SPACE], ids=["OSError", "h5py's RuntimeError"])
def test_the_old_file_survives_a_failing_write_or_check(old, raised):
    def fail(path, error=raised):
        path.write_text("half of the n")
        raise error

    with pytest.raises(DiskError) as caught, replacing(old) as temporary:
        fail(temporary)
    assert_explains(caught.value, old, reason_of(raised))
    with pytest.raises(ModelFileError), replacing(old, lambda path: fail(path, ModelFileError("wrong"))) as temporary:
        temporary.write_text("new")
    assert old.read_text() == "old"
    assert names(old.parent) == [old.name]


def test_a_path_that_cannot_be_written_to(tmp_path):
    with pytest.raises(DiskError) as caught:
        write_text(tmp_path / "missing" / "file.txt", "new")
    assert_explains(caught.value, tmp_path / "missing" / "file.txt", "No such file")


def test_writing_follows_a_link_and_write_text_replaces_it(old):
    link = old.parent / "link.txt"
    link.symlink_to(old.name)
    with writing(link) as temporary:
        temporary.write_text("new")
    assert (link.is_symlink(), old.read_text()) == (True, "new")
    write_text(link, "newer")
    assert (link.is_symlink(), link.read_text(), old.read_text()) == (False, "newer", "new")


def test_a_subfolder_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "exports").symlink_to(tmp_path)
    with pytest.raises(DiskError, match=r"exports: expected a file inside .*, found a link to elsewhere"):
        make_inside(tmp_path / "run", "exports")
    (tmp_path / "run" / "exports").unlink()
    for _ in range(2):
        assert make_inside(tmp_path / "run", "exports").is_dir()


def test_a_pipe_is_written_into(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
        with writing(pipe) as temporary:
            temporary.write_text("new")
        assert reader.communicate(timeout=60)[0] == "new"
    assert pipe.is_fifo()


KILLED = """
import os, signal, sys
from pathlib import Path
from tendigits.files import replacing

with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half of the n")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_the_old_file_and_a_temporary_one_that_is_removed(old):
    done = subprocess.run([sys.executable, "-c", KILLED, old], check=False)
    assert done.returncode == -signal.SIGKILL
    assert old.read_text() == "old"
    assert len(names(old.parent)) == 2
    (old.parent / "not.writing-1-a").touch()
    with lock_folder(old.parent, ""):
        assert names(old.parent) == [".lock", "file.txt", "not.writing-1-a"]


def test_muted_discards_the_output_of_child_processes_too(capfd):
    with muted(1):
        os.write(1, b"hidden")
        subprocess.run(["echo", "hidden too"], check=True)
    os.write(1, b"seen")
    assert capfd.readouterr().out == "seen"
