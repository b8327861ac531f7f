"""Write files whole: after a crash, a full disk or a power cut there is either the old file or the new one.

`replacing` writes to a temporary file in the same folder, which is flushed to disk and checked, and then replaces the
old file in one step.
"""

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tendigits.errors import DiskError, RunError, reason_of
from tendigits.untrusted import MAX_TEXT_BYTES, has_inside, path_inside, read_inside

LOCK = ".lock"  # name of the file that locks a folder; from its second byte on it contains the process id
WAITS_SECONDS = (0.01, 0.1, 0.5)  # before a file is replaced that another program has open
_PREFIX = ".writing-"  # of temporary files


@contextmanager
def replacing(path: Path, check: Callable[[Path], object] = lambda _: None) -> Iterator[Path]:
    """Yield a temporary path to write to, then move it to `path`; if `path` is a link, the link is replaced.

    For files in our own folders. For a file that the user named see `writing`.

    Args:
        path: the final path; its folder exists.
        check: reads the temporary file and raises if it is wrong.

    Raises:
        DiskError: the file could not be written (disk full, no permission); `path` is unchanged.
    """
    # Keras takes the format from the suffix. The random part cannot be guessed, so nobody can create a link there.
    temporary = path.with_name(f"{_PREFIX}{os.getpid()}-{os.urandom(4).hex()}{path.suffix}")
    try:
        with _disk_errors(path):
            yield temporary
            _flush(temporary)
        check(temporary)
        with _disk_errors(path):
            if path.is_file() and not path.is_symlink():
                shutil.copymode(path, temporary)
            _replace(temporary, path)
            if os.name == "posix":  # Windows opens no folders, and NTFS keeps a journal of them
                _flush(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path, check: Callable[[Path], object] = lambda _: None) -> Iterator[Path]:
    """Like `replacing`, for a file that the user named: a link's target is replaced, a pipe or device written to."""
    if path.is_file() or path.is_dir() or not path.exists():
        with replacing(Path(os.path.realpath(path)) if path.is_symlink() else path, check) as temporary:
            yield temporary
        return
    with _disk_errors(path), tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / path.name
        yield temporary
        check(temporary)
        with temporary.open("rb") as source, path.open("ab") as stream:
            shutil.copyfileobj(source, stream)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8 through `replacing`. Raises DiskError."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def make_folder(path: Path) -> None:
    """Make a folder and its parents if they do not exist. Raises DiskError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make the folder {path}: {error.strerror}; choose another") from error


def make_inside(folder: Path, name: str) -> Path:
    """Make a subfolder if it does not exist, and return its path. Raises DiskError, also if it is a link."""
    make_folder(folder)
    try:
        path = path_inside(folder, name)
    except OSError as error:
        raise DiskError(f"cannot make the folder {folder / name}: {error.strerror}; choose another") from None
    make_folder(path)
    return path


def write_or_compare(path: Path, settings: Mapping[str, Any], verb: str, advice: str) -> None:
    """Write the settings of a folder as JSON, or check that they are the same as before.

    Raises:
        RunError: the settings differ, or the file is damaged. `verb`, such as "was read with", and `advice` are parts
            of its message.
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
        raise RunError(f"{path.parent} {verb} another {' and another '.join(different)}; {advice}")


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files of a killed process; only while holding the folder's lock."""
    for leftover in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            leftover.unlink()


@contextmanager
def lock_folder(folder: Path, advice: str) -> Iterator[None]:
    """Lock an existing folder while writing to it. The operating system releases the lock when the process ends.

    Raises:
        RunError: another process holds the lock, or the lock is not a regular file; `advice` ends its message.
        DiskError: the folder cannot be written to.
    """
    from filelock import FileLock, Timeout

    path = folder / LOCK
    if os.path.lexists(path) and not has_inside(folder, LOCK):
        raise RunError(f"expected a regular file as the lock {path}, found another; delete it, or {advice}")
    # Another process may hold the lock for a moment to check it.
    lock = FileLock(path, timeout=0.5, preserve_lock_file=True)
    try:
        lock.acquire()
        with path.open("r+b") as file:
            file.seek(1)  # the lock is on the first byte, which on Windows nobody else may read or write
            file.write(b"%d\n" % os.getpid())
    except Timeout:
        with path.open("rb") as file:
            file.seek(1)
            holder = file.readline(32).decode(errors="replace").strip()
        raise RunError(f"{folder} is in use by process {holder}; wait for it, or {advice}") from None
    except OSError as error:
        lock.release()
        raise DiskError(f"cannot lock {folder}: {error.strerror}; {advice}") from None
    try:
        remove_leftovers(folder)
        yield
    finally:
        lock.release()


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def portable(name: str) -> str:
    """A name for a file or a folder that every system accepts. On Windows con.png is a device, and a: a drive."""
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f]|[. ]$', "_", name)
    return re.sub(r"(?i)^(?=(con|prn|aux|nul|com\d|lpt\d)(\.|$))", "_", name)


def need_space(folder: Path, n_bytes: int) -> None:
    """Raise DiskError unless there are `n_bytes` free for `folder`, which need not exist yet."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < n_bytes:
        raise DiskError(
            f"expected at least {n_bytes / 1e6:.0f} MB free in {folder}, found {free / 1e6:.0f} MB; "
            "free some space or choose another folder with --runs"
        )


@contextmanager
def muted(descriptor: int) -> Iterator[None]:
    """Discard what this process and its children write to a file descriptor: 1 is stdout, 2 is stderr."""
    original, null = os.dup(descriptor), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, descriptor)
        yield
    finally:
        os.dup2(original, descriptor)
        os.close(original)
        os.close(null)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turn errors of the operating system, and of h5py, into DiskError."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # h5py reports a full disk as a RuntimeError
        is_open = os.name == "nt" and isinstance(error, PermissionError)
        advice = "close it in other programs" if is_open else "free some space"
        raise DiskError(f"cannot write {path}: {reason_of(error)}; {advice} or choose another folder") from error


def _replace(temporary: Path, path: Path) -> None:
    """Move a file to its place. Windows refuses that while another program has the old file open."""
    for seconds in WAITS_SECONDS:
        with suppress(PermissionError):
            temporary.replace(path)
            return
        if os.name == "posix":
            break
        time.sleep(seconds)  # a reader, or a virus scanner, closes it soon
    temporary.replace(path)


def _flush(path: Path) -> None:
    """Flush a file or a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
