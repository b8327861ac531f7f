"""The command `tendigits read`: which files, what of them, in which form.

tendigits read --help
"""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from csv import writer
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tendigits.errors import DataError, Interrupted, UserError
from tendigits.extras import require

if TYPE_CHECKING:
    from tendigits.batch.batch import Result
    from tendigits.read.results import Page

MANY = "A million pictures"


def read(
    images: Annotated[
        list[str],
        typer.Argument(help="Pictures, or folders of them; also addresses, as s3://bucket/folder.", metavar="IMAGE..."),
    ],
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
    parquet: Annotated[
        Path | None,
        typer.Option(
            help="Write a table of Parquet files there; goes on where it was.", metavar="FOLDER", rich_help_panel=MANY
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes, or actors of the cluster.",
            min=1,
            metavar="N",
            show_default="one for each core",
            rich_help_panel=MANY,
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            help="Read on a Ray cluster: local (also where nothing follows), auto or HOST:PORT.",
            metavar="[ADDRESS]",
            rich_help_panel=MANY,
        ),
    ] = None,
) -> None:
    """Read the digits in pictures: every number, line by line."""
    if parquet is not None:
        _refuse_with_parquet({"csv": csv, "json": as_json or None, "show": show})
        _read_into(parquet, images, quiet, one=one, model=model, threshold=threshold, workers=workers, ray=ray)
        return
    if ray is not None:
        raise UserError("--ray reads into a table; give its folder with --parquet")
    from tendigits.batch.batch import read_files
    from tendigits.batch.sources import find_pictures
    from tendigits.read.reader import Reader

    paths = find_pictures(images)
    if show is not None and len(paths) != 1:
        raise UserError(f"--show draws one picture, received {len(paths)}; call it for each")
    reader = Reader(model, threshold)
    failed: list[Result] = []
    with _Output(csv, as_json, one, many=len(paths) > 1) as output, _bar(quiet) as step:
        for done, result in enumerate(read_files(reader, paths, one=one, workers=workers), 1):
            step(done, len(paths))
            if result.page is None:
                failed.append(result)
            else:
                output.write(result.path, result.page)
                if show is not None:
                    _show(result.path, result.page, show)
    _tell_failed([str(result.error) for result in failed], len(paths))


def _read_into(folder: Path, images: list[str], quiet: bool, **how: Any) -> None:
    """Into a table, and say what was read."""
    require("--parquet", "scale")
    from tendigits.batch.bulk import Bulk, read_into

    try:
        with _bar(quiet) as step:
            summary = read_into(folder, Bulk(images, **how), step)
    except (KeyboardInterrupt, Interrupted) as error:
        number = error.signal_number if isinstance(error, Interrupted) else signal.SIGINT
        raise Interrupted("interrupted; what was read is kept, the same command goes on where it was", number) from None
    before = f"; {summary.before:,} pictures had been read before" if summary.before else ""
    typer.echo(f"{folder}: {summary.numbers:,} numbers in {summary.pictures - len(summary.failed):,} pictures{before}")
    _tell_failed(summary.failed, summary.pictures)


def _refuse_with_parquet(options: dict[str, Any]) -> None:
    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given:
        raise UserError(f"expected --parquet alone, received {', '.join(given)} too; a table has all of it")


def _tell_failed(errors: list[str], total: int) -> None:
    for error in errors[:20]:
        typer.echo(f"tendigits: {error}", err=True)
    if errors:
        if len(errors) > 20:
            typer.echo(f"tendigits: and {len(errors) - 20} more", err=True)
        raise DataError(f"read {total - len(errors)} of {total} pictures; {len(errors)} could not be read")


class _Output:
    """Where results go: a CSV, JSON lines, or text on the standard output."""

    def __init__(self, csv: Path | None, as_json: bool, one: bool, many: bool) -> None:
        self.path, self.as_json, self.one, self.many = csv, as_json, one, many

    def __enter__(self) -> "_Output":
        from tendigits.read.results import COLUMNS

        self.buffer = StringIO()
        self.rows = writer(self.buffer, lineterminator="\n")
        self.rows.writerow(COLUMNS)
        return self

    def write(self, path: str, page: "Page") -> None:
        """One picture's."""
        if self.path is not None:
            self.rows.writerows(page.rows(path))
        if self.as_json:
            typer.echo(json.dumps({"path": path, **page.as_dict()}))
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
def _bar(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar over many pictures, on a terminal: told how many of how many."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    with Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None, visible=False)
        yield lambda done, total: progress.update(task, completed=done, total=total, visible=total > 1)


def _show(path: str, page: "Page", target: Path) -> None:
    from tendigits.batch.sources import content_of
    from tendigits.data.image import open_photo
    from tendigits.files import replacing
    from tendigits.read.annotate import draw_page

    with replacing(target) as temporary:
        draw_page(open_photo(content_of(path), side=2048).grey, page).save(temporary, "PNG")
