import copy
import errno
import hashlib
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from tendigits import files
from tendigits.errors import DiskError, ModelFileError, RunError
from tendigits.files import held, muted, need_space, remove_leftovers, replacing, sha256, stored_members, write_text

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def old(tmp_path):
    """A file that must survive."""
    path = tmp_path / "file.txt"
    path.write_text("old")
    return path


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 128 kB, which can be filled."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs can be mounted only by root: {mounted.stderr}")
    yield disk
    subprocess.run(["umount", disk], check=True)


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


@pytest.mark.parametrize("before", [None, "old"])
def test_write_text_leaves_the_text_and_nothing_else(tmp_path, before):
    path = tmp_path / "file.txt"
    if before:
        path.write_text(before)
    write_text(path, "zwölf\n")
    assert path.read_bytes() == b"zw\xc3\xb6lf\n"
    assert names(tmp_path) == ["file.txt"]


def test_the_temporary_file_lies_beside_and_keeps_the_ending(old):
    with replacing(old) as temporary:
        assert temporary.parent == old.parent  # os.replace is one step only within a file system
        assert temporary.suffix == old.suffix  # Keras tells the format from it
        assert temporary.name.startswith(".writing-")
        assert str(os.getpid()) in temporary.name
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


NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
H5PY_SAYS = RuntimeError("Unable to flush file (file write failed:\n time = now\n, errno = 28)")


@pytest.mark.parametrize(
    ("raised", "expected", "reason"),
    [
        (NO_SPACE, DiskError, "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied"), DiskError, "Permission denied"),
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


def test_the_old_file_survives_a_failing_flush(old, monkeypatch):
    def fsync(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(DiskError) as caught:
        write_text(old, "new")
    assert_explains(caught.value, old, "Input/output error")
    assert_untouched(old)


def test_the_old_file_survives_a_failing_replace(old, monkeypatch):
    def replace(self, target):
        raise NO_SPACE

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(DiskError) as caught:
        write_text(old, "new")
    assert_explains(caught.value, old, "No space left on device")
    assert_untouched(old)


def test_a_failing_flush_of_the_folder_leaves_the_whole_new_file(old, monkeypatch):
    flush = files._flush

    def fail(path):
        flush(path)
        if path == old.parent:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(files, "_flush", fail)
    with pytest.raises(DiskError, match="Input/output error"):
        write_text(old, "new")
    assert old.read_text() == "new"
    assert names(old.parent) == [old.name]


def test_a_body_that_wrote_nothing_is_an_error(old):
    with pytest.raises(DiskError) as caught, replacing(old):
        pass
    assert_explains(caught.value, old, "No such file")
    assert_untouched(old)


def test_the_error_is_told_also_where_the_temporary_file_cannot_be_removed(old, monkeypatch):
    def unlink(self, missing_ok=False):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(DiskError, match="No space left"), replacing(old):
        raise NO_SPACE
    assert old.read_text() == "old"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing/file.txt", "No such file"), ("folder", "Is a directory")],
    ids=["no folder", "folder"],
)
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
for limit in (0, 1, 4096, 99_999, 100_000):
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
    said = json.loads(done.stdout)
    for error, left in zip(said[0:8:2], said[1:8:2], strict=True):
        assert error == f"cannot write {old}: [Errno 27] File too large; free some space or choose another folder"
        assert left == ["old", ["file.txt"]]
    assert said[8:] == ["written", ["nnnn", ["file.txt"]]]


def test_the_old_file_survives_a_full_disk(tiny_disk):
    old = tiny_disk / "file.txt"
    old.write_text("old")
    with pytest.raises(DiskError) as caught:
        write_text(old, "n" * 300_000)
    assert_explains(caught.value, old, "No space left on device")
    assert_untouched(old)
    write_text(old, "n" * 30_000)  # what was half written takes no space any more
    assert old.read_text() == "n" * 30_000


KILLED = """
import os, signal, sys
from pathlib import Path
from tendigits.files import replacing

with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half of the n")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_leaves_is_the_old_file_and_a_leftover_that_is_removed(old):
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
    remove_leftovers(tmp_path)
    assert set(names(tmp_path)) == keep | {"sub"}
    assert names(tmp_path / "sub") == [".writing-1-a"]


@pytest.mark.parametrize("content", [b"", b"abc", b"ten" * 1_000_000], ids=len)
def test_sha256(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_sha256_of_the_standard(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")  # FIPS 180-4's example
    assert sha256(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_need_space_asks_the_nearest_folder_that_exists(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or Usage(9, 9, 5_000_000))
    need_space(tmp_path / "runs" / "deep", 5_000_000)
    need_space(tmp_path, 1)
    assert asked == [tmp_path, tmp_path]
    with pytest.raises(DiskError) as caught:
        need_space(tmp_path / "runs" / "deep", 5_000_001)
    assert re.fullmatch(
        r"expected at least 5 MB free in .*/runs/deep, found 5 MB; free some space or .* --runs", str(caught.value)
    )


def test_need_space_takes_a_relative_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    need_space(Path("runs"), 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(9, 9, 0))
    with pytest.raises(DiskError, match="free in runs, found 0 MB"):
        need_space(Path("runs"), 20_000_000)


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_stored_members_are_named(tmp_path):
    assert stored_members(zipped(tmp_path / "a.zip", {"a": b"1", "b/c": b""}), 1000) == ["a", "b/c"]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_member_is_refused(tmp_path, method):
    with pytest.raises(ValueError, match="expected members that are not compressed, 'b' is"):
        stored_members(zipped(tmp_path / "a.zip", {"b": b"0" * 1000}, method), 2000)


@pytest.mark.parametrize("claimed", [0, 49, 51, 2**31])
def test_a_stored_member_that_claims_another_size_is_refused(tmp_path, claimed):
    path = zipped(tmp_path / "a.zip", {"a": b"1" * 50})
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.index(b"PK\1\2") + 24, claimed)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="expected members that are not compressed, 'a' is"):
        stored_members(path, 1000)


def test_a_zip_over_the_cap_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a": b"0" * 2**20})
    with pytest.raises(ValueError, match="expected at most 1 MB, received 1 MB"):
        stored_members(path, 2**20)
    assert stored_members(path, path.stat().st_size) == ["a"]


def test_members_that_share_their_bytes_are_counted_each(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"0" * 2**20)
        again = copy.copy(archive.filelist[0])
        again.filename = "b"
        archive.filelist.append(again)
    with pytest.raises(ValueError, match="unpacked it would be over 1 MB"):
        stored_members(path, path.stat().st_size)


def test_a_member_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    with pytest.raises(ValueError, match="it holds a member twice"):
        stored_members(path, 1000)


def test_a_zip_of_too_many_members_is_refused_before_its_directory_is_read(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", {f"{i:030d}": b"" for i in range(1000)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ValueError, match="it has far too many members"):
        stored_members(path, 2**20)


def test_a_zip64_directory_cannot_hide_its_size(tmp_path):
    data = zipped(tmp_path / "a.zip", {"a": b"1"}).read_bytes()
    count, size, offset = struct.unpack("<H2L", data[-12:-2])
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(data) - 22, 1)
    (tmp_path / "a.zip").write_bytes(data[:-22] + end64 + locator + data[-22:])
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["a"]
    with pytest.raises(ValueError, match="it has far too many members"):
        stored_members(tmp_path / "a.zip", 1000)


@pytest.mark.parametrize("cut", [1, 21, 22, 23, 60, 10**6])
def test_a_truncated_zip_is_refused(tmp_path, cut):
    path = zipped(tmp_path / "a.zip", {"a": b"1" * 50})
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ValueError, match="expected a zip, its end is not there"):
        stored_members(path, 1000)


def test_a_zip_that_lost_its_beginning_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a": b"1" * 50})
    path.write_bytes(path.read_bytes()[-30:])
    with pytest.raises(zipfile.BadZipFile):
        stored_members(path, 1000)


def test_what_is_muted_is_not_seen_also_of_what_python_does_not_write(capfd):
    with muted(1):
        os.write(1, b"hidden")
        subprocess.run(["echo", "hidden too"], check=True)
    os.write(1, b"seen")
    assert capfd.readouterr().out == "seen"


def test_a_folder_is_held_by_one_at_a_time(tmp_path):
    (tmp_path / ".writing-1-x").write_text("half")
    with held(tmp_path, "take another"):
        assert not (tmp_path / ".writing-1-x").exists()
        with (
            pytest.raises(RunError, match=rf"in use by process {os.getpid()}; wait for it, or take another"),
            held(tmp_path, "take another"),
        ):
            pass
    with held(tmp_path, "take another"):
        pass
