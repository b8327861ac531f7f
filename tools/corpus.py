"""What the reader says of the pictures in tests/corpus, written next to them.

python tools/corpus.py                      # of those that have no expected text yet
python tools/corpus.py table_sums.png       # of these anew, after a change that is meant; git diff shows what it did
"""

import re
import sys
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from tendigits import Reader, TendigitsError

CORPUS = Path(__file__).parents[1] / "tests" / "corpus"
PICTURES = sorted(p for p in CORPUS.rglob("*") if p.is_file() and p.suffix not in (".txt", ".csv", ".toml", ".md"))

NAMES_OF_COLUMNS = r" *A( +[A-Z]+)*"


def said_of(path: Path) -> dict[str, str]:
    """The expected files of a picture: their suffixes, and what they hold."""
    reader = reader_for(next((form for form in path.parent.glob("*.toml") if path.stem.startswith(form.stem)), None))
    if path.parent.name == "digits":
        percentages = r"  [\d.]+%  \(.*?\)"  # they may differ in the last digit from one processor to another
        return {".txt": re.sub(percentages, "", reader.digit(path).text()) + "\n"}
    pages = pages_of(reader, path) if path.suffix in (".pdf", ".tif") else [reader.read(path)]
    lines = [line for page in pages for line in [*(["---"] if len(pages) > 1 else []), *page.text().splitlines()]]
    lines = [line for line in lines if not re.fullmatch(NAMES_OF_COLUMNS, line)]
    if not path.stem.startswith("table"):
        return {".txt": "".join(f"{line}\n" for line in lines)}
    # As `tendigits read --table` has it: the tables in the file, and the summary of each on the terminal.
    tables = [table for page in pages for table in page.tables if table.rows]
    lines += ["", *(table.summary() for table in tables)]
    return {".txt": "".join(f"{line}\n" for line in lines), ".csv": "\n".join(table.to_csv() for table in tables)}


@cache
def reader_for(form: Path | None) -> Reader:
    """A reader of a form, or of any page."""
    return Reader(threads=1, form=form)


def pages_of(reader: Reader, path: Path) -> list[Any]:
    """All pages of a document, read."""
    pages: list[Any] = []
    for number in count(1):
        try:
            pages.append(reader.read(path, number))
        except TendigitsError:  # there is no such page
            break
    return pages


if __name__ == "__main__":
    for picture in PICTURES:
        if picture.name in sys.argv[1:] or not (sys.argv[1:] or picture.with_suffix(".txt").exists()):
            for suffix, text in said_of(picture).items():
                picture.with_suffix(suffix).write_text(text, encoding="utf-8", newline="\n")
            print(picture.relative_to(CORPUS))
