"""The commands `tendigits evaluate`, `data` and `runs`.

tendigits evaluate --help
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tendigits.extras import require
from tendigits.options import Data, Runs


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    data: Data = None,
) -> None:
    """Load a run's model again and write its report anew, or a report on other digits."""
    require("tendigits evaluate", "train")
    from tendigits.report.evaluate import evaluate_run
    from tendigits.report.metrics import percent

    report, folder = evaluate_run(run, data)
    typer.echo(f"accuracy {percent(report)}")
    typer.echo(f"{folder / 'report.html'}")


def data(data: Data = None) -> None:
    """Show which digits `train` would use: MNIST, or those of --data."""
    from tendigits.data.load import load
    from tendigits.report.messages import data_lines

    for line in data_lines(load(data)):
        typer.echo(line)


def list_or_compare(
    compared: Annotated[
        list[Path] | None, typer.Argument(help="Two or more runs to compare.", metavar="[RUN RUN...]")
    ] = None,
    runs: Runs = Path("runs"),
    picture: Annotated[
        Path | None,
        typer.Option(help="Where to draw the curves.", show_default="RUNS/compared.png", metavar="FILE.png"),
    ] = None,
) -> None:
    """List all runs, or compare some: recipes, results and curves."""
    require("tendigits runs", "train")
    from rich.console import Console
    from rich.table import Table

    from tendigits.report.compare import RUN_COLUMNS, compare_runs, table_of_runs

    # On a terminal as wide as it is; in a pipe as wide as it must be.
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=200)
    if not compared:
        rows = table_of_runs(runs)
        if not rows:
            typer.echo(f"no runs in {runs}; make one with: tendigits train")
            return
        table = Table(*RUN_COLUMNS, box=None, header_style="bold")
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    comparison = compare_runs([_find_run(path, runs) for path in compared], picture or runs / "compared.png")
    table = Table("", *comparison.names, box=None, header_style="bold")
    for key, values in comparison.recipe:
        table.add_row(key, *values, style="yellow")
    if not comparison.recipe:
        table.add_row("recipe", *["the same"] * len(comparison.names))
    table.add_section()
    for key, values in comparison.results:
        table.add_row(key, *values)
    console.print(table)
    typer.echo(f"curves: {comparison.picture}")


def _find_run(path: Path, runs: Path) -> Any:
    """A run by its path, or by its name in the folder of runs."""
    from tendigits.report.run import open_run

    return open_run(path if path.is_dir() else runs / path)
