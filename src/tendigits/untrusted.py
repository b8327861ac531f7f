"""Open files that somebody else may have made: none blocks, none is too large, and no link leads out of a folder.

    data = read_file(Path("mine.toml"), MAX_TEXT)               # the user named it: a link is followed
    data = read_inside(run, "report.html", MAX_TEXT)            # in a folder that came as a whole: it is not
    with open_inside(run, "checkpoints/epoch-0001.npz", 2**30) as file: ...

Every function raises OSError, whose `strerror` says what was expected and found.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

MAX_TEXT = 16 * 2**20
"""Bytes of a text that a program wrote for itself: a record, a curve of 10,000 epochs, a report with its pictures."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
"""O_NONBLOCK: a pipe that took the file's place after the first look does not block either."""

_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFLNK: "a link"}


def open_file(path: Path, max_bytes: int) -> BufferedReader:
    """Open a regular file for reading; a link to one is followed."""
    return _open(path, max_bytes, 0)


def open_inside(folder: Path, name: str, max_bytes: int) -> BufferedReader:
    """Open a regular file in a folder, or in a folder in it; neither it nor a folder on the way may be a link."""
    return _open(path_inside(folder, name), max_bytes, getattr(os, "O_NOFOLLOW", 0))


def read_file(path: Path, max_bytes: int) -> bytes:
    """All bytes of a file, as `open_file` opens it."""
    with open_file(path, max_bytes) as file:
        return _read(file)


def read_inside(folder: Path, name: str, max_bytes: int) -> bytes:
    """All bytes of a file, as `open_inside` opens it."""
    with open_inside(folder, name, max_bytes) as file:
        return _read(file)


def has_inside(folder: Path, name: str) -> bool:
    """Whether `open_inside` would open a file of this name, but for its size and permissions."""
    try:
        return stat.S_ISREG(path_inside(folder, name).stat().st_mode)
    except OSError:
        return False


def path_inside(folder: Path, name: str) -> Path:
    """The path of `name` in a folder, for libraries that open it themselves; nothing on the way may be a link.

    The folder itself may be one: the user named it.
    """
    path = folder / name
    if path.is_symlink() or Path(os.path.realpath(path)) != Path(os.path.realpath(folder), name):
        raise OSError(errno.ELOOP, f"expected a file of its own in {folder}, found a link to elsewhere", str(path))
    return path


def _open(path: Path, max_bytes: int, flags: int) -> BufferedReader:
    _check(path, path.stat(), max_bytes)  # before it is opened: opening alone makes some devices do something
    file = os.fdopen(os.open(path, _FLAGS | flags), "rb")
    try:
        _check(path, os.fstat(file.fileno()), max_bytes)
    except OSError:
        file.close()
        raise
    return file


def _check(path: Path, found: os.stat_result, max_bytes: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "a device")
        raise OSError(errno.EINVAL, f"expected a regular file, found {kind}", str(path))
    if found.st_size > max_bytes:
        reason = f"expected at most {max_bytes:,} bytes, received {found.st_size:,}"
        raise OSError(errno.EFBIG, reason, str(path))


def _read(file: BufferedReader) -> bytes:
    size = os.fstat(file.fileno()).st_size
    data = file.read(size + 1)
    if len(data) > size:  # it grew meanwhile, or is one of /proc, whose sizes are 0
        raise OSError(errno.EFBIG, f"expected {size:,} bytes, received more", str(file.name))
    return data
