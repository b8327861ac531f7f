"""Write results as text, a CSV, JSON lines, spreadsheets or annotated pictures; and show a progress bar."""

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePath
from typing import Any

from tendigits.batch.sources import content_of
from tendigits.errors import UserError, printable
from tendigits.files import make_folder, writing
from tendigits.geometry import Box
from tendigits.pictures.image import open_image
from tendigits.read.page import COLUMNS, Page, draw_page
from tendigits.tables.cell import Cell, no_formula
from tendigits.tables.checks import parse
from tendigits.tables.spreadsheet import write_spreadsheet
from tendigits.tables.table import Table

Progress = Callable[[int, int], None]

FORMS_SHEET = "forms"
"""Name of the sheet with a row for each picture of a form."""

STDOUT = Path("-")
"""The name of standard output as a CSV file."""

SHOW_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""Suffixes of annotated pictures, and Pillow's names of their formats."""

MAX_SHOW_SIDE = 2048
"""Pixels: pictures are shrunk to this longest side before they are annotated."""


@dataclass
class Output(AbstractContextManager["Output"]):
    """Writes each result at once; CSV files and spreadsheets at the end, even after an interruption."""

    csv: Path | None
    as_json: bool
    one: bool
    """The pictures are of one digit: print its runners-up."""
    named: bool
    """Print the picture's name in front of each line of text."""
    show: Mapping[str, Path]
    """For each picture the file of its annotated copy."""
    tables: "TableFile | None"
    """Collects the tables; their summaries are printed instead of text."""
    fields: Sequence[str] | None
    """Names of a form's fields: the CSV then has a row for each picture, with these columns."""

    def __post_init__(self) -> None:
        self._rows = StringIO()
        if self.csv is not None:
            self._write_rows([COLUMNS if self.fields is None else ("path", *self.fields, "to check")])

    def write(self, path: str, page: Page) -> None:
        """Write one picture's results."""
        if self.csv is not None:
            self._write_rows([form_row(path, page)] if page.fields else page.rows(path))
        if self.as_json:
            _print(json.dumps({"path": printable(path), **page.as_dict()}))
        elif self.tables is None and self.csv is None:
            digit = page.numbers[0].digit if self.one else None
            text = page.text() or "no numbers" if digit is None else digit.text()
            for line in text.split("\n"):
                _print(f"{printable(path)}: {line}" if self.named else line)
        if self.tables is not None:
            turned = f"   turned by {page.turned} degrees" if page.turned else ""
            notice = f"   {page.notice}" if page.notice else ""
            for summary in self.tables.add(path, page):
                if not self.as_json and self.csv != STDOUT:
                    _print(f"{printable(path)}   {summary}{turned}{notice}")
        if (target := self.show.get(path)) is not None:
            make_folder(target.parent)
            drawn = draw_page(open_image(content_of(path), side=MAX_SHOW_SIDE).grey, page)
            with writing(target) as temporary:
                drawn.save(temporary, SHOW_FORMATS[target.suffix.lower()])

    def _write_rows(self, rows: Sequence[Sequence[Any]]) -> None:
        csv.writer(self._rows, lineterminator="\n").writerows(rows)
        if self.csv == STDOUT:
            _print(self._rows.getvalue().removesuffix("\n"))
            self._rows = StringIO()

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        if isinstance(error, UserError):  # the reader could not be made: nothing was read
            return
        if self.csv is not None and self.csv != STDOUT:
            _write(self.csv, self._rows.getvalue())
        if self.tables is not None:
            self.tables.write()


def doubtful_fields(page: Page) -> list[str]:
    """Names of the fields of a form that are not accepted."""
    return [name for name, cell in page.fields.items() if not cell.accepted]


def form_row(path: str, page: Page) -> tuple[str, ...]:
    """The CSV row of a picture of a form: the values of its fields, and the names of the doubtful ones."""
    values = (no_formula(cell.value) for cell in page.fields.values())
    return no_formula(printable(path)), *values, "; ".join(doubtful_fields(page))


@dataclass
class TableFile:
    """Collects the tables of pictures, for one .xlsx with a sheet each, or one .csv."""

    path: Path
    sums: str
    expect: str

    def __post_init__(self) -> None:
        self._tables: list[tuple[str, Table]] = []
        self._forms: list[list[Cell]] = []

    def add(self, path: str, page: Page) -> Iterator[str]:
        """Add a picture's tables, or the row of a form, and yield a summary of each."""
        if page.fields:
            if not self._forms:
                self._forms.append([Cell(Box(0, 0, 0, 0), name) for name in ("picture", *page.fields)])
                self._tables.append((FORMS_SHEET, Table(self._forms)))
            self._forms.append([Cell(Box(0, 0, 0, 0), printable(PurePath(path).name)), *page.fields.values()])
            doubtful = doubtful_fields(page)
            check = f" ({', '.join(doubtful)})" if doubtful else ""
            yield f"{len(page.fields)} fields   {len(doubtful)} to check{check}"
            return
        tables = [table for table in page.checked(self.sums, self.expect) if table.rows]
        for number, table in enumerate(tables, 1):
            name = printable(PurePath(path).name).replace("#page=", " ")
            self._tables.append((f"{name} {number}" if len(tables) > 1 else name, table))
            yield table.summary()
        if not tables:
            yield "no table"

    @property
    def is_empty(self) -> bool:
        """Whether no table was added; then no file is written."""
        return not self._tables

    def write(self) -> None:
        """Write the file, unless there is no table. Raises DiskError."""
        if self.is_empty:
            return
        if self.path.suffix.lower() == ".csv":
            _write(self.path, "\n".join(table.to_csv() for _, table in self._tables))
        else:
            write_spreadsheet(self.path, [(name, table.rows) for name, table in self._tables])


def plan_tables(path: Path | None, n_pictures: int, sums: str, expect: str, form: bool) -> TableFile | None:
    """Prepare the file for tables. Raises UserError for another format, or a .csv of several pictures."""
    if path is None:
        return None
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise UserError(f"expected a name ending in .csv or .xlsx for --table, received {path}")
    if path.suffix.lower() == ".csv" and n_pictures > 1 and not form:
        raise UserError(f"expected a name ending in .xlsx for the tables of {n_pictures} pages, received {path}")
    parse(expect)
    return TableFile(path, sums, expect)


@contextmanager
def progress_bar(quiet: bool = False) -> Iterator[Progress]:
    """Show a progress bar for several pictures on a terminal; yields the function that updates it."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    # Results on the same terminal are printed above the bar.
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("", total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=total > 1)


def plan_show(paths: Sequence[str], show: Path | None) -> dict[str, Path]:
    """Choose the file of each annotated picture: `show` itself for one picture, or a file in the folder `show`.

    Raises UserError if it would overwrite a picture, or cannot be written.
    """
    if show is None:
        return {}
    if len(paths) == 1 and not show.is_dir():
        planned = {paths[0]: show}
    elif show.is_file() or show.suffix.lower() in SHOW_FORMATS:
        raise UserError(f"expected a folder for the {len(paths)} pictures of --show, received {show}; give a folder")
    else:
        planned = {}
        for path in dict.fromkeys(paths):
            stem, n = printable(PurePath(path).stem).replace("\\", "_"), 1
            while (target := show / (f"{stem}.png" if n == 1 else f"{stem}-{n}.png")) in planned.values():
                n += 1
            planned[path] = target
    originals = {Path(path).absolute() for path in paths}
    for target in planned.values():
        if target.suffix.lower() not in SHOW_FORMATS:
            raise UserError(f"expected a name ending in {', '.join(SHOW_FORMATS)} for --show, received {target}")
        if target.absolute() in originals:
            raise UserError(f"--show would overwrite the picture {target}; choose another name")
    return planned


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # typer.echo would write into the progress bar


def _write(path: Path, text: str) -> None:
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
