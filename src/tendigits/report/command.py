"""The commands `tendigits evaluate`, `data` and `runs`.

tendigits evaluate --help
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tendigits.errors import printable
from tendigits.extras import require
from tendigits.options import Data, Runs

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tendigits.runs.run import Run


def evaluate(
    run: Annotated[Path, typer.Argument(help="The run's name or folder.", metavar="RUN")],
    data: Data = None,
    runs: Runs = Path("runs"),
) -> None:
    """Evaluate a run's saved model again and rewrite its report, or write a report on other digits."""
    from tendigits.runs.run import find_run

    require("tendigits evaluate", "train")
    found = find_run(run, runs)  # before Keras is imported, so that an error comes at once
    from tendigits.report.evaluate import evaluate_run
    from tendigits.report.metrics import accuracy_text, corrected_text

    report, folder = evaluate_run(found.path, data)
    typer.echo(f"accuracy {accuracy_text(report)}")
    if corrected := corrected_text(report):
        typer.echo(corrected)
    typer.echo(folder / "report.html")


def data(data: Data = None) -> None:
    """Show which digits `train` would use: MNIST, or those of --data."""
    from tendigits.data.load import load
    from tendigits.report.messages import data_lines

    for line in data_lines(load(data)):
        typer.echo(line)


def runs(
    names: Annotated[
        list[Path] | None,
        typer.Argument(help="Names or folders of runs: one to show, several to compare.", metavar="RUN"),
    ] = None,
    runs: Runs = Path("runs"),
    picture: Annotated[
        Path | None,
        typer.Option(help="File for the compared curves.", show_default="RUNS/compared.png", metavar="FILE.png"),
    ] = None,
) -> None:
    """List all runs, show one, or compare several. Of two: is the difference luck?"""
    from rich.console import Console

    from tendigits.runs.run import find_run

    # In a pipe lines are not wrapped. Names of folders are not parsed as markup.
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 1000)
    if names is not None and len(names) > 1:
        require("comparing runs", "train")
    found = [find_run(name, runs) for name in names or ()]
    if not found:
        print_list(console, runs)
    elif len(found) == 1:
        print_run(console, found[0])
    else:
        from tendigits.report.compare import draw_runs

        print_comparison(console, found)
        picture = picture or runs / "compared.png"
        draw_runs(found, picture)
        typer.echo(f"curves: {picture}")


def print_list(console: "Console", runs: Path) -> None:
    """Print a row for each run in a folder, with as many columns as fit."""
    from tendigits.report.compare import COLUMNS, fit_columns, list_table

    rows = list_table(runs, lambda error: typer.echo(f"tendigits: {printable(str(error))}", err=True))
    if not rows:
        typer.echo(f"no runs in {runs}; make one with: tendigits train")
        return
    columns = fit_columns(rows, console.width)
    table = _table(columns)
    for row in rows:
        table.add_row(*(printable(row[column]) for column in columns))
    console.print(table)
    if hidden := [column for column in COLUMNS if column not in columns]:
        typer.echo(f"in a wider terminal also: {', '.join(hidden)}")


def print_run(console: "Console", run: "Run") -> None:
    """Print one run in detail: the settings that differ from classic, and the results."""
    from tendigits.report.compare import describe_run

    table = _table(None)
    for key, value in describe_run(run):
        table.add_row(key, value)
    console.print(table)


def print_comparison(console: "Console", runs: "list[Run]") -> None:
    """Print different settings and results with a column for each run, in several tables if necessary."""
    from tendigits.report.compare import compare_runs, fit_runs

    comparison = compare_runs(runs)
    for block in fit_runs(comparison, console.width):
        table = _table(["", *(comparison.names[i] for i in block)])
        for rows, style in ((comparison.settings, "yellow"), (comparison.results, None)):
            for key, values in rows:
                table.add_row(key, *(values[i] for i in block), style=style)
        console.print(table)
    if not comparison.settings:
        typer.echo("the recipes are the same")
    if comparison.is_it_luck is not None:
        console.print(comparison.is_it_luck)


def _table(headings: "list[str] | None") -> "Table":
    """A table without borders; text that is too long is wrapped, not cut."""
    from rich.table import Column, Table

    columns = [Column(heading, overflow="fold") for heading in headings or ("", "")]
    return Table(*columns, box=None, header_style="bold", show_header=headings is not None, padding=(0, 2, 0, 0))
