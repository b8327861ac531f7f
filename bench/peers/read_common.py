"""What all readers share: the arguments, the clock, the digits of a text, boxes to lines, and the one line of JSON.

python bench/peers/read_NAME.py --images LIST.json --kind digit|line|page [--no-detection]

LIST.json is a list of paths. It is imported in every peer's environment, so it needs only the standard library.
"""

import argparse
import json
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

from memory import peak_mb

# torchvision looks for a package `pytorch` and would find, and run, the script of that name beside this one.
sys.path = [folder for folder in sys.path if Path(folder or ".").resolve() != Path(__file__).resolve().parent]

Answer = str | list[str]
"""A string for a digit or a line, a list of strings, one for each line, for a page."""

Found = tuple[float, float, float, float, str]
"""Left, top, right and bottom of a piece of text, and what it says."""


def run(
    peer: str,
    load: Callable[[argparse.Namespace], Callable[[str], Answer]],
    *packages: str,
    more: Callable[[], dict[str, str]] = dict,
) -> None:
    """Load a reader, let it read one image to warm up and then all of them, each timed; print the line.

    Args:
        load: from the arguments to a function that reads the image at a path.
        packages: whose versions are said.
        more: versions of what is no package, asked for at the end.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=Path, required=True, help="a JSON list of paths")
    parser.add_argument("--kind", choices=("digit", "line", "page"), required=True)
    parser.add_argument("--no-detection", action="store_true", help="take the whole image as one line of text")
    given = parser.parse_args()
    paths = json.loads(given.images.read_text())
    started = time.perf_counter()
    read = load(given)
    load_s = time.perf_counter() - started
    failed: dict[str, str] = {}
    answers, ms = [], []
    for number, path in enumerate([paths[0], *paths]):
        started = time.perf_counter()
        try:
            answer = read(path)
        except Exception as error:  # a picture that a peer cannot open is one that it does not read, and no more
            answer = [] if given.kind == "page" else ""
            failed[path] = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        if number:
            ms.append(round((time.perf_counter() - started) * 1e3, 3))
            answers.append(answer)
    said = {
        "peer": peer,
        "answers": answers,
        "ms": ms,
        "load_s": round(load_s, 3),
        "peak_mb": round(peak_mb(), 1),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}, **more()},
        "failed": failed,
    }
    print(json.dumps(said), flush=True)


def digits(text: str) -> str:
    """The digits 0 to 9 of a text, and nothing else of it."""
    return re.sub("[^0-9]", "", text)


def lines_of(found: Iterable[Found]) -> list[str]:
    """The digits of each line, from top to bottom: pieces of text that stand beside each other are one.

    A detector often finds a line in two pieces; without this it would lose the line.
    """
    lines: list[list[Found]] = []
    for piece in sorted(piece for piece in found if digits(piece[4])):
        best, most = None, 0.5
        for line in lines:
            _, top, _, bottom, _ = line[-1]
            share = (min(bottom, piece[3]) - max(top, piece[1])) / max(1, min(bottom - top, piece[3] - piece[1]))
            if share > most:
                best, most = line, share
        if best is None:
            lines.append([piece])
        else:
            best.append(piece)
    lines.sort(key=lambda line: sum(piece[1] + piece[3] for piece in line) / len(line))
    return ["".join(digits(piece[4]) for piece in line) for line in lines]


def of_kind(kind: str, found: Iterable[Found]) -> Answer:
    """The lines of a page; of a line or a digit all that was found, from left to right."""
    return lines_of(found) if kind == "page" else "".join(digits(piece[4]) for piece in sorted(found))
