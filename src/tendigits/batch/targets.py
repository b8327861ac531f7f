"""The files that a command is going to write, checked before the first picture is read.

planned = plan_show(paths, Path("shown"))
check_targets([("--csv", Path("out.csv")), *(("--show", path) for path in planned.values())], paths)

What the user has is never destroyed: an output is not one of the inputs, and replaces only what tendigits has written.
"""

import os
import shutil
import stat
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath

from tendigits.errors import DiskError, UserError, printable
from tendigits.pictures.documents import split_address
from tendigits.read.page import COLUMNS

SUFFIXES = {"--csv": (".csv", ".txt", ""), "--table": (".csv", ".xlsx"), "--show": (".png", ".jpg", ".jpeg", ".webp")}
MIN_FREE_BYTES = 16 * 2**20  # where a file is to be written
MAX_STEM_BYTES = 200  # of a picture's name in the name of its annotated copy; file systems allow 255 for the whole
AUTHOR = "tendigits"  # what spreadsheets and annotated pictures have as their author or software
SOFTWARE = 305  # Exif's tag for it
FORM_COLUMNS = ("path", "to check")  # the first and the last column of a form's CSV


def check_targets(targets: Iterable[tuple[str, Path]], inputs: Iterable[str | Path], overwrite: bool = False) -> None:
    """Check all outputs: a path for each use of an option.

    Args:
        inputs: paths and addresses that are read.
        overwrite: whether a file may be replaced that tendigits did not write, if it is not an input.

    Raises:
        UserError: a path has another format, is a folder, an input, the same as another, or would replace such a file.
        DiskError: a folder does not exist or cannot be written to, or the disk is full.
    """
    read = {identity for path in inputs if (identity := _identity(split_address(str(path))[0])) is not None}
    planned: set[str] = set()
    for option, path in targets:
        if path.suffix.lower() not in SUFFIXES[option]:
            endings = " or ".join(filter(None, SUFFIXES[option]))
            raise UserError(f"expected a name ending in {endings} for {option}, received {path}")
        if path.is_dir():
            raise UserError(f"expected a file for {option}, received the folder {path}")
        if path.exists() and not path.is_file():  # a pipe or a device, such as /dev/stdout
            continue
        target = os.path.realpath(path)
        if _identity(target) in read:
            raise UserError(f"{option} would overwrite {path}, which is read; choose another name")
        if target in planned:
            raise UserError(f"expected a file for each output, received {path} twice; choose another name")
        planned.add(target)
        _check_folder(Path(target).parent, may_be_made=option == "--show")
        if path.exists() and not overwrite and not is_ours(path):
            raise UserError(
                f"{option} would replace {path}, which may hold your own data; choose another name, or add --overwrite"
            )


def is_ours(path: Path) -> bool:
    """Whether tendigits has written this file, or it is empty; the CSV of a table has nothing that shows it."""
    with suppress(Exception):  # Pillow and zipfile raise many classes for what is damaged
        if path.stat().st_size == 0:
            return True
        if path.suffix.lower() == ".xlsx":
            with zipfile.ZipFile(path) as archive:
                return f"<dc:creator>{AUTHOR}</dc:creator>".encode() in archive.read("docProps/core.xml")
        if path.suffix.lower() in SUFFIXES["--show"]:
            from PIL import Image

            with Image.open(path) as image:
                return bool(image.getexif().get(SOFTWARE) == AUTHOR)
        with path.open(encoding="utf-8") as file:
            header = file.readline(2**20).rstrip("\n").split(",")
        return header == [*COLUMNS] or (header[0], header[-1]) == FORM_COLUMNS
    return False


def plan_show(paths: Sequence[str], show: Path | None) -> Mapping[str, Path]:
    """Choose the file of each annotated picture: `show` itself for one picture, or a file in the folder `show`.

    Raises UserError if several pictures would go to one file.
    """
    if show is None:
        return {}
    if len(paths) == 1 and not show.is_dir():
        return {paths[0]: show}
    if show.is_file() or show.suffix.lower() in SUFFIXES["--show"]:
        raise UserError(f"expected a folder for the {len(paths)} pictures of --show, received {show}; give a folder")
    planned: dict[str, Path] = {}
    taken: set[Path] = set()
    for path in dict.fromkeys(paths):
        name = printable(PurePath(path).stem).replace("\\", "_")
        stem, n = name.encode()[:MAX_STEM_BYTES].decode(errors="ignore"), 1
        while (target := show / (f"{stem}.png" if n == 1 else f"{stem}-{n}.png")) in taken:
            n += 1
        planned[path] = target
        taken.add(target)
    return planned


def _check_folder(folder: Path, may_be_made: bool) -> None:
    while may_be_made and not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise DiskError(f"expected a folder to write to, found none at {folder}; make it, or choose another")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DiskError(f"cannot write into the folder {folder}; choose another")
    if (free := shutil.disk_usage(folder).free) < MIN_FREE_BYTES:
        raise DiskError(f"expected {MIN_FREE_BYTES >> 20} MB of free space in {folder}, found {free >> 20}; free some")


def _identity(path: str) -> tuple[int, int] | None:
    """What all names of a file have in common; None if there is no such file."""
    with suppress(OSError, ValueError):
        found = Path(path).stat()
        return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None
    return None
