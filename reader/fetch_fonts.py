"""Fetch the fonts of fonts.csv, from npm's registry, into .reader/fonts. They are not shipped.

python reader/fetch_fonts.py        # needs npm; fonts that are there are kept
"""

import csv
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tendigits.files import replacing
from training import FOLDER

FONTS = FOLDER / "fonts"


def read_list() -> list[dict[str, str]]:
    """The rows of fonts.csv: name, version, licence, and kind, "written", "printed" or "display"."""
    with Path(__file__).with_name("fonts.csv").open() as file:
        return [*csv.DictReader(file)]


def fetch(name: str, version: str, folder: Path) -> None:
    """Fetch one font as folder/name.woff; "package/style" is one of a package's styles."""
    target = file_of(name, folder)
    if target.exists():
        return
    package, _, style = name.partition("/")
    with tempfile.TemporaryDirectory() as place:
        command = ["npm", "pack", "--silent", f"@fontsource/{package}@{version}"]
        packed = subprocess.run(command, cwd=place, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(Path(place) / packed) as tar:
            files = sorted(each for each in tar.getnames() if each.endswith("-normal.woff"))
            names = [each for each in files if f"{package}-{style or 'latin'}-" in each]
            regular = [each for each in names if each.endswith(f"{package}-{style or 'latin-400'}-normal.woff")]
            chosen = (regular or names)[0]
            tar.extract(chosen, place, filter="data")
        with replacing(target) as path:
            path.write_bytes((Path(place) / chosen).read_bytes())


def file_of(name: str, folder: Path = FONTS) -> Path:
    """Where a font lies."""
    return folder / f"{name.replace('/', '-')}.woff"


def main() -> None:
    """Fetch all of them."""
    FONTS.mkdir(parents=True, exist_ok=True)
    for row in read_list():
        fetch(row["name"], row["version"], FONTS)
    print(f"{len([*FONTS.glob('*.woff')])} fonts in {FONTS}")


if __name__ == "__main__":
    main()
