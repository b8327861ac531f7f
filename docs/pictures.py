"""Make the README's pictures from a real run: what the terminal shows, and the curves.

    make pictures DATA=mnist.npz         # or: python docs/pictures.py mnist.npz

It runs `tendigits train` in a terminal in memory, so the picture is what a person sees, colours included.
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

import pyte
from rich.console import Console, Group
from rich.style import Style
from rich.text import Text

DOCS = Path(__file__).parent
COLUMNS, ROWS = 92, 60


def main() -> None:
    """Run, then write docs/terminal.svg and docs/curves.png."""
    data = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "mnist.npz").symlink_to(data)
        command = ["tendigits", "train", "--data", "mnist.npz", "--name", "first"]
        screen = run_in_terminal(command, Path(folder))
        (DOCS / "terminal.svg").write_text(draw(command, screen))
        shutil.copy(Path(folder) / "runs" / "first" / "curves.png", DOCS / "curves.png")


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
    svg = console.export_svg(title="tendigits train")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    main()
