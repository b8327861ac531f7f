"""Print the version, or check that a tag names it.

python tools/release.py v0.1.0
"""

import sys
import tomllib
from pathlib import Path

VERSION: str = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["version"]

if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] != f"v{VERSION}":
        sys.exit(f"expected the tag v{VERSION}, as pyproject.toml says, received {sys.argv[1]}")
    print(VERSION)
