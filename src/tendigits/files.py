"""Write a file so that after a crash, a full disk or a power cut either the old or the new one is whole.

Every file of a run goes through `replacing`: written beside its place under a temporary name, flushed to the disk,
read again by the caller's check, moved over the old one in one step, and the folder flushed too.
"""

import hashlib
import os
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tendigits.errors import DiskError, RunError

_PREFIX = ".writing-"
_ZIP_END = struct.Struct("<4s4H2LH")  # the record that ends every zip: signature, counts, directory's size, ...
_ZIP64_LOCATOR = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
_MAX_DIRECTORY_BYTES = 2**16  # some 800 members; millions would fill the memory


@contextmanager
def replacing(path: Path, check: Callable[[Path], None] = lambda _: None) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to; then make it `path`, whole or not at all.

    Args:
        path: the file's final place; its folder exists.
        check: reads the temporary file and raises if it is not what was meant.

    Raises:
        DiskError: the file could not be written whole (disk full, no permission); `path` is as it was.
    """
    # The real name comes last: Keras tells the format from the ending.
    temporary = path.with_name(f"{_PREFIX}{os.getpid()}-{path.name}")
    try:
        with _explaining(path):
            yield temporary
            _flush(temporary)
        check(temporary)
        with _explaining(path):
            temporary.replace(path)
            _flush(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where they are not there. Raises DiskError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make the folder {path}: {error.strerror}; choose another") from error


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all. Raises DiskError."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def remove_leftovers(folder: Path) -> None:
    """Delete what a killed process left half-written in `folder`; call it only while holding the folder's lock."""
    for leftover in folder.glob(f"{_PREFIX}*"):
        leftover.unlink(missing_ok=True)


@contextmanager
def held(folder: Path, advice: str) -> Iterator[None]:
    """Hold a folder while writing to it; the system frees it when the process ends, however it ends.

    Args:
        advice: what to do where it is held already.

    Raises:
        RunError: another process holds it; named by its process id.
    """
    from filelock import FileLock, Timeout

    path = folder / ".lock"
    # Not 0: who only looks whether it is held has it for a moment.
    lock = FileLock(path, timeout=0.5, preserve_lock_file=True)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"{folder} is in use by process {_holder(path)}; wait for it, or {advice}") from None
    try:
        with suppress(OSError):  # Windows may refuse to write to a locked file
            path.write_text(str(os.getpid()))
        remove_leftovers(folder)
        yield
    finally:
        lock.release()


def _holder(lock: Path) -> str:
    """The process id in a lock file."""
    with suppress(OSError):
        return lock.read_text() or "unknown"
    return "unknown"


def sha256(path: Path) -> str:
    """The SHA-256 of the file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stored_members(path: Path, max_bytes: int) -> list[str]:
    """The names of a zip's members, where all are stored as they are: so it cannot unpack to more than its own size.

    Keras and NumPy store. A compressed member can unpack to gigabytes, whatever size it claims.

    Raises:
        ValueError: a member is compressed, or twice there, or there is too much of them.
        OSError, zipfile.BadZipFile: it is no zip, or damaged.
    """
    if (size := path.stat().st_size) > max_bytes:
        raise ValueError(f"expected at most {max_bytes >> 20} MB, received {size >> 20} MB")
    with path.open("rb") as file:
        file.seek(max(0, size - _ZIP_END.size - _ZIP64_LOCATOR_BYTES))
        tail = file.read()
    end = tail[-_ZIP_END.size :]
    if not end.startswith(b"PK\x05\x06") or end[-2:] != b"\0\0":
        raise ValueError("expected a zip, its end is not there")
    if _ZIP_END.unpack(end)[5] > _MAX_DIRECTORY_BYTES or tail.startswith(_ZIP64_LOCATOR):
        raise ValueError("it has far too many members")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise ValueError(f"expected members that are not compressed, {member.filename!r} is")
    if sum(member.file_size for member in members) > max_bytes:
        raise ValueError(f"unpacked it would be over {max_bytes >> 20} MB")
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise ValueError("it holds a member twice")
    return names


def need_space(folder: Path, n_bytes: int) -> None:
    """Refuse work whose files would not fit into `folder`, which need not exist yet. Raises DiskError."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < n_bytes:
        raise DiskError(
            f"expected at least {n_bytes / 1e6:.0f} MB free in {folder}, found {free / 1e6:.0f} MB; "
            "free some space or choose another folder with --runs"
        )


@contextmanager
def muted(descriptor: int) -> Iterator[None]:
    """What anything in this process writes to a descriptor goes nowhere: 1 is the standard output, 2 that of errors."""
    kept, nowhere = os.dup(descriptor), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:  # h5py reports a full disk as a RuntimeError
        reason = " ".join(str(error).split())[:300]  # h5py's has several lines
        raise DiskError(f"cannot write {path}: {reason}; free some space or choose another folder") from error


def _flush(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folder, and keeps renames in its journal
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
