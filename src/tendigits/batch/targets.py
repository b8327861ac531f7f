"""The files that `tendigits read` is going to write, checked before the first picture is read.

planned = plan_show(paths, Path("shown"))
check([("--csv", Path("out.csv")), *(("--show", path) for path in planned.values())], paths)
"""

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath

from tendigits.errors import UserError, printable
from tendigits.outputs import Target, check_targets
from tendigits.pictures.documents import split_address
from tendigits.read.page import COLUMNS

SUFFIXES = {"--csv": (".csv", ".txt", ""), "--table": (".csv", ".xlsx"), "--show": (".png", ".jpg", ".jpeg", ".webp")}
STDOUT = Path("-")  # the name of standard output as a CSV file
MAX_STEM_BYTES = 200  # of a picture's name in the name of its annotated copy; file systems allow 255 for the whole
AUTHOR = "tendigits"  # what spreadsheets and annotated pictures have as their author or software
SOFTWARE = 305  # Exif's tag for it
FORM_COLUMNS = ("path", "to check")  # the first and the last column of a form's CSV


def check(outputs: Iterable[tuple[str, Path | None]], inputs: Iterable[str | Path], overwrite: bool = False) -> None:
    """Check all outputs: a path for each use of an option, None or "-" for none. Inputs are paths and addresses.

    Raises what `check_targets` raises.
    """
    targets = [
        Target(option, path, SUFFIXES[option], is_ours, makes_folder=option == "--show")
        for option, path in outputs
        if path is not None and path != STDOUT
    ]
    check_targets(targets, (split_address(str(path))[0] for path in inputs), overwrite)


def is_ours(path: Path) -> bool:
    """Whether `tendigits read` has written this file; the CSV of a table has nothing that shows it."""
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
