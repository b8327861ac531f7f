"""What all readers share: the arguments, the clock, boxes to numbers, and the one line of JSON.

python bench/peers/read_NAME.py --images LIST.json --kind digit|line|page|grid|table|nothing [--keep 0123456789.,]

LIST.json is a list of paths. It is imported in every peer's environment, so it needs only the standard library.
"""

import argparse
import json
import platform
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from memory import peak_mb

# torchvision looks for a package `pytorch` and would find, and run, the script of that name next to this one.
sys.path = [folder for folder in sys.path if Path(folder or ".").resolve() != Path(__file__).resolve().parent]

DIGITS = "0123456789"
ALIKE = str.maketrans("\u2212\u2013\u2014\u00b7\u2022\u00d7", "---..x")
"""Minus, dashes, raised points and the sign of a product, as they are written here."""


class Found(NamedTuple):
    """A piece of text and its place."""

    left: float
    top: float
    right: float
    bottom: float
    text: str
    confidence: float = 1.0
    accepted: bool = True
    """Whether the reader itself would show it, with the settings that it has when nothing is set."""


Piece = tuple[str, float, bool]
"""A number or a part of one: its text, its confidence, whether it is accepted."""

Rows = list[list[str]]
"""A table: what stands in each cell, row by row."""


def run(
    peer: str,
    load: Callable[[argparse.Namespace], Callable[[str], list[Piece] | Rows]],
    *packages: str,
    more: Callable[[], dict[str, str]] = dict,
) -> None:
    """Load a reader, let it read one image to warm up and then all of them, each timed; print the line.

    Args:
        load: from the arguments to a function that reads the image at a path; of the kind "table", its rows.
        packages: whose versions are recorded.
        more: versions of what is no package, asked for at the end.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=Path, required=True, help="a JSON list of paths")
    parser.add_argument("--kind", choices=("digit", "line", "page", "grid", "table", "nothing"), required=True)
    parser.add_argument("--keep", default=DIGITS, help="characters that are asked for")
    parser.add_argument("--no-detection", action="store_true", help="take the whole image as one line of text")
    parser.add_argument("--tiny", action="store_true", help="the tiny models in place of the small ones")
    parser.add_argument("--read-as", choices=("digit", "page"), help="how our reader reads, whatever the kind")
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
            answer = []
            failed[path] = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        if number:
            ms.append(round((time.perf_counter() - started) * 1e3, 3))
            answers.append(answer)
    record = {
        "peer": peer,
        "answers": answers,
        "ms": ms,
        "load_s": round(load_s, 3),
        "peak_mb": round(peak_mb(), 1),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}, **more()},
        "failed": failed,
    }
    print(json.dumps(record), flush=True)


def kept(text: str, keep: str) -> str:
    """The characters of a text that are asked for, wide and unusual forms of them too."""
    plain = unicodedata.normalize("NFKC", text).translate(ALIKE)
    return "".join(each for each in plain if each in keep)


def rows_of(found: Iterable[Found], keep: str) -> list[list[Found]]:
    """Pieces of text that stand next to each other, from left to right, and these rows from top to bottom.

    A detector often finds a line in two pieces; without this it would lose the line.
    """
    rows: list[list[Found]] = []
    for piece in sorted(piece for piece in found if kept(piece.text, keep)):
        best, most = None, 0.5
        for row in rows:
            last = row[-1]
            common = min(last.bottom, piece.bottom) - max(last.top, piece.top)
            share = common / max(1, min(last.bottom - last.top, piece.bottom - piece.top))
            if share > most:
                best, most = row, share
        if best is None:
            rows.append([piece])
        else:
            best.append(piece)
    return sorted(rows, key=lambda row: sum(piece.top + piece.bottom for piece in row) / len(row))


def table_of(found: Iterable[Found], keep: str) -> Rows:
    """The accepted pieces as a table: rows of what stands side by side, columns of what stands one above the other."""
    words = [word for piece in found if piece.accepted for word in words_of(piece, keep)]
    columns = rows_of((on_its_side(word) for word in words), keep)
    column_of = {on_its_side(word): number for number, column in enumerate(columns) for word in column}
    table = []
    for row in rows_of(words, keep):
        table.append([""] * len(columns))
        for word in row:
            table[-1][column_of[word]] += word.text
    return table


def words_of(piece: Found, keep: str) -> Iterator[Found]:
    """The numbers of a piece of text: separated by a space they are separate cells, with widths in proportion."""
    wide = (piece.right - piece.left) / max(1, len(piece.text))
    for word in re.finditer(r"\S+", piece.text):
        if value := value_of(word[0], keep):
            left, right = (piece.left + wide * end for end in word.span())
            yield piece._replace(left=left, right=right, text=value)


def value_of(text: str, keep: str) -> str:
    """The number in a cell; words, and what has a letter in it, count as nothing."""
    value = kept(text, keep)
    letters = any(each.isalpha() for each in text)
    return value if not letters and any(each.isdigit() for each in value) else ""


def on_its_side(piece: Found) -> Found:
    """A piece with its x and y exchanged."""
    return piece._replace(left=piece.top, top=piece.left, right=piece.bottom, bottom=piece.right)


def of_kind(kind: str, found: Iterable[Found], keep: str = DIGITS) -> list[Piece]:
    """The lines of a page, the numbers of a grid row by row, or the pieces of a line from left to right."""
    if kind == "page":
        rows = rows_of(found, keep)
        return [
            (
                "".join(kept(piece.text, keep) for piece in row),
                min(piece.confidence for piece in row),
                all(piece.accepted for piece in row),
            )
            for row in rows
        ]
    pieces = [piece for row in rows_of(found, keep) for piece in row] if kind == "grid" else sorted(found)
    words = [(kept(word, keep), piece) for piece in pieces for word in piece.text.split()]
    return [(word, piece.confidence, piece.accepted) for word, piece in words if word]
