"""Write each notebook's link to Google Colab, for the repository that pyproject.toml names.

python notebooks/colab.py       # make address runs it
"""

import re
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
PLACEHOLDER = "https://github.com/OWNER/"
"""Where the repository has no address yet; tools/address.py replaces it."""
LINK = re.compile(r"^\[Open .*\]\(https://colab\.research\.google\.com/\S*\).*$", re.MULTILINE)
"""The line of a notebook's first cell that holds the link: text, since a picture would be fetched from the network."""


def link(notebook: str, pyproject: Path = ROOT / "pyproject.toml") -> str:
    """The line for a notebook of this file name; without a repository on GitHub its file is uploaded."""
    repository = tomllib.loads(pyproject.read_text())["project"].get("urls", {}).get("Repository", "")
    if not repository.startswith("https://github.com/") or repository.startswith(PLACEHOLDER):
        return "[Open Google Colab](https://colab.research.google.com/#upload=true), and upload this file."
    name = repository.removeprefix("https://github.com/").strip("/")
    return f"[Open in Colab](https://colab.research.google.com/github/{name}/blob/main/notebooks/{notebook})"


def main() -> None:
    """Write the links of all notebooks in this folder."""
    for path in sorted(Path(__file__).parent.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        first = notebook.cells[0]
        first.source = LINK.sub(link(path.name), first.source, count=1)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
