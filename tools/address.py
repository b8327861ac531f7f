"""Write the project's address everywhere: pyproject.toml has it, and what names it agrees.

make address ADDRESS=https://github.com/NAME/tendigits      # all files
python tools/address.py                                     # exit code 1 as long as it is the placeholder
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACEHOLDER = "OWNER"
"""Stands for the owner on GitHub until the address is known."""
ADDRESS = re.compile(r"(?<=github\.com/)(?!NAME/)[\w-]+(?=/tendigits\b)|[\w-]+(?=\.github\.io/tendigits\b)")
"""The owner in an address of the repository or of its site; NAME stands for any in what explains it."""


def owner() -> str:
    """The owner's name in pyproject.toml."""
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    return str(repository.removeprefix("https://github.com/").partition("/")[0])


def addresses() -> dict[Path, set[str]]:
    """The files of the repository that name an address, and the owners in them."""
    files = subprocess.check_output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT)
    found = {}
    for path in (ROOT / name for name in files.decode().split("\0") if name):
        if path.is_file() and path != Path(__file__) and b"\0" not in (content := path.read_bytes()):
            owners = set(ADDRESS.findall(content.decode(errors="replace")))
            if owners:
                found[path] = owners
    return found


def main() -> None:
    """Replace the owner in all files, or say whether it is known."""
    if len(sys.argv) > 1:
        if not (match := re.fullmatch(r"https://github\.com/([\w-]+)/tendigits/?", sys.argv[1])):
            sys.exit(f"expected an address such as https://github.com/NAME/tendigits, received {sys.argv[1]}")
        for path in addresses():
            path.write_text(ADDRESS.sub(match[1], path.read_text(encoding="utf-8")), encoding="utf-8")
    elif owner() == PLACEHOLDER:
        sys.exit("the project has no address yet: make address ADDRESS=https://github.com/NAME/tendigits")


if __name__ == "__main__":
    main()
