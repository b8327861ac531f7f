"""Write a file so that after a crash, a full disk or a power cut either the old or the new one is whole.

Every file of a run goes through `replacing`: written beside its place under a temporary name, flushed to the disk,
read again by the caller's check, moved over the old one in one step, and the folder flushed too.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tendigits.errors import DiskError

_PREFIX = ".writing-"


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


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all. Raises DiskError."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def remove_leftovers(folder: Path) -> None:
    """Delete what a killed process left half-written in `folder`; call it only while holding the folder's lock."""
    for leftover in folder.glob(f"{_PREFIX}*"):
        leftover.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """The SHA-256 of the file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:  # h5py reports a full disk as a RuntimeError
        raise DiskError(f"cannot write {path}: {error}; free some space or choose another folder") from error


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
