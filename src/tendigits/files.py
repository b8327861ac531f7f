"""Whole-file writes: after a crash, a full disk or a power cut, either the old or the new file is there, whole.

Every file of a run goes through `replacing`: written beside its final place under a temporary name, flushed to disk,
checked by the caller, moved over the old file in one step, and the folder flushed too.
"""

import hashlib
import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tendigits.errors import DiskError, RunError, reason_of
from tendigits.untrusted import MAX_TEXT_BYTES, has_inside, path_inside, read_inside

_PREFIX = ".writing-"

LOCK = ".lock"
"""Name of the file that locks a folder; it holds the id of the process."""

_MAX_HOLDER = 32
"""Bytes of a process id, and room to spare."""

_OPEN_FILES = ("/proc/", "/dev/fd")
"""Folders in which the system shows the open files of a process."""


@contextmanager
def replacing(path: Path, check: Callable[[Path], object] = lambda _: None) -> Iterator[Path]:
    """Yield a temporary path to write to, then move it to `path`, which is replaced whatever it is, a link too.

    For files in a folder that belongs to us. What a person named is written with `writing`.

    Args:
        path: the file's final place; its folder exists.
        check: reads the temporary file and raises if it is wrong.

    Raises:
        DiskError: the file could not be written whole (disk full, no permission); `path` is unchanged.
    """
    # The real name comes last: Keras takes the format from the suffix. Nobody can guess the random part and put a
    # link there.
    temporary = path.with_name(f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}-{path.name}")
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


@contextmanager
def writing(path: Path, check: Callable[[Path], object] = lambda _: None) -> Iterator[Path]:
    """As `replacing`, for a file that a person named, which need not be a regular one.

    Of a link, the file that it leads to is replaced. Into a device, a pipe and what the system opens for a process,
    such as /dev/stdout, what was written is copied after the check.
    """
    if not _is_stream(path):
        with replacing(Path(os.path.realpath(path)) if path.is_symlink() else path, check) as temporary:
            yield temporary
        return
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / path.name
        with _explaining(path):
            yield temporary
        check(temporary)
        # Not created, and not cut to nothing: the shell has opened it, and other programs may write to it, too.
        with _explaining(path), temporary.open("rb") as source, open(path, "ab", opener=_open_existing) as stream:
            shutil.copyfileobj(source, stream)


def make_folder(path: Path) -> None:
    """Make a folder and its parents if they do not exist. Raises DiskError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make the folder {path}: {error.strerror}; choose another") from error


def make_inside(folder: Path, name: str) -> Path:
    """Make a folder in a folder of ours, unless it is there. Raises DiskError, also where it is a link to another."""
    make_folder(folder)
    try:
        path = path_inside(folder, name)
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make the folder {folder / name}: {error.strerror}; choose another") from None
    return path


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all. Raises DiskError."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_or_compare(path: Path, settings: Mapping[str, Any], made: str, advice: str) -> None:
    """Write down what a folder is made with, or check that it is the same as before.

    Args:
        path: a JSON file in the folder.
        made: how it was made, for the message: "was read with".
        advice: what else to do, for the message.

    Raises:
        RunError: it was made with other settings, or the file is damaged.
    """
    if not os.path.lexists(path):
        write_text(path, json.dumps(settings, indent=2) + "\n")
        return
    try:
        before = json.loads(read_inside(path.parent, path.name, MAX_TEXT_BYTES))
        different = [key for key, value in settings.items() if before.get(key) != value]
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {reason_of(error)}; {advice}") from None
    if different:
        raise RunError(f"{path.parent} {made} another {' and another '.join(different)}; {advice}")


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files of a killed process; call this only while holding the folder's lock."""
    for leftover in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # a folder of that name is none of ours
            leftover.unlink()


@contextmanager
def lock_folder(folder: Path, advice: str) -> Iterator[None]:
    """Lock a folder while writing to it; the system unlocks it when the process ends, however it ends.

    Args:
        folder: an existing folder.
        advice: what else to do if it is locked, for the message.

    Raises:
        RunError: another process holds the lock; its id is in the message. Or the lock is not a file of the folder.
        DiskError: the folder cannot be written to.
    """
    from filelock import FileLock, Timeout

    path = folder / LOCK
    if os.path.lexists(path) and not has_inside(folder, LOCK):
        raise RunError(f"expected a regular file as the lock {path}, found another; delete it, or {advice}")
    # Not 0: a process that only checks the lock holds it for a moment.
    lock = FileLock(path, timeout=0.5, preserve_lock_file=True)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(f"{folder} is in use by process {_holder(folder)}; wait for it, or {advice}") from None
    except OSError as error:
        raise DiskError(f"cannot lock {folder}: {error.strerror}; {advice}") from None
    try:
        with suppress(OSError):  # Windows may refuse to write to a locked file
            path_inside(folder, LOCK).write_text(str(os.getpid()))
        remove_leftovers(folder)
        yield
    finally:
        lock.release()


def _holder(folder: Path) -> str:
    """Read the process id in a folder's lock."""
    with suppress(OSError):
        return read_inside(folder, LOCK, _MAX_HOLDER).decode(errors="replace") or "unknown"
    return "unknown"


def sha256(path: Path) -> str:
    """Compute the SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def need_space(folder: Path, n_bytes: int) -> None:
    """Raise DiskError unless `folder`, which need not exist yet, has room for `n_bytes`."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < n_bytes:
        raise DiskError(
            f"expected at least {n_bytes / 1e6:.0f} MB free in {folder}, found {free / 1e6:.0f} MB; "
            "free some space or choose another folder with --runs"
        )


@contextmanager
def muted(descriptor: int) -> Iterator[None]:
    """Discard whatever this process, C libraries included, writes to a file descriptor: 1 is stdout, 2 is stderr."""
    original, null = os.dup(descriptor), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, descriptor)
        yield
    finally:
        os.dup2(original, descriptor)
        os.close(original)
        os.close(null)


def _is_stream(path: Path) -> bool:
    """Whether it is there and can be written to, but not replaced."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if not stat.S_ISREG(mode):
        return not stat.S_ISDIR(mode)
    while not os.path.realpath(path.parent).startswith(_OPEN_FILES):
        if not path.is_symlink():
            return False
        path = path.parent / path.readlink()  # step by step: the last one, in /proc, leads to the open file itself
    return True


def _open_existing(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_CREAT)


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:  # h5py reports a full disk as a RuntimeError
        raise DiskError(f"cannot write {path}: {reason_of(error)}; free some space or choose another folder") from error


def _flush(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folder, and keeps renames in its journal
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
