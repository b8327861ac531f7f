"""Whole-file writes; a disk that is really full is in crash/test_full_disk.py."""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from tendigits import files
from tendigits.errors import DiskError, ModelFileError, RunError
from tendigits.files import lock_folder, muted, need_space, remove_leftovers, replacing, sha256, write_text

Usage = namedtuple("Usage", "total used free")
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


def test_the_temporary_file_lies_beside_and_keeps_the_suffix(old):
    with replacing(old) as temporary:
        assert temporary.parent == old.parent  # os.replace is one step only within a file system
        assert temporary.suffix == old.suffix  # Keras takes the format from it
        temporary.write_text("new")
        assert old.read_text() == "old"
    assert old.read_text() == "new"


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
    assert calls == [
        ("fsync", temporary, "old"),
        ("check", temporary, "new"),
        ("replace", temporary, "old"),
        ("fsync", old.parent, "new"),
    ]


@pytest.mark.parametrize(
    ("raised", "expected", "reason"),
    [
        (NO_SPACE, DiskError, "No space left on device"),
        (H5PY_SAYS, DiskError, "file write failed: time = now , errno = 28"),
        (ValueError("not of the disk"), ValueError, "not of the disk"),
        (KeyboardInterrupt(), KeyboardInterrupt, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_the_old_file_survives_a_failing_body(old, raised, expected, reason):
    def write():
        with replacing(old) as temporary:
            temporary.write_text("half of the n")
            raise raised

    with pytest.raises(expected) as caught:
        write()
    if expected is DiskError:
        assert_explains(caught.value, old, reason)
        assert caught.value.__cause__ is raised
    else:
        assert caught.value is raised
    assert_untouched(old)


def test_the_old_file_survives_a_failing_check(old):
    def check(temporary):
        assert temporary.read_text() == "new"
        raise ModelFileError("not what was meant")

    with pytest.raises(ModelFileError, match="not what was meant"), replacing(old, check=check) as temporary:
        temporary.write_text("new")
    assert_untouched(old)


@pytest.mark.parametrize(("owner", "step"), [(os, "fsync"), (Path, "replace")])
def test_the_old_file_survives_a_failing_flush_and_move(old, monkeypatch, owner, step):
    monkeypatch.setattr(owner, step, raiser(NO_SPACE))
    with pytest.raises(DiskError) as caught:
        write_text(old, "new")
    assert_explains(caught.value, old, "No space left on device")
    assert_untouched(old)


def test_a_failing_flush_of_the_folder_leaves_the_whole_new_file(old, monkeypatch):
    flush = files._flush
    monkeypatch.setattr(files, "_flush", lambda path: raiser(NO_SPACE)() if path == old.parent else flush(path))
    with pytest.raises(DiskError, match="No space left"):
        write_text(old, "new")
    assert old.read_text() == "new"
    assert names(old.parent) == [old.name]


def test_a_body_that_wrote_nothing_is_an_error(old):
    with pytest.raises(DiskError) as caught, replacing(old):
        pass
    assert_explains(caught.value, old, "No such file")
    assert_untouched(old)


def test_the_error_is_told_even_if_the_temporary_file_cannot_be_removed(old, monkeypatch):
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: raiser(PermissionError(errno.EPERM, "not permitted"))())
    with pytest.raises(DiskError, match="No space left"), replacing(old):
        raise NO_SPACE
    assert old.read_text() == "old"


@pytest.mark.parametrize(("name", "reason"), [("missing/file.txt", "No such file"), ("folder", "Is a directory")])
def test_a_place_that_cannot_be_written_to(tmp_path, name, reason):
    (tmp_path / "folder" / "in it").mkdir(parents=True)
    with pytest.raises(DiskError) as caught:
        write_text(tmp_path / name, "new")
    assert_explains(caught.value, tmp_path / name, reason)
    assert names(tmp_path) == ["folder"]


FULL_DISK = """
import json, resource, signal, sys
from pathlib import Path
from tendigits.errors import DiskError
from tendigits.files import write_text

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, said = Path(sys.argv[1]), []
for limit in (0, 99_999, 100_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write_text(path, "n" * 100_000)
        said.append("written")
    except DiskError as error:
        said.append(str(error))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    said.append([path.read_text()[:4], sorted(p.name for p in path.parent.iterdir())])
sys.stdout.write(json.dumps(said))
"""


def test_the_old_file_survives_a_limit_on_file_sizes(old):
    done = subprocess.run([sys.executable, "-c", FULL_DISK, old], capture_output=True, text=True, check=True)
    refused = f"cannot write {old}: [Errno 27] File too large; free some space or choose another folder"
    kept = ["old", ["file.txt"]]
    assert json.loads(done.stdout) == [refused, kept, refused, kept, "written", ["nnnn", ["file.txt"]]]


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
    remove_leftovers(old.parent)
    assert_untouched(old)


def test_remove_leftovers_touches_nothing_else(tmp_path):
    keep = {"model.keras", ".lock", "writing-1-a", ".writing", "x.writing-1-a"}
    for name in (*keep, ".writing-1-model.keras", ".writing-22-run.json"):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".writing-1-a").touch()
    remove_leftovers(tmp_path)
    assert set(names(tmp_path)) == keep | {"sub"}
    assert names(tmp_path / "sub") == [".writing-1-a"]


def test_sha256(tmp_path):
    (tmp_path / "file").write_bytes(b"ten" * 1_000_000)
    assert sha256(tmp_path / "file") == hashlib.sha256(b"ten" * 1_000_000).hexdigest()


def test_need_space_asks_the_nearest_folder_that_exists(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or Usage(9, 9, 5_000_000))
    need_space(tmp_path / "runs" / "deep", 5_000_000)
    monkeypatch.chdir(tmp_path)
    need_space(Path("runs"), 1)
    assert asked == [tmp_path, tmp_path]
    with pytest.raises(DiskError) as caught:
        need_space(tmp_path / "runs" / "deep", 5_000_001)
    assert re.fullmatch(
        r"expected at least 5 MB free in .*/runs/deep, found 5 MB; free some space or .* --runs", str(caught.value)
    )


def test_muted_discards_what_other_processes_write_too(capfd):
    with muted(1):
        os.write(1, b"hidden")
        subprocess.run(["echo", "hidden too"], check=True)
    os.write(1, b"seen")
    assert capfd.readouterr().out == "seen"


def test_one_process_at_a_time_locks_a_folder(tmp_path):
    (tmp_path / ".writing-1-x").write_text("half")
    with lock_folder(tmp_path, "take another"):
        assert not (tmp_path / ".writing-1-x").exists()
        with (
            pytest.raises(RunError, match=rf"in use by process {os.getpid()}; wait for it, or take another"),
            lock_folder(tmp_path, "take another"),
        ):
            pass
    with lock_folder(tmp_path, "take another"):
        pass
