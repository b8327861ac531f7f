"""Tables in Markdown files, written by the commands that measure them."""

from pathlib import Path


def replace_between(path: Path, begin: str, end: str, text: str) -> None:
    """Put `text` between the two marks in a Markdown file."""
    before, rest = path.read_text().split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
