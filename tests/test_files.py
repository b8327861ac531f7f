"""Whole-file writes; a disk that is really full is in crash/test_full_disk.py."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tendigits.errors import DiskError, ModelFileError, RunError, reason_of
from tendigits.files import lock_folder, make_inside, muted, replacing, write_text, writing

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
    assert_explains(caught.value, old, reason_of(raised))
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


@pytest.mark.parametrize(("name", "reason"), [("missing/file.txt", "No such file"), ("folder", "Is a directory")])
def test_a_place_that_cannot_be_written_to(tmp_path, name, reason):
    (tmp_path / "folder" / "in it").mkdir(parents=True)
    with pytest.raises(DiskError) as caught:
        write_text(tmp_path / name, "new")
    assert_explains(caught.value, tmp_path / name, reason)
    assert names(tmp_path) == ["folder"]


def test_what_a_person_named_may_be_a_link_and_its_target_is_replaced_whole(old):
    link = old.parent / "link.txt"
    link.symlink_to(old.name)
    with pytest.raises(ModelFileError), writing(link, check=raiser(ModelFileError("wrong"))) as temporary:
        temporary.write_text("new")
    assert old.read_text() == "old"
    with writing(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert old.read_text() == "new"
    assert names(old.parent) == ["file.txt", "link.txt"]


def test_a_folder_of_ours_that_is_a_link_is_not_written_into(tmp_path):
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
            assert temporary.name == pipe.name
            temporary.write_text("new")
        assert reader.communicate(timeout=60)[0] == "new"
    assert pipe.is_fifo()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="only Linux has /dev/full")
def test_a_device_is_written_into_and_never_replaced(tmp_path):
    (tmp_path / "link.csv").symlink_to("/dev/full")
    for path in (Path("/dev/full"), tmp_path / "link.csv"):
        with pytest.raises(DiskError) as caught, writing(path) as temporary:
            temporary.write_text("new")
        assert_explains(caught.value, path, "No space left on device")
        assert Path("/dev/full").is_char_device()
    with writing(Path("/dev/null")) as temporary:
        temporary.write_text("new")
    assert Path("/dev/null").is_char_device()


TO_STDOUT = """
from pathlib import Path
from tendigits.files import writing

print("before", flush=True)
with writing(Path("/dev/stdout")) as temporary:
    temporary.write_text("new\\n")
print("after")
"""


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="the system has no /dev/stdout")
def test_standard_output_by_its_name_is_written_into_in_a_pipe_and_in_a_file(old):
    command = [sys.executable, "-c", TO_STDOUT]
    assert subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout == "before\nnew\nafter\n"
    with old.open("a") as file:
        subprocess.run(command, stdout=file, check=True)
    assert old.read_text() == "oldbefore\nnew\nafter\n"
    assert names(old.parent) == ["file.txt"]


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
