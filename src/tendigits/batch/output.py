"""Write results as text, a CSV, JSON lines, spreadsheets or annotated pictures; and show a progress bar.

planned = plan_show(paths, Path("shown"))
check([("--csv", Path("out.csv")), *(("--show", path) for path in planned.values())], paths)
with Output(...) as output: output.write(path, page)
"""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path, PurePath
from tempfile import gettempdir, mkdtemp
from typing import Any

from tendigits.batch.piles import gather
from tendigits.errors import DiskError, UserError, printable
from tendigits.files import make_folder, portable, replacing, writing
from tendigits.geometry import Box
from tendigits.outputs import Target, check_targets
from tendigits.pictures.documents import split_address
from tendigits.pictures.image import Grey
from tendigits.read.answer_key import Key
from tendigits.read.page import COLUMNS, TURNED, Page, draw_page
from tendigits.tables.cell import Cell, no_formula
from tendigits.tables.spreadsheet import to_xlsx
from tendigits.tables.table import Table

Progress = Callable[[int, int], None]

STDOUT = Path("-")  # the name of standard output as a CSV file
MAX_STEM_BYTES = 200  # of a picture's name in the name of its annotated copy; file systems allow 255 for the whole
FORM_COLUMNS = ("path", "to check")  # the first and the last column of a form's CSV
MARK_COLUMNS = ("total", "wrong")  # in front of the last one, if there is a key
NO_BOX = Box(0, 0, 0, 0)  # of a cell that was not read
FORMS_SHEET = "forms"  # name of the sheet with a row for each picture of a form
# Suffixes of annotated pictures, and Pillow's names of their formats.
SHOW_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
SUFFIXES = {
    "--report": (".html",),
    "--csv": (".csv", ".txt", ""),
    "--table": (".csv", ".xlsx"),
    "--show": (*SHOW_FORMATS,),
}


def check(outputs: Iterable[tuple[str, Path | None]], inputs: Iterable[str | Path], overwrite: bool = False) -> None:
    """Check all outputs: a path for each use of an option, None or "-" for none. Inputs are paths and addresses.

    Raises what `check_targets` raises.
    """
    targets = [
        Target(option, path, SUFFIXES[option], makes_folder=option == "--show")
        for option, path in outputs
        if path is not None and path != STDOUT
    ]
    check_targets(targets, (split_address(str(path))[0] for path in inputs), overwrite)


def plan_show(paths: Sequence[str], show: Path | None) -> Mapping[str, Path]:
    """Choose the file of each annotated picture: `show` itself for one picture, or a file in the folder `show`.

    Raises UserError if several pictures would go to one file.
    """
    if show is None:
        return {}
    if len(paths) == 1 and not show.is_dir():
        return {paths[0]: show}
    if show.is_file() or show.suffix.lower() in SHOW_FORMATS:
        raise UserError(f"expected a folder for the {len(paths)} pictures of --show, received {show}; give a folder")
    planned: dict[str, Path] = {}
    taken: set[str] = set()  # without case, which Windows and macOS ignore
    for path in dict.fromkeys(paths):
        stem = portable(printable(PurePath(path).stem)).encode()[:MAX_STEM_BYTES].decode(errors="ignore")
        name, n = f"{stem}.png", 1
        while name.casefold() in taken:
            n += 1
            name = f"{stem}-{n}.png"
        planned[path] = show / name
        taken.add(name.casefold())
    return planned


@dataclass(frozen=True, eq=False, repr=False)
class ShownPage(Page):
    """A page with its picture, to draw the results into it."""

    picture: Grey = field(kw_only=True)


@dataclass
class Output(AbstractContextManager["Output"]):
    """Writes each result at once; CSV files and spreadsheets at the end, even after an interruption."""

    csv: Path | None
    as_json: bool
    one: bool  # the pictures are of one digit: print its runners-up
    named: bool  # print the picture's name in front of each line of text
    show: Mapping[str, Path]  # for each picture the file of its annotated copy
    table: Path | None  # an .xlsx or .csv; summaries of the tables are printed instead of text
    shows_text: bool  # print what was read, unless another format goes to standard output
    fields: Sequence[str] | None  # a form's: the CSV then has a row for each picture, with these columns
    key: Key | None  # the answers to them

    def __post_init__(self) -> None:
        self.sheets: list[tuple[str, Table]] = []  # names and tables; without any, no file is written
        self.notices: list[str] = []  # about the pages of printed sheets, once all are read
        self.missing: str | None = None  # why there is no file of tables, once all are read
        self._n_separate = 0  # pictures with tables that are not joined
        self._pages: list[tuple[str, Page]] = []  # of these
        self._rows = StringIO()
        if self.fields is not None:
            self.sheets.append((FORMS_SHEET, Table([])))
            names = (*self.fields, *(MARK_COLUMNS if self.key else ()))
            self._write_form("picture", FORM_COLUMNS[0], [Cell(NO_BOX, name) for name in names], FORM_COLUMNS[1])
        elif self.csv is not None:
            self._write_rows([COLUMNS])

    def write(self, path: str, page: Page) -> None:
        """Write one picture's results."""
        page = self.key.marked(page) if self.key else page
        if page.fields:
            cells = [*page.fields.values()]
            if page.marks is not None:
                points, wrong = page.marks.points, "; ".join(page.marks.wrong)
                cells += [Cell(NO_BOX, str(points), points), Cell(NO_BOX, wrong)]
            self._write_form(PurePath(path).name, path, cells, "; ".join(doubtful_fields(page)))
        elif self.csv is not None:
            self._write_rows(page.rows(path))
        lines: list[str] = []
        if self.table is not None:
            also = [*filter(None, [TURNED.get(page.turned), page.notice])]
            lines = ["   ".join([printable(path), each, *also]) for each in self._add_tables(path, page)]
        elif self.csv is None and not self.as_json and self.shows_text:
            digit = page.numbers[0].digit if self.one else None
            text = page.text() or "no numbers" if digit is None else digit.text()
            lines = [f"{printable(path)}: {line}" if self.named else line for line in text.split("\n")]
        if self.as_json:
            lines = [json.dumps({"path": printable(path), **page.as_dict()})]
        for line in lines if self.csv != STDOUT else ():
            _print(line)
        if (target := self.show.get(path)) is not None and isinstance(page, ShownPage):
            make_folder(target.parent)
            drawn = draw_page(page.picture, page)
            with writing(target) as temporary:
                drawn.save(temporary, SHOW_FORMATS[target.suffix.lower()])

    def write_error(self, path: str, error: str) -> None:
        """Write the row of a picture that does not show the form or could not be read; other outputs have none."""
        if self.fields is not None:
            cells = [Cell(NO_BOX, "", None, 0.0, False, error) for _ in self.fields]
            cells += [Cell(NO_BOX) for _ in (MARK_COLUMNS if self.key else ())]
            self._write_form(PurePath(path).name, path, cells, error)

    def _write_form(self, name: str, path: str, cells: Sequence[Cell], to_check: str) -> None:
        """Write the row of a picture of a form: its path in the CSV, its name in the spreadsheet."""
        if self.table is not None:
            self.sheets[0][1].rows.append([Cell(NO_BOX, printable(name)), *cells])
        if self.csv is not None:
            self._write_rows([map(no_formula, (printable(path), *(cell.value for cell in cells), to_check))])

    def _write_rows(self, rows: Iterable[Iterable[Any]]) -> None:
        csv.writer(self._rows, lineterminator="\n").writerows(rows)
        if self.csv == STDOUT:
            _print(self._rows.getvalue().removesuffix("\n"))
            self._rows = StringIO()

    def _add_tables(self, path: str, page: Page) -> list[str]:
        """Add a picture's tables. Returns a summary of each, or of the fields of a form."""
        if page.fields:
            doubtful = doubtful_fields(page)
            check = f" ({', '.join(doubtful)})" if doubtful else ""
            points = f"   {page.marks.text()}" if page.marks else ""
            return [f"{len(page.fields)} fields{points}   {len(doubtful)} to check{check}"]
        if page.sheet is not None:
            self._pages.append((path, replace(page, thumbnail=None)))
            named = ", ".join(filter(None, [page.sheet.sheet.title, page.sheet.where]))
            return [named or "a sheet"]
        name = printable(PurePath(path).name).replace("#page=", " ")
        tables = [table for table in page.tables if table.rows]
        for number, table in enumerate(tables, 1):
            self.sheets.append((f"{name} {number}" if len(tables) > 1 else name, table))
        self._n_separate += bool(tables)
        return [table.summary() for table in tables] or ["no table"]

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        if isinstance(error, UserError):  # the reader could not be made: nothing was read
            return
        sheets, self.notices = gather(self._pages)
        self.sheets += sheets
        for title, table in sheets if self.csv != STDOUT and not self.as_json else ():
            _print(f"{title}   {table.summary()}")
        with ExitStack() as files:  # each is written, even if another cannot be
            if self.csv is not None and self.csv != STDOUT:
                files.callback(_write, self.csv, self._rows.getvalue().encode())
            if self.table is None:
                return
            is_xlsx, n_tables = self.table.suffix.lower() == ".xlsx", len(sheets) + self._n_separate
            if not self.sheets:
                self.missing = f"found no table; {self.table} was not written"
            elif is_xlsx or n_tables < 2:  # those of one picture fit into a CSV
                files.callback(_write, self.table, as_file(self.sheets, is_xlsx))
            else:
                kept = _keep(self.table.with_suffix(".xlsx").name, as_file(self.sheets, as_xlsx=True))
                where = f"; they are in {kept}" if kept is not None else ""
                self.missing = f"expected a name ending in .xlsx for {n_tables} tables, received {self.table}{where}"


def as_file(tables: Sequence[tuple[str, Table]], as_xlsx: bool) -> bytes:
    """Tables with their names as a spreadsheet with a sheet each, or as CSV."""
    if as_xlsx:
        return to_xlsx([(name, table.rows) for name, table in tables])
    return "\n".join(table.to_csv() for _, table in tables).encode()


def doubtful_fields(page: Page) -> list[str]:
    """Names of the fields of a form that are not accepted."""
    return [name for name, cell in page.fields.items() if not cell.accepted]


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


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # typer.echo would write into the progress bar


def _write(path: Path, content: bytes) -> None:
    """Write a file; if that fails, keep it elsewhere, and name that file in the error."""
    try:
        with writing(path) as temporary:
            temporary.write_bytes(content)
    except DiskError as error:
        if (kept := _keep(path.name, content)) is None:
            raise
        raise DiskError(f"{error}; what was read is in {kept}") from None


def _keep(name: str, content: bytes) -> Path | None:
    """Write a file into a new folder in the temporary or the home folder; None if neither can be written to."""
    for folder in (gettempdir, Path.home):
        with suppress(OSError, RuntimeError, DiskError):  # no such folder, or it is full, too
            return _write_into(Path(folder()), name, content)
    return None


def _write_into(folder: Path, name: str, content: bytes) -> Path:
    """Write a file into a new folder for its owner only; nothing is left if it cannot be written whole."""
    new = Path(mkdtemp(prefix="tendigits-", dir=folder))
    try:
        with replacing(new / name) as temporary:
            temporary.write_bytes(content)
    except DiskError:
        new.rmdir()
        raise
    return new / name
