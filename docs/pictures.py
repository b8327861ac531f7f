"""Make the README's pictures from real runs: what the terminal shows, the curves, and a photo that is read.

    make pictures DATA=mnist.npz         # or: python docs/pictures.py mnist.npz

The commands run in a terminal in memory, so the pictures are what a person sees, colours included.
"""

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

import numpy as np
import pyte
from PIL import Image
from rich.console import Console, Group
from rich.style import Style
from rich.text import Text

DOCS = Path(__file__).parent
COLUMNS, ROWS = 92, 60
PHOTO = 4
"""Seed of the photo."""


def main() -> None:
    """Run, then write docs/terminal.svg, docs/curves.png, docs/read.svg and docs/read.jpg."""
    data = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "mnist.npz").symlink_to(data)
        command = ["tendigits", "train", "--data", "mnist.npz", "--name", "first"]
        screen = run_in_terminal(command, Path(folder))
        (DOCS / "terminal.svg").write_text(draw(command, screen))
        shutil.copy(Path(folder) / "runs" / "first" / "curves.png", DOCS / "curves.png")
        take_photo(data, Path(folder) / "photo.jpg")
        command = ["tendigits", "read", "photo.jpg", "--show", "read.png"]
        (DOCS / "read.svg").write_text(draw(command, run_in_terminal(command, Path(folder))))
        with Image.open(Path(folder) / "read.png") as picture:
            picture.save(DOCS / "read.jpg", quality=80)


def take_photo(data: Path, path: Path) -> None:
    """Eight lines of MNIST's test digits on squared paper, as the benchmark makes them."""
    sys.path.insert(0, str(DOCS.parent / "bench"))
    from pages import Digits, make_photo

    with np.load(data) as file:
        digits = Digits(list(file["x_test"]), file["y_test"].tolist())
    Image.fromarray(make_photo(digits, np.random.default_rng(PHOTO))[0]).save(path, quality=92)


def run_in_terminal(command: list[str], folder: Path) -> pyte.Screen:
    """What a terminal shows when the command has ended."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
    executable = Path(sys.executable).with_name(command[0])
    with subprocess.Popen([executable, *command[1:]], cwd=folder, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        while True:
            try:
                stream.feed(os.read(ours, 65536))
            except OSError:  # the other end is closed
                break
    os.close(ours)
    return screen


def draw(command: list[str], screen: pyte.Screen) -> str:
    """The terminal as SVG, with no request for a font."""
    lines = [Text.assemble(("$ ", "bold green"), " ".join(command))]
    for y in range(screen.lines):
        line = Text()
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            colour = None if cell.fg == "default" else cell.fg.replace("brown", "yellow")
            line.append(cell.data, Style(color=colour, bold=cell.bold))
        line.rstrip()
        lines.append(line)
    while not lines[-1].plain:
        lines.pop()
    console = Console(record=True, width=screen.columns, file=StringIO())
    console.print(Group(*lines))
    svg = console.export_svg(title=" ".join(command[:2]))
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    main()
