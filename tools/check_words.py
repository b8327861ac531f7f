"""Refuse words that this project does not use: each has a standard term that a reader knows.

python tools/check_words.py         # exit code 1 and a line for each, if there are any
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "tools", "reader", "bench", "docs", "notebooks")
SUFFIXES = {".py", ".js", ".html", ".toml"}

REPLACEMENTS = {
    r"\b(LEAST|MOST|FEWEST|KEPT|FEW|NARROWEST|WIDEST|SMALLEST|LONGEST)(_[A-Z_]+)?\b": "MIN_ or MAX_, thing, unit",
    r"\bshares\b|\b[a-z_]+_shares?\b": "probabilities, scores, fractions",
    r"\b(said|told|tells)\b": "outputs, predicted, announced, is informative",
    r"\bis none\b|\bare none\b": "is not",
    r"\bof (its|their|his|our) own\b": "its own, separate",
    r"\b(parted|partings?)\b": "separated, separators",
    r"\bbeside\b": "next to",
    r"\bwalls?\b": "cell borders",
    r"\b(hurried|untaught|look_through|Sight|OverTime)\b": "partial, base_network, validate, View, DeadlineExceeded",
    r"\blikewise\b": "say it again",
    r"\b(patch|walk)(es|s)?\b|(?<!/)\bblobs?\b(?!:|\(\))": "crop, component, pipeline",
    r"\bof late\b|\bby far\b|\bfor want of\b": "plain English",
    r"\bso many\b": "a number, or leave it out",
    r"\bin the manner of\b|\bas good as none\b|\bis no more\b": "plain English",
}
"""Regular expression -> what to write."""


def findings() -> list[str]:
    """A line for each use: where, what, and what to write."""
    found = []
    for path in sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*") if p.suffix in SUFFIXES):
        if path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for pattern, replacement in REPLACEMENTS.items():
                if match := re.search(pattern, line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: {match[0]!r}: write {replacement}")
    return found


if __name__ == "__main__":
    print(*(lines := findings()), sep="\n", end="\n" if lines else "")
    sys.exit(bool(lines))
