"""Read a TOML file of settings that somebody else may have made: a recipe, a form, a search space.

content = read_toml(Path("mine.toml"))

The standard library's parser takes time by the square of a key's parts, minutes for 128 KB, and a stack frame for each
bracket; numbers may have any length, which other code can't print.
"""

import tomllib
from pathlib import Path
from typing import Any

from tendigits.untrusted import read_file

MAX_BYTES = 256 * 2**10
"""Bytes of a file: a form with the 1,000 fields that one may have takes a third of it."""

MAX_DOTS = 64
"""Points in a line, which bound the parts of a key; a list of 60 decimals in one line has as many."""

MAX_DEPTH = 16
"""Tables and lists within each other; settings have three."""

MAX_BITS = 63
"""Bits of a whole number and its sign, as TOML has them."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file of settings.

    Raises:
        OSError: it can't be read, is no regular file, or is too large.
        ValueError: it is no TOML, or asks for more than settings need.
    """
    return parse_toml(read_file(path, MAX_BYTES).decode("utf-8"))


def parse_toml(text: str) -> dict[str, Any]:
    """Convert the text of a file of settings; see `read_toml`. Raises ValueError."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > MAX_DOTS and not line.lstrip().startswith("#"):
            raise ValueError(f"expected at most {MAX_DOTS} points in a line, line {number} has {line.count('.'):,}")
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise ValueError(f"expected at most {MAX_DEPTH} tables and lists within each other, received more") from None
    _check(content, MAX_DEPTH)
    return content


def _check(value: Any, depth: int) -> None:
    if isinstance(value, dict | list):
        if depth == 0:
            raise ValueError(f"expected at most {MAX_DEPTH} tables and lists within each other, received more")
        for inner in value.values() if isinstance(value, dict) else value:
            _check(inner, depth - 1)
    elif isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ValueError("expected whole numbers of at most 64 bits, received a larger one")
