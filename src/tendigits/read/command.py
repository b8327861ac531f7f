"""The command `tendigits read`: which files, what of them, in which form.

tendigits read --help
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from csv import writer
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tendigits.errors import DataError, UserError

if TYPE_CHECKING:
    from tendigits.read.files import Result
    from tendigits.read.page import Page


def read(
    images: Annotated[list[Path], typer.Argument(help="Pictures, or folders of them.", metavar="IMAGE...")],
    one: Annotated[bool, typer.Option("--one", help="Each picture is of one digit.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write a row for each line there.", metavar="FILE.csv")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each picture.")] = False,
    show: Annotated[
        Path | None, typer.Option(help="Draw what was read into a copy of the picture.", metavar="FILE.png")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Read with this run's network.", metavar="RUN", show_default="the package's")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Confidence that is accepted.", metavar="0..1", show_default="at most 1% wrong"
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Read the digits in pictures: every number, line by line."""
    from tendigits.read.files import find_pictures, read_files
    from tendigits.read.reader import Reader

    paths = find_pictures(images)
    if show is not None and len(paths) != 1:
        raise UserError(f"--show draws one picture, received {len(paths)}; call it for each")
    reader = Reader(model, threshold)
    failed: list[Result] = []
    with _Output(csv, as_json, one, many=len(paths) > 1) as output, _bar(len(paths), quiet) as step:
        for result in read_files(reader, paths, one=one):
            step()
            if result.page is None:
                failed.append(result)
            else:
                output.write(result.path, result.page)
                if show is not None:
                    _show(result.path, result.page, show)
    for result in failed[:20]:
        typer.echo(f"tendigits: {result.error}", err=True)
    if failed:
        if len(failed) > 20:
            typer.echo(f"tendigits: and {len(failed) - 20} more", err=True)
        raise DataError(f"read {len(paths) - len(failed)} of {len(paths)} pictures; {len(failed)} could not be read")


class _Output:
    """Where results go: a CSV, JSON lines, or text on the standard output."""

    def __init__(self, csv: Path | None, as_json: bool, one: bool, many: bool) -> None:
        self.path, self.as_json, self.one, self.many = csv, as_json, one, many

    def __enter__(self) -> "_Output":
        from tendigits.read.page import COLUMNS

        self.buffer = StringIO()
        self.rows = writer(self.buffer, lineterminator="\n")
        self.rows.writerow(COLUMNS)
        return self

    def write(self, path: Path, page: "Page") -> None:
        """One picture's."""
        if self.path is not None:
            self.rows.writerows(page.rows(str(path)))
        if self.as_json:
            typer.echo(json.dumps({"path": str(path), **page.as_dict()}))
        elif self.path is None:
            name = f"{path}: " if self.many else ""
            text = page.lines[0].digits[0].text() if self.one else page.text() or "no digits"
            for line in text.splitlines():
                typer.echo(f"{name}{line}")

    def __exit__(self, *_: Any) -> None:
        from tendigits.files import write_text

        if self.path is not None:  # also what was read before a Ctrl-C
            write_text(self.path, self.buffer.getvalue())


@contextmanager
def _bar(total: int, quiet: bool) -> Iterator[Callable[[], None]]:
    """A progress bar over many pictures, on a terminal."""
    if quiet or total < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    with Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


def _show(path: Path, page: "Page", target: Path) -> None:
    from tendigits.data.photo import open_photo
    from tendigits.files import replacing
    from tendigits.read.show import draw_page

    with replacing(target) as temporary:
        draw_page(open_photo(path, side=2048).grey, page).save(temporary, "PNG")
