"""Read files that somebody else may have made: regular files of limited size, TOML and zip archives.

    data = read_file(Path("mine.toml"), MAX_TEXT_BYTES)         # named by the user: links are followed
    data = read_inside(run, "report.html", MAX_TEXT_BYTES)      # in a folder from elsewhere: links are refused
    settings = read_toml(Path("mine.toml"))

Functions that open files raise OSError; its `strerror` says what was expected and found.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zipfile import ZipInfo

MAX_TEXT_BYTES = 16 * 2**20  # of a text that tendigits wrote: a record, a report
MAX_TOML_BYTES = 256 * 2**10  # a form with the maximum of 1,000 fields takes a third of it

_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def open_file(path: Path, max_bytes: int) -> BufferedReader:
    """Open a regular file for reading; a link to one is followed."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):  # a pipe would block, and opening some devices has effects
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "a device")
        raise OSError(errno.EINVAL, f"expected a regular file, found {kind}", str(path))
    if found.st_size > max_bytes:
        raise OSError(errno.EFBIG, f"expected at most {max_bytes:,} bytes, received {found.st_size:,}", str(path))
    return path.open("rb")


def read_file(path: Path, max_bytes: int) -> bytes:
    """All bytes of a file, opened as by `open_file`."""
    with open_file(path, max_bytes) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(size + 1)
    if len(data) > size:  # it is being written, or is one of /proc, whose sizes are 0
        raise OSError(errno.EFBIG, f"expected {size:,} bytes, received more", str(path))
    return data


def read_inside(folder: Path, name: str, max_bytes: int) -> bytes:
    """All bytes of a regular file in a folder or its subfolders; neither the file nor a subfolder may be a link."""
    return read_file(path_inside(folder, name), max_bytes)


def has_inside(folder: Path, name: str) -> bool:
    """Whether there is a file that `read_inside` reads, apart from its size and permissions."""
    try:
        return stat.S_ISREG(path_inside(folder, name).stat().st_mode)
    except OSError:
        return False


def path_inside(folder: Path, name: str) -> Path:
    """The path of `name` in a folder. Raises OSError if it, or a folder between, is a link; `folder` may be one."""
    path = folder / name
    if path.is_symlink() or Path(os.path.realpath(path)) != Path(os.path.realpath(folder), name):
        raise OSError(errno.ELOOP, f"expected a file inside {folder}, found a link to elsewhere", str(path))
    return path


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file of settings.

    Raises:
        OSError: it cannot be read, is not a regular file, or is too large.
        ValueError: it is not TOML.
    """
    import tomllib

    try:
        return tomllib.loads(read_file(path, MAX_TOML_BYTES).decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("expected fewer nested lists") from None


def check_zip(file: BufferedReader, max_bytes: int, *, deflated: bool = False) -> "dict[str, ZipInfo]":
    """Check the directory of a zip before its members are read, and return them by name.

    Args:
        file: opened for reading; afterwards its position is the start.
        max_bytes: limit for the sizes of all unpacked members together.
        deflated: whether members may be compressed. A compressed member can unpack to more than the size in the
            directory, so the caller must stop reading at that size.

    Raises:
        ValueError: it is too large, has a name twice, or a member is compressed.
        OSError, zipfile.BadZipFile: it cannot be read, or is not a zip.
    """
    import zipfile

    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    file.seek(0)
    for member in members:
        is_stored = member.compress_type == zipfile.ZIP_STORED and member.file_size == member.compress_size
        if not is_stored and not (deflated and member.compress_type == zipfile.ZIP_DEFLATED):
            allowed = "stored or deflated" if deflated else "stored uncompressed"
            raise ValueError(f"expected members that are {allowed}, {member.filename!r} is not")
    if (total := sum(member.file_size for member in members)) > max_bytes:
        raise ValueError(f"expected at most {max_bytes:,} bytes unpacked, its members have {total:,}")
    by_name = {member.filename: member for member in members}
    if len(by_name) < len(members):
        raise ValueError("two of its members have the same name")
    return by_name
