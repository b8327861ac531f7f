"""Whole-file writes: after a crash, a full disk or a power cut, either the old or the new file is there, whole.

Every file of a run goes through `replacing`: written beside its final place under a temporary name, flushed to disk,
checked by the caller, moved over the old file in one step, and the folder flushed too.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tendigits.errors import DiskError, RunError, reason_of

_PREFIX = ".writing-"


@contextmanager
def replacing(path: Path, check: Callable[[Path], object] = lambda _: None) -> Iterator[Path]:
    """Yield a temporary path to write to, then move it to `path`.

    Args:
        path: the file's final place; its folder exists.
        check: reads the temporary file and raises if it is wrong.

    Raises:
        DiskError: the file could not be written whole (disk full, no permission); `path` is unchanged.
    """
    # The real name comes last: Keras takes the format from the suffix.
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
    """Make a folder and its parents if they do not exist. Raises DiskError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make the folder {path}: {error.strerror}; choose another") from error


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
    if not path.exists():
        write_text(path, json.dumps(settings, indent=2) + "\n")
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        different = [key for key, value in settings.items() if before.get(key) != value]
    except (ValueError, AttributeError) as error:
        raise RunError(f"{path} is damaged: {error}; {advice}") from None
    if different:
        raise RunError(f"{path.parent} {made} another {' and another '.join(different)}; {advice}")


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files of a killed process; call this only while holding the folder's lock."""
    for leftover in folder.glob(f"{_PREFIX}*"):
        leftover.unlink(missing_ok=True)


@contextmanager
def lock_folder(folder: Path, advice: str) -> Iterator[None]:
    """Lock a folder while writing to it; the system unlocks it when the process ends, however it ends.

    Args:
        folder: an existing folder.
        advice: what else to do if it is locked, for the message.

    Raises:
        RunError: another process holds the lock; its id is in the message.
    """
    from filelock import FileLock, Timeout

    path = folder / ".lock"
    # Not 0: a process that only checks the lock holds it for a moment.
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
    """Read the process id in a lock file."""
    with suppress(OSError):
        return lock.read_text() or "unknown"
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
