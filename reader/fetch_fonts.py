"""Fetch the fonts of fonts.csv, from npm's registry, into .reader/fonts. They are not shipped.

python reader/fetch_fonts.py        # needs npm; fonts that are there are kept
"""

import csv
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tendigits.files import replacing

HERE = Path(__file__).parent
FONTS = HERE.parent / ".reader" / "fonts"


def fetch(name: str, version: str, folder: Path) -> None:
    """Fetch one font as folder/name.woff."""
    target = folder / f"{name}.woff"
    if target.exists():
        return
    with tempfile.TemporaryDirectory() as place:
        command = ["npm", "pack", "--silent", f"@fontsource/{name}@{version}"]
        packed = subprocess.run(command, cwd=place, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(fileobj=io.BytesIO((Path(place) / packed).read_bytes())) as tar:
            names = [each for each in tar.getnames() if each.endswith("-normal.woff") and "-latin-" in each]
            regular = [each for each in names if each.endswith(f"{name}-latin-400-normal.woff")]
            tar.extract((regular or sorted(names))[0], place, filter="data")
        with replacing(target) as path:
            path.write_bytes((Path(place) / (regular or sorted(names))[0]).read_bytes())


def main() -> None:
    """Fetch all of them."""
    FONTS.mkdir(parents=True, exist_ok=True)
    with (HERE / "fonts.csv").open() as file:
        for row in csv.DictReader(file):
            fetch(row["name"], row["version"], FONTS)
    print(f"{len([*FONTS.glob('*.woff')])} fonts in {FONTS}")


if __name__ == "__main__":
    main()
