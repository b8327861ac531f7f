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
    """The rows of fonts.csv: name, version, licence, and kind, "written" or "printed"."""
    with Path(__file__).with_name("fonts.csv").open() as file:
        return [*csv.DictReader(file)]


def fetch(name: str, version: str, folder: Path) -> None:
    """Fetch one font as folder/name.woff."""
    target = folder / f"{name}.woff"
    if target.exists():
        return
    with tempfile.TemporaryDirectory() as place:
        command = ["npm", "pack", "--silent", f"@fontsource/{name}@{version}"]
        packed = subprocess.run(command, cwd=place, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(Path(place) / packed) as tar:
            names = sorted(each for each in tar.getnames() if each.endswith("-normal.woff") and "-latin-" in each)
            regular = [each for each in names if each.endswith(f"{name}-latin-400-normal.woff")]
            chosen = (regular or names)[0]
            tar.extract(chosen, place, filter="data")
        with replacing(target) as path:
            path.write_bytes((Path(place) / chosen).read_bytes())


def main() -> None:
    """Fetch all of them."""
    FONTS.mkdir(parents=True, exist_ok=True)
    for row in read_list():
        fetch(row["name"], row["version"], FONTS)
    print(f"{len([*FONTS.glob('*.woff')])} fonts in {FONTS}")


if __name__ == "__main__":
    main()
