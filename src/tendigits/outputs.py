"""The files that a command is going to write, checked before it begins.

check_targets([Target("--picture", Path("compared.png"), (".png",))], inputs=["history.csv"])

What the user has is never destroyed: an output is not one of the inputs, and replaces a file only if the user says so.
"""

import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tendigits.errors import DiskError, UserError

MIN_FREE_BYTES = 16 * 2**20  # where a file is to be written


@dataclass(frozen=True)
class Target:
    """A file to write."""

    option: str  # that names it
    path: Path
    suffixes: tuple[str, ...]  # of its format
    makes_folder: bool = False  # a missing folder is made


def check_targets(targets: Iterable[Target], inputs: Iterable[str | Path], overwrite: bool = False) -> None:
    """Check all files that a command is going to write.

    Args:
        inputs: the files that it reads; other paths are ignored.
        overwrite: whether a file that exists, and is not empty, may be replaced; an input never is.

    Raises:
        UserError: a path has another format, is a folder, an input, the same as another, or would replace a file.
        DiskError: a folder does not exist or cannot be written to, or the disk is full.
    """
    read = {identity for path in inputs if (identity := _identity(path)) is not None}
    planned: set[str] = set()
    for target in targets:
        option, path = target.option, target.path
        if path.suffix.lower() not in target.suffixes:
            endings = " or ".join(filter(None, target.suffixes))
            raise UserError(f"expected a name ending in {endings} for {option}, received {path}")
        if path.is_dir():
            raise UserError(f"expected a file for {option}, received the folder {path}")
        if path.exists() and not path.is_file():  # a pipe or a device, such as /dev/stdout
            continue
        real = os.path.realpath(path)
        if _identity(real) in read:
            raise UserError(f"{option} would overwrite {path}, which is read; choose another name")
        if real.casefold() in planned:  # Windows and macOS ignore case
            raise UserError(f"expected a file for each output, received {path} twice; choose another name")
        planned.add(real.casefold())
        _check_folder(Path(real).parent, target.makes_folder)
        if path.exists() and path.stat().st_size and not overwrite:
            raise UserError(f"{option} would replace {path}; choose another name, or add --overwrite")


def _check_folder(folder: Path, may_be_made: bool) -> None:
    while may_be_made and not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise DiskError(f"expected a folder to write to, found none at {folder}; make it, or choose another")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DiskError(f"cannot write into the folder {folder}; choose another")
    if (free := shutil.disk_usage(folder).free) < MIN_FREE_BYTES:
        raise DiskError(f"expected {MIN_FREE_BYTES >> 20} MB of free space in {folder}, found {free >> 20}; free some")


def _identity(path: str | Path) -> tuple[int, int] | None:
    """What all names of a file have in common; None if there is no such file."""
    with suppress(OSError, ValueError):
        found = Path(path).stat()
        return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None
    return None
